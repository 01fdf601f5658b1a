import { Hub as ProductionHub } from '../src/hub/durable-object.ts';
import type { Env } from '../src/env.ts';

export { default, LlmBudget, LlmCache } from '../src/worker.ts';

/** The hub, with a line in the log whenever any of its code runs. */
export class Hub extends ProductionHub {
  constructor(ctx: DurableObjectState, env: Env) {
    trace('constructor');
    super(ctx, env);
  }

  override fetch(request: Request): Response {
    trace('fetch');
    return super.fetch(request);
  }

  override alarm(): void {
    trace('alarm');
  }

  override publish(topic: string, frame: string): void {
    trace('publish');
    super.publish(topic, frame);
  }

  override webSocketMessage(socket: WebSocket, frame: string | ArrayBuffer): void {
    trace(`webSocketMessage ${String(frame)}`);
    super.webSocketMessage(socket, frame);
  }

  override webSocketClose(socket: WebSocket): void {
    trace('webSocketClose');
    super.webSocketClose(socket);
  }

  override webSocketError(socket: WebSocket): void {
    trace('webSocketError');
    super.webSocketError(socket);
  }
}

function trace(what: string): void {
  // eslint-disable-next-line no-console -- the log is what the test reads
  console.log(`trace: ${what}`);
}
