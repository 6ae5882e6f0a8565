/** HPACK's integers and plain strings, written. Source: RFC 7541 sections 5.1, 5.2 and 6. */

/** The first byte of each representation, and the bits that its integer has in it. */
export const Representation = {
  INDEXED: { first: 0x80, mask: 0x7f },
  WITH_INDEXING: { first: 0x40, mask: 0x3f },
  WITHOUT_INDEXING: { first: 0x00, mask: 0x0f },
  NEVER_INDEXED: { first: 0x10, mask: 0x0f },
  TABLE_SIZE: { first: 0x20, mask: 0x1f },
} as const;

/** One way of writing a field. */
export interface Prefix {
  readonly first: number;
  readonly mask: number;
}

/** An integer takes at most this many bytes here: nothing longer than 2^28 is written. */
export const MAX_INTEGER_BYTES = 5;

/** Writes `value` under a representation's first byte and gives the position after it. */
export function writeInteger(target: Uint8Array, at: number, { first, mask }: Prefix, value: number): number {
  if (value < mask) {
    target[at] = first | value;
    return at + 1;
  }
  target[at] = first | mask;
  let position = at + 1;
  let rest = value - mask;
  for (; rest >= 0x80; rest >>>= 7) target[position++] = (rest & 0x7f) | 0x80;
  target[position] = rest;
  return position + 1;
}

/**
 * Writes a name of gRPC metadata likewise, or gives -1 where a character is not one of those.
 * Source: gRPC over HTTP/2, `Header-Name → 1*( %x30-39 / %x61-7A / "_" / "-" / "." )`.
 */
export function writeName(target: Uint8Array, at: number, name: string): number {
  const length = name.length;
  let position = writeInteger(target, at, PLAIN_LENGTH, length);
  for (let i = 0; i < length; i++) {
    const c = name.charCodeAt(i);
    const ok = (c >= 0x61 && c <= 0x7a) || (c >= 0x30 && c <= 0x39) || c === 0x5f || c === 0x2d || c === 0x2e;
    if (!ok) return -1;
    target[position++] = c;
  }
  return length === 0 ? -1 : position;
}

/** A string's length and no Huffman code. */
const PLAIN_LENGTH: Prefix = { first: 0x00, mask: 0x7f };

/**
 * Writes a string of Latin-1 without Huffman code and gives the position after it, or -1 if it holds a character outside
 * printable ASCII. Huffman code would save a quarter of the bytes for several times the CPU.
 */
export function writeString(target: Uint8Array, at: number, text: string): number {
  const length = text.length;
  let position = writeInteger(target, at, PLAIN_LENGTH, length);
  for (let i = 0; i < length; i++) {
    const c = text.charCodeAt(i);
    if (c < 0x20 || c > 0x7e) return -1;
    target[position++] = c;
  }
  return position;
}
