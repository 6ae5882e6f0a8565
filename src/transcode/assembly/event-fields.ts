/**
 * The two fields by which a stream of events is resumed: the one of a reply message that is the id of its event, and the
 * one of the request that takes the id of the last event that the client has got.
 */
import { type Registry, ScalarType } from "@bufbuild/protobuf";
import type { MessageShape, MethodSchema, RuleField } from "../../schema/index.ts";
import { type Problem, refuse } from "../../status/index.ts";
import { textMisfit } from "../binding/binding-plan.ts";
import { ByteSink, VALUE_ROOM } from "../compiled/byte-sink.ts";
import { Wire } from "../compiled/plan.ts";
import { deferTranscoder } from "../deferred-transcoder.ts";
import { resolveFieldPath } from "../fields/field-path.ts";
import { LeafFault, scalarLeaf } from "../query/leaf-text.ts";
import type { TranscodeOptions, TranscoderFactory } from "../transcoder.ts";
import { writeScalar } from "./leaf-writer.ts";

/** Why the field path `name` of `reply` cannot be an event's id; undefined if it can. `where` is put in the problem. */
export function checkEventIdField(reply: MessageShape, name: string, where: string): Problem | undefined {
  const path = resolveFieldPath(reply, name);
  if ("what" in path) return problem(where, `stream.sse.idField "${name}": ${path.what}`, path.hint);
  const misfit = textMisfit(path.leaf);
  if (misfit === undefined) return undefined;
  return problem(
    where,
    `stream.sse.idField "${name}" names ${misfit}`,
    "name a singular scalar, enum, Timestamp, Duration or wrapper of the reply message",
  );
}

/**
 * Makes the reader of the id in a reply message: what `response_body` would show of the field, without quotes, and "" for
 * null. `field` must have passed {@link checkEventIdField}.
 */
export function compileEventId(
  factory: TranscoderFactory,
  method: MethodSchema,
  field: string,
  options: TranscodeOptions,
  registry: Registry,
): (message: Uint8Array) => string {
  const spec = { method, variables: [], body: "", responseBody: field, httpMethod: "GET" };
  const transcoder = deferTranscoder(factory, spec, options, registry);
  return (message) => {
    const rendered = transcoder.render(message, false);
    // A field that a text can fill is no HttpBody.
    const json = Buffer.from(typeof rendered === "string" ? rendered : (rendered as Uint8Array)).toString();
    if (json === "null") return "";
    const value: unknown = json.startsWith('"') ? JSON.parse(json) : json;
    return String(value);
  };
}

/** Why the field `name` of `request` cannot take a last event id; undefined if it can. `where` is put in the problem. */
export function checkResumeField(request: MessageShape, name: string, where: string): Problem | undefined {
  const label = `stream.sse.lastEventIdField "${name}"`;
  const path = resolveFieldPath(request, name);
  if ("what" in path) return problem(where, `${label}: ${path.what}`, path.hint);
  // In a message, or of another kind, it could not be replaced by what is appended.
  if (path.parents.length === 0 && path.leaf.fieldKind === "scalar") return undefined;
  return problem(
    where,
    `${label} is not a scalar at the top level`,
    "name a singular string or number of the request",
  );
}

/**
 * Makes what puts a last event id into a request message, over whatever value the field has there.
 *
 * The field is appended: of a singular scalar field the last value on the wire counts, also for parsers that do not merge
 * messages. `field` must have passed {@link checkResumeField}.
 * Source: https://protobuf.dev/programming-guides/encoding/#last-one-wins
 */
export function compileResumeField(
  request: MessageShape,
  field: string,
): (message: Uint8Array, lastEventId: string) => Uint8Array {
  const found = request.fields.find(({ name }) => name === field);
  if (found === undefined) throw new Error(`${request.typeName} has no field ${field}`);
  const type = scalarOf(found);
  const tag = found.number * 8 + wireTypeOf(type);
  return (message, lastEventId) => {
    const sink = new ByteSink();
    try {
      const value = scalarLeaf(type, lastEventId);
      sink.ensure(VALUE_ROOM);
      sink.varint(tag);
      writeScalar(sink, type, value);
    } catch (error) {
      if (!(error instanceof LeafFault)) throw error;
      throw refuse("HEADER_INVALID", `header last-event-id, for ${field}: ${error.message}`, "last-event-id");
    }
    return Buffer.concat([message, sink.bytes.subarray(0, sink.length)]);
  };
}

function scalarOf({ name, scalar }: RuleField): ScalarType {
  if (scalar === undefined) throw new Error(`${name} is not a scalar`);
  return scalar;
}

function wireTypeOf(type: ScalarType): number {
  if (LENGTH_PREFIXED.has(type)) return Wire.LEN;
  if (EIGHT_BYTES.has(type)) return Wire.I64;
  return FOUR_BYTES.has(type) ? Wire.I32 : Wire.VARINT;
}

const LENGTH_PREFIXED: ReadonlySet<ScalarType> = new Set([ScalarType.STRING, ScalarType.BYTES]);
const EIGHT_BYTES: ReadonlySet<ScalarType> = new Set([
  ScalarType.DOUBLE,
  ScalarType.FIXED64,
  ScalarType.SFIXED64,
]);
const FOUR_BYTES: ReadonlySet<ScalarType> = new Set([
  ScalarType.FLOAT,
  ScalarType.FIXED32,
  ScalarType.SFIXED32,
]);

function problem(where: string, what: string, hint: string): Problem {
  return { severity: "error", where, what, hint };
}
