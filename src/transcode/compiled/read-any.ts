/**
 * `google.protobuf.Any` from JSON: `{"@type": url, …fields}`, or `{"@type": url, "value": …}` for a type that has a
 * JSON form of its own. `@type` may stand anywhere, so it is looked for before the rest is read.
 *
 * Wire layout (google/protobuf/any.proto): 0A len type_url, 12 len value.
 */
import { VALUE_ROOM } from "./byte-sink.ts";
import { Form } from "./form.ts";
import { Byte } from "./json-source.ts";
import { copyString, copyStringTo, endOfPlainString } from "./json-string.ts";
import type { MessagePlan } from "./plan.ts";
import type { ReadState } from "./read-state.ts";
import { skipJson, skipString } from "./skip-json.ts";

/** Reads a message at the cursor. */
type MessageReader = (state: ReadState, plan: MessagePlan) => void;

/** Reads the object at the cursor; writes an Any's fields. */
export function readAny(state: ReadState, readMessage: MessageReader, readFieldsOfAny: MessageReader): void {
  const { json, wire } = state;
  const opening = json.pos;
  if (json.bytes[opening] !== Byte.OPEN_BRACE) throw json.unexpected("an object with @type");
  const typeAt = findKey(state, "@type");
  if (typeAt < 0) {
    json.pos = opening + 1;
    if (json.peek() !== Byte.CLOSE_BRACE)
      throw json.fault("JSON_INVALID", opening, 'an Any needs "@type" with the URL of its type');
    // `{}` is the empty Any.
    json.pos++;
    return;
  }
  json.pos = typeAt;
  wire.ensure(VALUE_ROOM);
  wire.byte(0x0a);
  const start = wire.length;
  const size = copyString(json, wire, "the URL of a type");
  const plan = planOf(state, wire.bytes.toString("utf8", wire.length - size, wire.length), typeAt);
  if (wire.length === start) throw json.refusal(typeAt, "the URL of a type");
  wire.ensure(VALUE_ROOM);
  const mark = wire.length;
  wire.byte(0x12);
  const content = wire.open();
  json.pos = opening;
  if (plan.wellKnown === Form.OBJECT && !isWrappedEmpty(state, plan)) readFieldsOfAny(state, plan);
  else readWrapped(state, plan, readMessage);
  // Content without bytes is the field's zero, and that is not written.
  if (wire.length === content) wire.length = mark;
  else wire.close(content);
}

/** Some writers give Empty a form of its own, `{"@type": …, "value": {}}`; both spellings say the same. */
function isWrappedEmpty(state: ReadState, plan: MessagePlan): boolean {
  if (plan.desc.typeName !== "google.protobuf.Empty") return false;
  const opening = state.json.pos;
  const isWrapped = findKey(state, "value") >= 0;
  state.json.pos = opening;
  return isWrapped;
}

/** Reads `{"@type": …, "value": …}`. */
function readWrapped(state: ReadState, plan: MessagePlan, readMessage: MessageReader): void {
  const { json } = state;
  const opening = json.pos;
  state.enter();
  let hasType = false;
  let hasValue = false;
  do {
    json.peek();
    const keyStart = json.pos;
    const key = takeKeyText(state);
    json.colon();
    if (key === "@type") {
      if (hasType) throw json.fault("JSON_INVALID", keyStart, "the key is given twice");
      hasType = true;
      skipString(state);
    } else if (key === "value") {
      if (hasValue) throw json.fault("JSON_INVALID", keyStart, "the key is given twice");
      hasValue = true;
      readMessage(state, plan);
    } else {
      if (state.rejectsUnknown)
        throw json.fault("JSON_UNKNOWN_FIELD", keyStart, `an Any of ${plan.desc.typeName} has "value" alone`);
      state.noteUnknown(keyStart);
      skipJson(state);
    }
  } while (json.more(Byte.CLOSE_BRACE));
  if (!hasValue) throw json.fault("JSON_INVALID", opening, `an Any of ${plan.desc.typeName} needs "value"`);
  state.depth--;
}

/** The offset of the value of `wanted` in the object at the cursor, or -1. Moves the cursor. */
function findKey(state: ReadState, wanted: string): number {
  const { json } = state;
  const depth = state.depth;
  state.enter();
  let found = -1;
  if (json.peek() !== Byte.CLOSE_BRACE) {
    do {
      json.peek();
      const key = takeKeyText(state);
      json.colon();
      if (key === wanted) {
        found = json.pos;
        break;
      }
      skipJson(state);
    } while (json.more(Byte.CLOSE_BRACE));
  }
  state.depth = depth;
  return found;
}

function takeKeyText(state: ReadState): string {
  const { json, scratch } = state;
  if (json.bytes[json.pos] !== Byte.QUOTE) throw json.unexpected("a key in quotes");
  const start = json.pos + 1;
  const end = endOfPlainString(json);
  if (end < 0) {
    copyStringTo(scratch, json);
    return scratch.bytes.toString("utf8", 0, scratch.length);
  }
  json.pos = end + 1;
  return json.bytes.toString("latin1", start, end);
}

function planOf(state: ReadState, url: string, offset: number): MessagePlan {
  const slash = url.lastIndexOf("/");
  const desc = slash > 0 ? state.plans.names.messageOf(url) : undefined;
  if (desc === undefined) throw state.json.refusal(offset, "the URL of a known type (type.googleapis.com/…)");
  return state.plans.messagePlan(desc);
}
