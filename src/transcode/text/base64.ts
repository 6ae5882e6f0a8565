/** Base64 as ProtoJSON has it: written in the standard alphabet with padding, read in both alphabets, padded or not. */

/** The standard alphabet, padded (RFC 4648 section 4). */
export function encodeBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

/**
 * The bytes, or undefined where `text` holds another character, wrong padding, or a length that no bytes have.
 * Bits left over in the last character are ignored, as every protobuf implementation does.
 */
export function decodeBase64(text: string): Uint8Array | undefined {
  let end = text.length;
  if (end > 0 && text.charCodeAt(end - 1) === 0x3d) {
    if (end % 4 !== 0) return undefined;
    end -= text.charCodeAt(end - 2) === 0x3d ? 2 : 1;
  }
  if (end % 4 === 1) return undefined;
  for (let i = 0; i < end; i++) {
    if (!isAlphabet(text.charCodeAt(i))) return undefined;
  }
  // Node reads either alphabet; it would skip characters that are in neither, hence the check above.
  return Buffer.from(text, "base64");
}

function isAlphabet(unit: number): boolean {
  return (
    (unit >= 0x61 && unit <= 0x7a) ||
    (unit >= 0x41 && unit <= 0x5a) ||
    (unit >= 0x30 && unit <= 0x39) ||
    unit === 0x2b ||
    unit === 0x2f ||
    unit === 0x2d ||
    unit === 0x5f
  );
}
