import { decodeAppend, MAILBOX_LIMITS, type MailboxFrame } from '@parley/signaling/mailbox';
import { ENVELOPE_LIMIT } from '@parley/signaling/envelope';
import { Hono, type Context } from 'hono';
import * as z from 'zod/mini';
import { requireAccess } from '../access/admit.ts';
import { allowOrigins } from '../access/allow-origins.ts';
import { identify } from '../access/identify.ts';
import type { Env } from '../env.ts';
import { hubOf } from '../hub/hub-of.ts';
import { logError } from '../operations/log.ts';
import { RelayProblem } from '../relay-problem.ts';
import { openMailbox } from './open-mailbox.ts';
import { readBody } from './request-body.ts';

type MailboxContext = Context<{ Bindings: Env }>;

/** Below `/api/sessions/<session id>`: what the mailbox's messages are is in protocol/mailbox.ts. */
export const mailboxRoutes = new Hono<{ Bindings: Env }>();

mailboxRoutes.use(allowOrigins(['GET', 'POST', 'PUT']), requireAccess);

const query = z.object({
  after: z.pipe(
    z.optional(z.string().check(z.regex(/^\d{1,16}$/))),
    z.pipe(
      z.transform((text: string | undefined) => Number(text ?? 0)),
      z.int(),
    ),
  ),
  epoch: z.optional(z.string().check(z.regex(/^[\w-]{22}$/))),
});

mailboxRoutes.get('/log', async (c) => {
  const caller = await identify(c, 'read');
  const { data } = query.safeParse(c.req.query());
  if (!data) throw new RelayProblem('mailbox/malformed');
  const { header, bodies } = await openMailbox(c.env).pull(caller, data.after, data.epoch ?? null);
  const json = new TextEncoder().encode(JSON.stringify(header));
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, json.length);
  return answerBytes(
    (async function* () {
      yield length;
      yield json;
      yield* bodies();
    })(),
  );
});

mailboxRoutes.post('/log', async (c) => {
  const caller = await identify(c, 'write');
  const mailbox = openMailbox(c.env);
  await mailbox.authorizeWriter(caller);
  const envelopes = decodeAppend(await readRequest(c, MAILBOX_LIMITS.requestBytes));
  if (!envelopes) throw new RelayProblem('mailbox/malformed');
  const { answer, frame, isNew } = await mailbox.append(caller, envelopes);
  if (isNew) tell(c, frame);
  return answerJson(answer);
});

mailboxRoutes.put('/snapshot', async (c) => {
  const caller = await identify(c, 'write');
  const mailbox = openMailbox(c.env);
  await mailbox.authorizeWriter(caller);
  const envelope = await readRequest(c, ENVELOPE_LIMIT);
  const { answer, frame, isNew } = await mailbox.putSnapshot(caller, envelope);
  if (isNew) tell(c, frame);
  return answerJson(answer);
});

mailboxRoutes.get('/snapshots', async (c) => {
  const caller = await identify(c, 'read');
  return answerJson(await openMailbox(c.env).listSnapshots(caller));
});

mailboxRoutes.get('/snapshots/:envelope{[A-Za-z0-9_-]{22}}', async (c) => {
  const caller = await identify(c, 'read');
  const { body } = await openMailbox(c.env).readSnapshot(caller, c.req.param('envelope'));
  return answerBytes(body());
});

function readRequest(c: MailboxContext, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  return readBody(c.req.raw.body, limit);
}

function answerJson(answer: unknown): Response {
  return Response.json(answer, { headers: { 'Cache-Control': 'no-store' } });
}

/** Bytes that are read as they are asked for. What goes wrong on the way breaks the answer off: it has begun already. */
function answerBytes(pieces: AsyncGenerator<Uint8Array, void>): Response {
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await pieces.next();
        if (done) controller.close();
        else controller.enqueue(value);
      } catch (error) {
        logError('mailbox answer', error);
        controller.error(error);
      }
    },
    async cancel() {
      await pieces.return();
    },
  });
  return new Response(body, {
    headers: { 'Cache-Control': 'no-store', 'Content-Type': 'application/octet-stream' },
  });
}

/** Tells the listeners after the answer ([MB11]). They ask by themselves sooner or later, so nothing depends on it. */
function tell(c: MailboxContext, frame: Extract<MailboxFrame, { type: 'mailbox' }>): void {
  const told = hubOf(c.env, c.req.param('session')).publish(frame.topic, JSON.stringify(frame));
  c.executionCtx.waitUntil(told.catch((error: unknown) => logError('mailbox notification', error)));
}
