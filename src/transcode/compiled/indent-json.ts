/** Lays JSON text out for people: two spaces a level. A pass of its own, so that the writer need not know of it. */
import { ByteSink } from "./byte-sink.ts";
import { Byte } from "./json-source.ts";

const SPACE = 0x20;
const NEWLINE = 0x0a;

/**
 * The same JSON, indented. `json` is compact (no white space outside strings) and well-formed.
 * @throws {StatusError} UPSTREAM_REPLY_TOO_LARGE beyond `limitBytes`.
 */
export function indentJson(json: Uint8Array, limitBytes: number): Buffer {
  const sink = new ByteSink();
  sink.limitBytes = limitBytes;
  let depth = 0;
  let isInString = false;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at] ?? 0;
    sink.ensure(2 * depth + 8);
    if (isInString) {
      sink.byte(byte);
      if (byte === Byte.BACKSLASH) sink.byte(json[++at] ?? 0);
      else if (byte === Byte.QUOTE) isInString = false;
      continue;
    }
    const isOpening = byte === Byte.OPEN_BRACE || byte === Byte.OPEN_BRACKET;
    const isClosing = byte === Byte.CLOSE_BRACE || byte === Byte.CLOSE_BRACKET;
    if (isClosing) newLine(sink, --depth);
    sink.byte(byte);
    if (byte === Byte.QUOTE) isInString = true;
    else if (byte === Byte.COLON) sink.byte(SPACE);
    else if (byte === Byte.COMMA) newLine(sink, depth);
    else if (isOpening) {
      const next = json[at + 1];
      if (next === Byte.CLOSE_BRACE || next === Byte.CLOSE_BRACKET) sink.byte(json[++at] ?? 0);
      else newLine(sink, ++depth);
    }
  }
  return sink.take();
}

function newLine(sink: ByteSink, depth: number): void {
  sink.byte(NEWLINE);
  for (let count = 0; count < depth; count++) {
    sink.byte(SPACE);
    sink.byte(SPACE);
  }
}
