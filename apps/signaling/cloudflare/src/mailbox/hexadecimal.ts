const DIGITS = new TextEncoder().encode('0123456789ABCDEF');
/** The value of a digit by its character code; 255 for what is no digit. */
const VALUES = new Uint8Array(256).fill(255);
for (let value = 0; value < 16; value++) {
  VALUES[DIGITS[value] as number] = value;
  VALUES[(DIGITS[value] as number) | 32] = value;
}

/**
 * Bytes for SQLite's `unhex()`. D1 passes a BLOB as a list of numbers: as hexadecimal text, 900,000 bytes were written in
 * 40 ms instead of 136 and read in 21 ms instead of 72, and are stored as the same BLOB.
 */
export function encodeHex(bytes: Uint8Array): string {
  const text = new Uint8Array(bytes.length * 2);
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    text[2 * at] = DIGITS[byte >> 4] as number;
    text[2 * at + 1] = DIGITS[byte & 15] as number;
  }
  return new TextDecoder('latin1').decode(text);
}

/**
 * Bytes from SQLite's `hex()`.
 *
 * @throws {RangeError} for what is none
 */
export function decodeHex(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length / 2);
  let wrong = text.length % 2;
  for (let at = 0; at < bytes.length; at++) {
    const high = VALUES[text.charCodeAt(2 * at)] ?? 255;
    const low = VALUES[text.charCodeAt(2 * at + 1)] ?? 255;
    wrong |= (high | low) & 0xf0;
    bytes[at] = (high << 4) | low;
  }
  if (wrong) throw new RangeError('not hexadecimal');
  return bytes;
}
