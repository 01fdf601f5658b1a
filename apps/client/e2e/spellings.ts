/** A text in the spellings in which it could have been kept. */
export function spellings(text: string | Uint8Array): Buffer[] {
  const bytes = Buffer.from(text);
  const inBase64 = [0, 1, 2].flatMap((offset) => {
    // Wherever it stood in what was encoded: without what its neighbours have a part in.
    const shifted = Buffer.concat([Buffer.alloc(offset), bytes]);
    return (['base64', 'base64url'] as const).map((encoding) =>
      Buffer.from(
        shifted
          .toString(encoding)
          .replace(/=+$/, '')
          .slice(offset === 0 ? 0 : 4, -4),
      ),
    );
  });
  return [
    bytes,
    ...(typeof text === 'string' ? [Buffer.from(text, 'utf16le')] : []),
    Buffer.from(bytes.toString('hex')),
    Buffer.from(bytes.toString('hex').toUpperCase()),
    ...inBase64,
  ];
}
