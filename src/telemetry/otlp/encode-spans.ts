/**
 * Spans as OTLP has them, in protobuf. A span is encoded alone when it is taken, a request is put together of such spans.
 *
 *     ExportTraceServiceRequest { resource_spans = 1 }
 *     ResourceSpans             { resource = 1, scope_spans = 2, schema_url = 3 }
 *     ScopeSpans                { scope = 1, spans = 2 }
 *     Span                      { trace_id = 1, span_id = 2, trace_state = 3, parent_span_id = 4, name = 5, kind = 6,
 *                                 start_time_unix_nano = 7, end_time_unix_nano = 8, attributes = 9, events = 11,
 *                                 status = 15, flags = 16 }
 *     Span.Event                { time_unix_nano = 1, name = 2, attributes = 3 }
 *     Status                    { message = 2, code = 3 }
 *     KeyValue                  { key = 1, value = 2 }
 *     AnyValue                  { string_value = 1, bool_value = 2, int_value = 3, double_value = 4 }
 *     InstrumentationScope      { name = 1, version = 2 }
 *     Resource                  { attributes = 1 }
 *
 * Source: https://github.com/open-telemetry/opentelemetry-proto (v1.x). Written by hand over the writer of
 * @bufbuild/protobuf: spans are encoded while requests are served, and reflection would take several times as long.
 */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { Attributes, AttributeValue, SpanEvent, SpanRecord } from "../tracing/index.ts";

/** The conventions that the attributes follow. */
const SCHEMA_URL = "https://opentelemetry.io/schemas/1.45.0";
const KINDS: Readonly<Record<SpanRecord["kind"], number>> = { internal: 1, server: 2, client: 3 };
const STATUS_ERROR = 2;
/** Spans that are not sampled are never encoded. */
const FLAG_SAMPLED = 1;
const TWO_32 = 2 ** 32;

/** What the process says of itself with every request. */
export interface OtlpResource {
  readonly attributes: Attributes;
  /** Of the gateway. */
  readonly version: string;
}

/** Encodes spans; keeps one buffer for all of them. */
export class SpanEncoder {
  readonly #writer: BinaryWriter = new BinaryWriter();

  /** One span, with the tag and the length that it has in `ScopeSpans`. */
  encode(span: SpanRecord): Uint8Array {
    const writer = this.#writer;
    writer.tag(2, WireType.LengthDelimited).fork();
    writer.tag(1, WireType.LengthDelimited).bytes(Buffer.from(span.traceId, "hex"));
    writer.tag(2, WireType.LengthDelimited).bytes(Buffer.from(span.spanId, "hex"));
    if (span.traceState !== "") writer.tag(3, WireType.LengthDelimited).string(span.traceState);
    if (span.parentSpanId !== "") {
      writer.tag(4, WireType.LengthDelimited).bytes(Buffer.from(span.parentSpanId, "hex"));
    }
    writer.tag(5, WireType.LengthDelimited).string(span.name);
    writer.tag(6, WireType.Varint).uint32(KINDS[span.kind]);
    writeTime(writer, 7, span.startMs);
    writeTime(writer, 8, span.endMs);
    writeAttributes(writer, 9, span.attributes);
    for (const event of span.events) writeEvent(writer, event);
    if (span.outcome === "error") {
      writer.tag(15, WireType.LengthDelimited).fork();
      if (span.message !== "") writer.tag(2, WireType.LengthDelimited).string(span.message);
      writer.tag(3, WireType.Varint).uint32(STATUS_ERROR).join();
    }
    writer.tag(16, WireType.Bit32).fixed32(FLAG_SAMPLED);
    return writer.join().finish();
  }
}

/** One request of spans that have been encoded. */
export function encodeRequest(
  { attributes, version }: OtlpResource,
  spans: readonly Uint8Array[],
): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(1, WireType.LengthDelimited).fork();
  writer.tag(1, WireType.LengthDelimited).fork();
  writeAttributes(writer, 1, attributes);
  writer.join();
  writer.tag(2, WireType.LengthDelimited).fork();
  writer.tag(1, WireType.LengthDelimited).fork();
  writer.tag(1, WireType.LengthDelimited).string("sluice");
  writer.tag(2, WireType.LengthDelimited).string(version).join();
  for (const span of spans) writer.raw(span);
  writer.join();
  writer.tag(3, WireType.LengthDelimited).string(SCHEMA_URL);
  return writer.join().finish();
}

function writeEvent(writer: BinaryWriter, { name, atMs, attributes }: SpanEvent): void {
  writer.tag(11, WireType.LengthDelimited).fork();
  writeTime(writer, 1, atMs);
  writer.tag(2, WireType.LengthDelimited).string(name);
  writeAttributes(writer, 3, attributes);
  writer.join();
}

function writeAttributes(writer: BinaryWriter, field: number, attributes: Attributes): void {
  for (let i = 0; i + 1 < attributes.length; i += 2) {
    writer.tag(field, WireType.LengthDelimited).fork();
    // Names stand at even places.
    writer.tag(1, WireType.LengthDelimited).string(String(attributes[i]));
    writer.tag(2, WireType.LengthDelimited).fork();
    writeValue(writer, attributes[i + 1] ?? "");
    writer.join().join();
  }
}

function writeValue(writer: BinaryWriter, value: AttributeValue): void {
  if (typeof value === "string") writer.tag(1, WireType.LengthDelimited).string(value);
  else if (typeof value === "boolean") writer.tag(2, WireType.Varint).bool(value);
  else if (!Number.isSafeInteger(value)) writer.tag(4, WireType.Bit64).double(value);
  // The same bytes as those of an int64, without a bigint.
  else if (value >= 0 && value < TWO_32) writer.tag(3, WireType.Varint).uint32(value);
  else writer.tag(3, WireType.Varint).int64(value);
}

/** Nanoseconds in 64 bits: a number holds microseconds since 1970 exactly, so the halves are computed of these. */
function writeTime(writer: BinaryWriter, field: number, ms: number): void {
  const us = Math.round(ms * 1000);
  const low = (us % TWO_32) * 1000;
  const high = Math.floor(us / TWO_32) * 1000 + Math.floor(low / TWO_32);
  writer
    .tag(field, WireType.Bit64)
    .fixed32(low % TWO_32)
    .fixed32(high);
}
