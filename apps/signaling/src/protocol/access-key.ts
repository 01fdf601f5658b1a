/** The header in which requests bring an access key. A WebSocket of a browser has no header of its own, and brings it as {@link ACCESS_PARAMETER}. */
export const ACCESS_HEADER = 'x-parley-access';

/** The parameter of a WebSocket's URL in which it brings an access key. */
export const ACCESS_PARAMETER = 'access';

/** Whether it can be an access key: 16 to 256 characters that URLs and headers hold as they are, and that have no dot, which parts a link. */
export function isAccessKey(text: string): boolean {
  return /^[\w-]{16,256}$/.test(text);
}
