/**
 * Says where in a JSON text a byte is: line, column and JSON pointer.
 *
 * Runs only once something is wrong (or an unknown field is to be reported), over text that has been read up to that
 * byte: the reading pass itself keeps no path and counts no lines.
 */

/** A place in a JSON text, for people. */
export interface JsonLocation {
  /** JSON pointer (RFC 6901) of the member or element that the byte belongs to; "" is the whole text. */
  readonly pointer: string;
  /** From 1. */
  readonly line: number;
  /** In characters, from 1. */
  readonly column: number;
}

interface Level {
  /** The key being read, undefined between members; an index in an array. */
  step: string | number | undefined;
  readonly kind: "object" | "array";
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Locates `offsets`, which ascend, in one pass. */
export function locate(text: Buffer, offsets: readonly number[]): JsonLocation[] {
  const found: JsonLocation[] = [];
  const levels: Level[] = [];
  let line = 1;
  let column = 1;
  let expectsKey = false;
  let at = 0;
  const advance = (to: number): void => {
    for (; at < to && at < text.length; at++) {
      const byte = text[at] ?? 0;
      if (byte === 0x0a) {
        line++;
        column = 1;
      } else if ((byte & 0xc0) !== 0x80) column++;
    }
  };
  for (const offset of offsets) {
    while (at < offset && at < text.length) {
      const level = levels.at(-1);
      switch (text[at] ?? 0) {
        case QUOTE: {
          const end = endOfString(text, at);
          if (expectsKey && level !== undefined) {
            level.step = keyText(text, at, end);
            expectsKey = false;
          }
          advance(Math.min(end, offset));
          continue;
        }
        case 0x7b:
          levels.push({ step: undefined, kind: "object" });
          expectsKey = true;
          break;
        case 0x5b:
          levels.push({ step: 0, kind: "array" });
          expectsKey = false;
          break;
        case 0x7d:
        case 0x5d:
          levels.pop();
          expectsKey = false;
          break;
        case 0x2c:
          if (level?.kind === "object") {
            level.step = undefined;
            expectsKey = true;
          } else if (level !== undefined && typeof level.step === "number") level.step++;
          break;
        default:
      }
      advance(at + 1);
    }
    const steps = levels.flatMap(({ step }) => (step === undefined ? [] : [escapeStep(step)]));
    // A byte at the start of a key belongs to the member that the key names.
    if (expectsKey && text[at] === QUOTE) steps.push(escapeStep(keyText(text, at, endOfString(text, at))));
    found.push({ pointer: steps.map((step) => `/${step}`).join(""), line, column });
  }
  return found;
}

/** The offset behind the closing quote of the string at `start`. */
function endOfString(text: Buffer, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== QUOTE) at += text[at] === BACKSLASH ? 2 : 1;
  return Math.min(at + 1, text.length);
}

function keyText(text: Buffer, start: number, end: number): string {
  const raw = text.toString("utf8", start, end);
  try {
    return String(JSON.parse(raw));
  } catch {
    // The text may be cut or broken right here; the raw key still says where.
    return raw.replace(/^"|"$/g, "");
  }
}

function escapeStep(step: string | number): string {
  const text = String(step).replaceAll("~", "~0").replaceAll("/", "~1");
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
