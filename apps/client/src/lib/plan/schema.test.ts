import { expect, it } from 'vitest';
import { planSchema } from './schema.ts';

const GARBAGE = ['x', 5, -1e9, 1e300, {}, [], null, NaN, true];

it('keeps its names: they are written into people\u2019s documents', () => {
  const attributes = (specs: Record<string, { attrs?: object }>) =>
    Object.entries(specs).map(([name, { attrs }]) => [name, ...Object.keys(attrs ?? {})].join(' '));
  const { nodes, marks } = planSchema;
  expect(
    attributes(Object.fromEntries(Object.entries(nodes).map(([name, { spec }]) => [name, spec]))),
  ).toEqual([
    'doc',
    'paragraph',
    'heading level',
    'blockquote',
    'task_list',
    'task_item checked',
    'bullet_list',
    'ordered_list order',
    'list_item',
    'code_block language',
    'horizontal_rule',
    'text',
    'hard_break',
  ]);
  expect(
    attributes(Object.fromEntries(Object.entries(marks).map(([name, { spec }]) => [name, spec]))),
  ).toEqual(['link href', 'strong', 'em', 'strike', 'code']);
});

it('draws every node and mark, whatever its attributes hold', () => {
  for (const type of Object.values(planSchema.nodes)) {
    for (const value of GARBAGE) {
      if (type.isText || !type.spec.toDOM) continue;
      const attrs = Object.fromEntries(Object.keys(type.spec.attrs ?? {}).map((name) => [name, value]));
      expect(() => type.spec.toDOM?.(type.create(attrs))).not.toThrow();
    }
  }
});

it('draws a heading with a made-up level as a heading', () => {
  const drawn = (level: unknown) =>
    planSchema.nodes.heading.spec.toDOM?.(planSchema.node('heading', { level }));
  expect(drawn('x')).toEqual(['h1', 0]);
  expect(drawn(99)).toEqual(['h3', 0]);
});

it('draws an ordered list with a made-up start from a number it can count', () => {
  const drawn = (order: unknown) =>
    planSchema.nodes.ordered_list.spec.toDOM?.(planSchema.nodes.ordered_list.create({ order }));
  expect(drawn(-1e9)).toEqual(['ol', { start: 0 }, 0]);
  expect(drawn({})).toEqual(['ol', 0]);
});

it('draws a link without address when it may not be followed, and never lets the page it opens reach back', () => {
  const drawn = (href: unknown) =>
    planSchema.marks.link.spec.toDOM?.(planSchema.mark('link', { href }), true);
  const guard = { rel: 'noopener noreferrer nofollow', target: '_blank' };
  expect(drawn('https://example.org')).toEqual(['a', { href: 'https://example.org', ...guard }, 0]);
  for (const href of ['javascript:alert(1)', 5, {}, null]) expect(drawn(href)).toEqual(['a', guard, 0]);
});

it('takes any blocks inside items, so that concurrent changes leave nothing invalid', () => {
  const nested = planSchema.node('bullet_list', null, [
    planSchema.node('list_item', null, [planSchema.node('paragraph')]),
  ]);
  expect(() => planSchema.node('list_item', null, [nested]).check()).not.toThrow();
  expect(() =>
    planSchema.node('task_item', { checked: 5 }, [planSchema.node('heading')]).check(),
  ).not.toThrow();
});
