/**
 * The Huffman code of HPACK. Source: RFC 7541 section 5.2 and appendix B.
 *
 * The code is canonical: codes are counted up by length, and within a length by symbol. So the lengths alone define it.
 * Decoding goes four bits at a time through a table of states, made once from the lengths.
 */

/** Bits of the code of each byte, then of EOS. */
const CODE_LENGTHS: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28,
  28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7,
  8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19,
  13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13,
  28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21,
  22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23,
  22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25,
  25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
];

const EOS = 256;

/** Entries of the decoding table: bits 0-8 the next state, bits 9-16 a byte to emit, and the flags below. */
const EMITS = 1 << 17;
const FAILS = 1 << 18;
/** The state of the entry can be the last one: what is pending are at most seven bits of ones. */
const ACCEPTS = 1 << 19;

const STATES: Int32Array = buildStates();

/**
 * Decodes `bytes[start, end)` into `target` from its beginning and gives the number of bytes.
 *
 * `target` must hold 8/5 of the input. -1 means that the input is not valid: it holds EOS, or ends in padding that is
 * longer than seven bits or not of ones.
 */
export function decodeHuffman(bytes: Uint8Array, start: number, end: number, target: Uint8Array): number {
  let length = 0;
  let entry = ACCEPTS;
  for (let i = start; i < end; i++) {
    const byte = bytes[i] ?? 0;
    entry = STATES[((entry & 0x1ff) << 4) | (byte >> 4)] ?? FAILS;
    if ((entry & (EMITS | FAILS)) !== 0) {
      if ((entry & FAILS) !== 0) return -1;
      target[length++] = (entry >> 9) & 0xff;
    }
    entry = STATES[((entry & 0x1ff) << 4) | (byte & 0xf)] ?? FAILS;
    if ((entry & (EMITS | FAILS)) !== 0) {
      if ((entry & FAILS) !== 0) return -1;
      target[length++] = (entry >> 9) & 0xff;
    }
  }
  return (entry & ACCEPTS) === 0 ? -1 : length;
}

interface Node {
  /** The number of this inner node's state. */
  readonly state: number;
  readonly children: (Node | number | undefined)[];
  /** Whether the path from the root is at most seven ones. */
  readonly isPadding: boolean;
}

function buildStates(): Int32Array {
  const nodes: Node[] = [];
  const newNode = (isPadding: boolean): Node => {
    const node = { state: nodes.length, children: [undefined, undefined], isPadding };
    nodes.push(node);
    return node;
  };
  const root = newNode(true);
  const bySize = CODE_LENGTHS.map((bits, symbol) => ({ bits, symbol })).sort(
    (a, b) => a.bits - b.bits || a.symbol - b.symbol,
  );
  let code = 0;
  let previousBits = 0;
  for (const { bits, symbol } of bySize) {
    code *= 2 ** (bits - previousBits);
    previousBits = bits;
    let node = root;
    for (let depth = bits - 1; depth > 0; depth--) {
      const bit = (code >>> depth) & 1;
      const child = node.children[bit];
      const isPadding = node.isPadding && bit === 1 && bits - depth <= 7;
      const next = typeof child === "object" ? child : newNode(isPadding);
      node.children[bit] = next;
      node = next;
    }
    node.children[code & 1] = symbol;
    code++;
  }
  const states = new Int32Array(nodes.length << 4);
  for (const node of nodes) {
    for (let nibble = 0; nibble < 16; nibble++) states[(node.state << 4) | nibble] = step(node, nibble, root);
  }
  return states;
}

/** Where four more bits lead. Codes have five bits or more, so at most one symbol ends among them. */
function step(from: Node, nibble: number, root: Node): number {
  let node = from;
  let emitted = 0;
  for (let depth = 3; depth >= 0; depth--) {
    const child = node.children[(nibble >> depth) & 1];
    if (child === undefined || child === EOS) return FAILS;
    if (typeof child === "number") emitted = EMITS | (child << 9);
    node = typeof child === "number" ? root : child;
  }
  return emitted | node.state | (node.isPadding ? ACCEPTS : 0);
}
