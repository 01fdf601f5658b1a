import { hasAccess, readAccess, type Access, type AccessVariables } from '@parley/signaling/access';
import { isAccessKey } from '@parley/signaling/access-key';
import { VariableError } from '@parley/signaling/variables';

/** The variables that say who may use the advisor ([LLM10]). */
export interface AdvisorVariables extends AccessVariables {
  /** `open`, `key` or `off`; unless it is set, `key` where answers cost money. */
  readonly ADVISOR_ACCESS?: string | undefined;
  /** A secret: keys of the form of access keys, with commas between them, of which `key` wants one; unless set, the relay's own. */
  readonly ADVISOR_ACCESS_KEYS?: string | undefined;
}

/** Who may use the advisor: nobody, who brings a key (of which there may be none), or whoever may use the relay. */
export type AdvisorAccess =
  { readonly rule: 'off' } | { readonly rule: 'key' | 'open'; readonly access: Access };

/**
 * What the variables say of who may use the advisor.
 *
 * @throws {VariableError} names the first one that is of no use: a mistake in it does not open the advisor
 */
export function readAdvisorAccess(variables: AdvisorVariables, costsMoney: boolean): AdvisorAccess {
  const rule = variables.ADVISOR_ACCESS?.trim() || (costsMoney ? 'key' : 'open');
  if (rule === 'off') return { rule };
  const relay = readAccess(variables);
  if (rule === 'open') return { rule, access: relay };
  if (rule !== 'key') throw new VariableError('ADVISOR_ACCESS', '"open", "key" or "off"');
  const own = variables.ADVISOR_ACCESS_KEYS?.trim() ?? '';
  return { rule, access: own === '' ? relay : readKeys('ADVISOR_ACCESS_KEYS', own) };
}

/** Whether somebody with this key may use the advisor. */
export function mayAsk(advisor: AdvisorAccess, key: string | null): boolean {
  if (advisor.rule === 'off') return false;
  // `key` without a key that opens it is closed to all: what costs money is not opened by forgetting something.
  if (advisor.rule === 'key' && advisor.access.keys.length === 0) return false;
  return hasAccess(advisor.access, key);
}

/** Whether this is the key of whoever runs the relay; nobody has it where it is not set. */
export function isOwner(ownerKey: string | undefined, key: string): boolean {
  const owner = readOwner(ownerKey);
  return owner !== null && hasAccess(owner, key);
}

/**
 * What the key of whoever runs the relay opens; null where it is not set.
 *
 * @throws {VariableError} `OWNER_KEY`
 */
export function readOwner(ownerKey: string | undefined): Access | null {
  const own = ownerKey?.trim() ?? '';
  return own === '' ? null : readKeys('OWNER_KEY', own, 1);
}

function readKeys(variable: string, text: string, most = Infinity): Access {
  const keys = text.split(',').map((key) => key.trim());
  if (keys.length > most || !keys.every(isAccessKey)) {
    const form = 'of 16 to 256 letters, digits, - and _';
    throw new VariableError(
      variable,
      most === 1 ? `a key ${form}` : `keys ${form}, with commas between them`,
    );
  }
  return { keys: keys.map((key) => new TextEncoder().encode(key)), origins: [] };
}
