import type { HubEffect, RememberedSocket } from '@parley/signaling/hub';

/** What the hub needs of a WebSocket of the Workers runtime. */
export type HubSocket = Pick<WebSocket, 'send' | 'close' | 'serializeAttachment'>;

/** Does what the hub decided, and answers with the receivers that could not be reached any more. */
export function performEffects<Socket extends HubSocket>(effects: readonly HubEffect<Socket>[]): Socket[] {
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
      case 'remember':
        effect.socket.serializeAttachment({ topics: effect.topics } satisfies RememberedSocket);
        break;
      case 'close':
        effect.socket.close(effect.code, effect.reason);
        break;
    }
  }
  return unreachable;
}
