/**
 * Escapes in strings of .proto files, and in the texts of defaults.
 * Source: https://protobuf.dev/reference/protobuf/textformat-spec/#string; `absl::CEscape` for the way back.
 */

const ESCAPE = /\\(?:([xX][0-9A-Fa-f]{1,2})|([0-7]{1,3})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))/g;

const SIMPLE: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  "?": "?",
  "'": "'",
  '"': '"',
};

/** The bytes that the inside of a string stands for; undefined where it has an escape that there is not. */
export function unescapeString(inside: string): Buffer | undefined {
  if (!inside.includes("\\")) return Buffer.from(inside, "utf8");
  // No escape stands for more bytes than it is written with.
  const bytes = Buffer.alloc(Buffer.byteLength(inside, "utf8"));
  let length = 0;
  let end = 0;
  for (const match of inside.matchAll(ESCAPE)) {
    const [whole, hex, octal, short, long, simple] = match;
    length += bytes.write(inside.slice(end, match.index), length, "utf8");
    end = match.index + whole.length;
    const part = escaped(hex, octal, short ?? long, simple);
    if (part === undefined) return undefined;
    length += typeof part === "string" ? bytes.write(part, length, "utf8") : 1;
    if (typeof part === "number") bytes[length - 1] = part;
  }
  length += bytes.write(inside.slice(end), length, "utf8");
  return bytes.subarray(0, length);
}

/** A byte, or text. */
function escaped(
  hex: string | undefined,
  octal: string | undefined,
  codePoint: string | undefined,
  simple: string | undefined,
): number | string | undefined {
  if (hex !== undefined) return Number.parseInt(hex.slice(1), 16);
  if (octal !== undefined) {
    const byte = Number.parseInt(octal, 8);
    return byte > 0xff ? undefined : byte;
  }
  if (codePoint !== undefined) {
    const value = Number.parseInt(codePoint, 16);
    return value > 0x10ffff ? undefined : String.fromCodePoint(value);
  }
  return simple === undefined ? undefined : SIMPLE[simple];
}

const NAMED: Readonly<Record<number, string>> = {
  10: "\\n",
  13: "\\r",
  9: "\\t",
  34: '\\"',
  39: "\\'",
  92: "\\\\",
};

/** Bytes as descriptors hold the default of a bytes field: printable ASCII, all else escaped. */
export function escapeBytes(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) {
    const isPrintable = byte >= 0x20 && byte < 0x7f;
    text +=
      NAMED[byte] ?? (isPrintable ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, "0")}`);
  }
  return text;
}
