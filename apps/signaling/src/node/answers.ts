import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { hasAccess } from '../access.ts';
import { PROBLEM_TYPE, problemDocument, type ProblemCode } from '../protocol/problems.ts';
import { formatMetrics, METRICS_TYPE, type Measured } from './metrics.ts';
import { HUB_PATH, type HubSettings } from '../settings.ts';
import { keyOf, pathOf } from './visit.ts';

/** Seconds after which somebody who is turned away for too many connections is to try again. */
const RETRY_AFTER = '60';

/** Answers what is no WebSocket: health, metrics ([HB39]), and nothing else. */
export function answerRequest(
  request: IncomingMessage,
  response: ServerResponse,
  { access, version }: HubSettings,
  measure: () => Measured,
): void {
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  const path = pathOf(request);
  if (isRead && path === '/health') {
    return answer(response, 200, 'application/json', JSON.stringify({ status: 'ok', version }));
  }
  if (isRead && path === '/metrics') {
    if (!hasAccess(access, keyOf(request))) return answerProblem(response, 'access/key-refused');
    return answer(response, 200, METRICS_TYPE, formatMetrics(measure()));
  }
  if (!isRead || !HUB_PATH.test(path)) return answerProblem(response, 'relay/not-found');
  response.setHeader('Upgrade', 'websocket');
  answerProblem(response, 'relay/upgrade-required');
}

/** Answers a WebSocket that is not let in with a problem document, and hangs up. */
export function refuseUpgrade(stream: Duplex, code: ProblemCode): void {
  const body = JSON.stringify(problemDocument(code));
  const { status, title } = problemDocument(code);
  const headers = [
    `HTTP/1.1 ${status} ${title}`,
    'Connection: close',
    'Cache-Control: no-store',
    `Content-Type: ${PROBLEM_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...(status === 429 ? [`Retry-After: ${RETRY_AFTER}`] : []),
  ];
  stream.once('finish', () => stream.destroy());
  stream.end(`${headers.join('\r\n')}\r\n\r\n${body}`);
}

function answerProblem(response: ServerResponse, code: ProblemCode): void {
  const document = problemDocument(code);
  answer(response, document.status, PROBLEM_TYPE, JSON.stringify(document));
}

function answer(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, {
    'Cache-Control': 'no-store',
    'Content-Length': Buffer.byteLength(body),
    'Content-Type': type,
    'X-Content-Type-Options': 'nosniff',
  });
  response.end(body);
}
