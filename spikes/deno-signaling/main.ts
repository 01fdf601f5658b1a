/** The hub under Deno: `deno run --allow-net --allow-env main.ts` listens at ws://localhost:4444, or where its variables say. */
import { refuseVisitor } from '../../apps/signaling/src/access.ts';
import { ACCESS_HEADER, ACCESS_PARAMETER } from '../../apps/signaling/src/protocol/access-key.ts';
import { Connections } from '../../apps/signaling/src/connections.ts';
import { addressOf, prefixOf } from '../../apps/signaling/src/ip-prefix.ts';
import {
  PROBLEM_TYPE,
  problemDocument,
  type ProblemCode,
} from '../../apps/signaling/src/protocol/problems.ts';
import { SIGNALING_LIMITS } from '../../apps/signaling/src/protocol/signaling.ts';
import { HUB_PATH, readHubSettings } from '../../apps/signaling/src/settings.ts';
import { StandaloneHub } from '../../apps/signaling/src/standalone-hub.ts';

const settings = readHubSettings(Deno.env.toObject());
const sockets = new Set<WebSocket>();
let isStopping = false;
const connections = new Connections(settings.connectionsPerPrefix);
const hub = new StandaloneHub<WebSocket>({
  send: (receivers, frame) => receivers.filter((receiver) => !send(receiver, frame)),
  close: (socket, code, reason) => socket.close(code, reason),
});

Deno.serve(
  {
    port: settings.port,
    hostname: settings.host ?? '::',
    onListen: ({ port }) => console.log(`The hub listens at ws://localhost:${port}`),
  },
  (request, { remoteAddr }) =>
    answer(request, remoteAddr.transport === 'tcp' ? remoteAddr.hostname : undefined),
);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  Deno.addSignalListener(signal, () => {
    isStopping = true;
    hub.stop();
    endIfEmpty();
    setTimeout(() => Deno.exit(0), 2_000);
  });
}

/** Ends the process that was told to, once all have gone: Deno's own shutdown hangs up on sockets that are saying farewell. */
function endIfEmpty(): void {
  if (isStopping && sockets.size === 0) Deno.exit(0);
}

function answer(request: Request, direct: string | undefined): Response {
  const url = new URL(request.url);
  if (url.pathname === '/health' && request.method === 'GET') {
    const headers = { 'Cache-Control': 'no-store' };
    return Response.json({ status: 'ok', version: settings.version }, { headers });
  }
  if (!HUB_PATH.test(url.pathname) || request.method !== 'GET') return problem('relay/not-found');
  if (request.headers.get('Upgrade')?.toLowerCase() !== 'websocket') return problem('relay/upgrade-required');
  const refusal = refuseVisitor(settings.access, {
    origin: request.headers.get('Origin'),
    // No page comes from this server.
    at: null,
    key: request.headers.get(ACCESS_HEADER) ?? url.searchParams.get(ACCESS_PARAMETER),
  });
  if (refusal) return problem(refusal);
  const { addressHeader } = settings;
  const told = addressHeader === null ? null : request.headers.get(addressHeader);
  const leave = connections.take(prefixOf(addressOf(direct, told ?? undefined)));
  if (!leave) return problem('relay/too-many-connections', { 'Retry-After': '60' });
  return takeIn(request, leave);
}

function takeIn(request: Request, leave: () => void): Response {
  // Deno asks whoever says nothing for half a minute, and hangs up on who does not answer ([HB35]).
  const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 30 });
  // In order, and at once: a Blob would have to be waited for.
  socket.binaryType = 'arraybuffer';
  socket.addEventListener('open', () => {
    sockets.add(socket);
    hub.connect(socket);
    // Who comes while it ends is told so, too.
    if (isStopping) hub.stop();
  });
  socket.addEventListener('message', ({ data }: MessageEvent<string | ArrayBuffer>) =>
    hub.receive(socket, data, performance.now()),
  );
  socket.addEventListener('close', () => {
    leave();
    sockets.delete(socket);
    hub.disconnect(socket);
    endIfEmpty();
  });
  return response;
}

/** Sends a frame; false to a socket that is closing or has closed, or is behind ([HB33]) and closed for it: Deno has no way to hang up. */
function send(socket: WebSocket, frame: string): boolean {
  if (socket.readyState !== WebSocket.OPEN) return false;
  if (socket.bufferedAmount > SIGNALING_LIMITS.backlogBytes) {
    socket.close(1013);
    return false;
  }
  socket.send(frame);
  return true;
}

function problem(code: ProblemCode, headers: Record<string, string> = {}): Response {
  const document = problemDocument(code);
  return Response.json(document, {
    status: document.status,
    headers: { ...headers, 'Cache-Control': 'no-store', 'Content-Type': PROBLEM_TYPE },
  });
}
