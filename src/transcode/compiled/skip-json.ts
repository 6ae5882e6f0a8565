/** Passes over a JSON value that binds to nothing, checking that it is one. Not recursive. */

import { numberEnd } from "./json-number.ts";
import { Byte } from "./json-source.ts";
import { copyStringTo, endOfPlainString } from "./json-string.ts";
import type { ReadState } from "./read-state.ts";

/** Consumes the value at the cursor. @throws {StatusError} JSON_INVALID where it is broken or too deep. */
export function skipJson(state: ReadState): void {
  const { json } = state;
  const depth = state.depth;
  /** The closing brackets of what is open here. */
  const closers: number[] = [];
  for (;;) {
    const byte = json.peek();
    if (byte === Byte.OPEN_BRACE || byte === Byte.OPEN_BRACKET) {
      const close = byte === Byte.OPEN_BRACE ? Byte.CLOSE_BRACE : Byte.CLOSE_BRACKET;
      state.enter();
      if (json.peek() !== close) {
        closers.push(close);
        if (close === Byte.CLOSE_BRACE) skipKey(state);
        continue;
      }
      json.pos++;
      state.depth--;
    } else skipScalar(state, byte);
    // A value has ended: so may have what it stands in.
    for (;;) {
      const close = closers.at(-1);
      if (close === undefined) {
        state.depth = depth;
        return;
      }
      if (json.more(close)) {
        if (close === Byte.CLOSE_BRACE) skipKey(state);
        break;
      }
      closers.pop();
      state.depth--;
    }
  }
}

function skipKey(state: ReadState): void {
  const { json } = state;
  if (json.peek() !== Byte.QUOTE) throw json.unexpected("a key in quotes");
  skipString(state);
  json.expect(Byte.COLON);
}

/** Consumes the string at the cursor. */
export function skipString(state: ReadState): void {
  const end = endOfPlainString(state.json);
  if (end >= 0) state.json.pos = end + 1;
  else copyStringTo(state.scratch, state.json);
}

function skipScalar(state: ReadState, byte: number): void {
  const { json } = state;
  if (byte === Byte.QUOTE) skipString(state);
  else if (byte === Byte.LOWER_N) json.takeNull();
  else if (json.takeBoolean() === undefined) {
    const end = numberEnd(json, json.pos);
    if (end < 0) throw json.unexpected("a JSON value");
    json.pos = end;
  }
}
