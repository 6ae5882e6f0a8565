/**
 * `google.protobuf.Any` to JSON: `{"@type": url, …fields}`, or `{"@type": url, "value": …}` for a type that has a JSON
 * form of its own. A type that no schema knows keeps its bytes: `{"@type": url, "value": "<base64>"}`.
 */
import { StatusError } from "../../status/index.ts";
import { writeBase64 } from "./base64.ts";
import { type ByteSink, Literal } from "./byte-sink.ts";
import { Form } from "./form.ts";
import type { MessagePlan } from "./plan.ts";
import type { WriteState } from "./write-state.ts";
import { writeText } from "./write-string.ts";

const TYPE_KEY: Literal = new Literal(',"@type":');
const VALUE_KEY: Literal = new Literal(',"value":');
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** Writes a message from the cursor to an end. */
type MessageWriter = (state: WriteState, plan: MessagePlan, end: number) => void;
/** Writes the fields from the cursor to `wire.end` into an object that begins at `start`. */
type ObjectWriter = (state: WriteState, plan: MessagePlan, start: number) => void;

/** Writes the Any from the cursor to `wire.end`. */
export function writeAny(state: WriteState, writeMessage: MessageWriter, writeObject: ObjectWriter): void {
  const { wire, json } = state;
  let urlStart = 0;
  let urlEnd = 0;
  let valueStart = wire.end;
  let valueEnd = wire.end;
  while (wire.pos < wire.end) {
    const tag = wire.tag();
    if (tag !== 0x0a && tag !== 0x12) {
      wire.skip(tag, state.maxDepth - state.depth);
      continue;
    }
    const end = wire.lengthEnd();
    if (tag === 0x0a) {
      urlStart = wire.pos;
      urlEnd = end;
    } else {
      valueStart = wire.pos;
      valueEnd = end;
    }
    wire.pos = end;
  }
  const start = json.length;
  if (urlStart === urlEnd && valueStart === valueEnd) {
    json.ascii("{}");
    return;
  }
  json.literal(TYPE_KEY);
  writeText(wire, urlStart, urlEnd, json, true);
  const plan = planOf(state, wire.bytes.toString("utf8", urlStart, urlEnd));
  const mark = json.length;
  if (plan !== undefined) {
    const { bytes, view, end } = wire;
    const { depth } = state;
    const { top } = state.entries;
    wire.pos = valueStart;
    wire.end = valueEnd;
    try {
      if (plan.wellKnown === Form.OBJECT) {
        writeObject(state, plan, start);
        return;
      }
      json.literal(VALUE_KEY);
      writeMessage(state, plan, valueEnd);
      close(json, start);
      return;
    } catch (error) {
      if (!(error instanceof StatusError) || error.status.reason === "UPSTREAM_REPLY_TOO_LARGE") throw error;
      // Bytes that are not of the type, or have no JSON form, are kept as they are: the rest of the reply is sound.
      wire.use(bytes, view, valueEnd, end);
      state.depth = depth;
      state.entries.top = top;
      json.length = mark;
    }
  }
  json.literal(VALUE_KEY);
  writeBase64(json, wire.bytes, valueStart, valueEnd);
  close(json, start);
}

/** Makes what stands from `start` on, members each with a comma before, an object. */
function close(json: ByteSink, start: number): void {
  json.ensure(1);
  json.bytes[start] = OPEN_BRACE;
  json.byte(CLOSE_BRACE);
}

function planOf(state: WriteState, url: string): MessagePlan | undefined {
  const desc = state.plans.names.messageOf(url);
  return desc === undefined ? undefined : state.plans.messagePlan(desc);
}
