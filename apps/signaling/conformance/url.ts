import { describe } from 'vitest';
import { describeHibernation } from './hibernation.ts';
import { describeRules } from './rules.ts';
import { describeStock } from './stock.ts';
import { describeStrain } from './strain.ts';

/** For `pnpm conformance <ws-url>`: any hub, as it is. Less strain than on hubs of our own, which count nothing that comes from loopback. */
const url = () => process.env['HUB_URL'] ?? '';

describe(`the hub at ${url().split('?')[0]}`, () => {
  describeRules(url);
  describeStock(url);
  describeStrain(url, { frames: 300, sockets: 100 });
  describeHibernation({ url, restMs: 16_000 });
});
