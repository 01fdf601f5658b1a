import { describe, expect, it } from 'vitest';
import { listOthers } from './people.ts';

const state = (id: string, more: Record<string, unknown> = {}) => ({ user: { id, name: id }, ...more });

const list = (...states: Record<string, unknown>[]) =>
  Object.fromEntries(listOthers(new Map(states.map((one, client) => [client, one])), 'me'));

describe('who else is present', () => {
  it('[RC3] is one person, in any number of tabs, by way of all that the mesh knows of', () => {
    expect(
      list(
        state('ada', { peer: 'b' }),
        state('ada', { peer: 'a' }),
        state('ada', { peer: 'b' }),
        state('me', { peer: 'c' }),
        state('me'),
      ),
    ).toEqual({ ada: { role: 'writer', peers: ['a', 'b'] } });
  });

  it.each([
    ['first', [state('ada', { viewer: true, peer: 'eve' }), state('ada', { peer: 'a' })]],
    ['last', [state('ada', { peer: 'a' }), state('ada', { viewer: true, peer: 'eve' })]],
  ])(
    '[RC6] a viewer under the name of somebody who writes is not that person, whoever comes %s',
    (_, states) => {
      expect(list(...states)).toEqual({ ada: { role: 'writer', peers: ['a'] } });
    },
  );

  it('[RC6] a viewer is reached by no mesh, whatever they say', () => {
    expect(list(state('vic', { viewer: true, peer: 'a' }))).toEqual({ vic: { role: 'reader', peers: [] } });
  });

  it('leaves out who gives no name that could be one', () => {
    expect(list({}, { user: null }, state(''), state('a b'), { user: { id: 3 } }, { peer: 'a' })).toEqual({});
    expect(list(state('ada', { peer: 3 }))).toEqual({ ada: { role: 'writer', peers: [] } });
  });
});
