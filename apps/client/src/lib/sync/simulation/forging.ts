import { encodeBase64url } from '@parley/signaling/base64url';
import { sealEnvelope } from '@parley/signaling/envelope';
import { Awareness, encodeAwarenessUpdate } from 'y-protocols/awareness';
import * as Y from 'yjs';
import type { EditKeys } from '../../session/keys.ts';
import type { Material } from './lies.ts';
import { seal } from './sealing.ts';
import { FORGED, writing } from './writing.ts';

/** Where and against whom something is forged. */
interface Scene extends Omit<Material, 'forged'> {
  readonly keys: EditKeys;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** A client id to speak for. */
  readonly victim: number;
}

/** A live envelope that somebody with the view link and bad intent can send; null where there is nothing to send again. */
export async function forge(scene: Scene): Promise<Uint8Array<ArrayBuffer> | null> {
  const { random, keys, taken, overheard } = scene;
  switch (random.below(5)) {
    case 0:
      return seal(keys, random, 'reader', { kind: 'update' }, writing(FORGED));
    case 1: {
      // As if the writer's key had signed it.
      const sealed = await seal(keys, random, 'reader', { kind: 'update' }, writing(FORGED));
      const signature = taken.at(-1)?.subarray(-64);
      if (signature) sealed.set(signature, sealed.length - 64);
      return sealed;
    }
    case 2:
      return taken.length > 0 ? random.pick(taken) : null;
    case 3:
      return overheard.length > 0 ? random.pick(overheard) : null;
    default:
      return forgePresence(scene);
  }
}

function forgePresence({ random, keys, now, victim }: Scene): Promise<Uint8Array<ArrayBuffer>> {
  const own = new Y.Doc();
  own.clientID = random.chance(0.5) ? victim : 1 + random.below(5);
  const awareness = new Awareness(own);
  clearInterval(awareness._checkInterval);
  awareness.setLocalState({ name: FORGED });
  // Newer than whatever its victim has said.
  awareness.meta.set(own.clientID, { clock: 1_000_000, lastUpdated: 0 });
  const header = {
    ...{ version: 1, sessionId: keys.sessionId, kind: 'presence' as const, seen: null },
    id: encodeBase64url(random.bytes(16)),
    role: random.pick(['writer', 'reader'] as const),
    sender: encodeBase64url(random.bytes(16)),
    counter: random.below(1_000),
    expires: Math.floor(now) + 60_000,
  };
  const content = Uint8Array.from(encodeAwarenessUpdate(awareness, [own.clientID]));
  const sealing = { contentKey: keys.view.contentKey, signingKey: keys.view.reader.privateKey };
  return sealEnvelope(header, content, sealing, random.bytes(12));
}
