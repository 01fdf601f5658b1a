import { parseRememberedSocket, type HubEffect, type RememberedSocket } from '@parley/signaling/hub';

/** What the hub needs of a WebSocket of the Workers runtime. */
export type HubSocket = Pick<WebSocket, 'send' | 'close' | 'serializeAttachment' | 'deserializeAttachment'>;

/** Does what the hub decided, and answers with the receivers that could not be reached any more. */
export function performEffects<Socket extends HubSocket>(
  effects: readonly HubEffect<Socket>[],
  authorize: (effect: Extract<HubEffect<Socket>, { type: 'authorize' }>) => void,
): Socket[] {
  const unreachable: Socket[] = [];
  for (const effect of effects) {
    switch (effect.type) {
      case 'send':
        for (const receiver of effect.receivers) {
          try {
            receiver.send(effect.frame);
          } catch {
            // It is closing or closed. Those after it in the list are not to suffer for that.
            unreachable.push(receiver);
          }
        }
        break;
      case 'remember': {
        const { topics, readerOf, socket } = effect;
        const origin = originOf(socket);
        socket.serializeAttachment({ topics, readerOf, origin } satisfies RememberedSocket);
        break;
      }
      case 'authorize':
        authorize(effect);
        break;
      case 'close':
        effect.socket.close(effect.code, effect.reason);
        break;
    }
  }
  return unreachable;
}

/** The relay's origin, as this socket reached it; empty, which no token is for, where nothing readable is remembered. */
export function originOf(socket: Pick<WebSocket, 'deserializeAttachment'>): string {
  return parseRememberedSocket(socket.deserializeAttachment())?.origin ?? '';
}
