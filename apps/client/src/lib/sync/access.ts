import { ACCESS_HEADER, ACCESS_PARAMETER } from '@parley/signaling/access-key';

/** The access key of the relay that this device has or has not, in the hands of its person ([SY27]). It is never told. */
export interface DeviceAccess {
  hasAccessKey(): boolean;
  /** Takes one as it was typed or pasted, alone or in a link. It never takes a good one's place with one that is not. */
  enterAccessKey(text: string): Promise<AccessOutcome>;
  forgetAccessKey(): Promise<AccessOutcome>;
}

/** What came of it, in words. */
export interface AccessOutcome {
  readonly done: boolean;
  readonly words: string;
}

/** The headers by which a private relay lets a request in ([SY25]): none without a key. */
export function accessHeaders(key: string | null): Record<string, string> {
  return key === null ? {} : { [ACCESS_HEADER]: key };
}

/** The address of a WebSocket that a private relay lets in ([SY25]): a browser gives it no header. */
export function withAccess(address: string, key: string | null): string {
  return key === null ? address : `${address}?${ACCESS_PARAMETER}=${key}`;
}
