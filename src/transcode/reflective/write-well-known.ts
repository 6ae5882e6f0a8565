/**
 * The JSON forms of the well-known types, written.
 * Source: the table of the ProtoJSON page of the protobuf documentation.
 */
import { type DescField, ScalarType } from "@bufbuild/protobuf";
import { isReflectMessage, type ReflectMessage } from "@bufbuild/protobuf/reflect";
import { gatewayStatus, StatusError } from "../../status/index.ts";
import type { WellKnown } from "../fields/well-known.ts";
import { formatDuration } from "../text/duration-text.ts";
import { formatFieldMask } from "../text/field-mask-text.ts";
import { formatTimestamp } from "../text/timestamp-text.ts";
import type { MessageWriter } from "./write-json.ts";

/** Ends a reply at a well-known value that JSON has no form for. */
export class NoJsonForm extends StatusError {
  constructor(message: ReflectMessage, what: string) {
    const text = `the upstream's reply holds a ${message.desc.typeName} that JSON cannot: ${what}`;
    super(gatewayStatus("UPSTREAM_REPLY_INVALID", text));
  }
}

/** How an Any is written; given in, as it needs the writer's own means. */
export type WriteAny = (writer: MessageWriter, typeUrl: string, value: Uint8Array) => void;

/**
 * Writes a well-known message.
 * @throws {NoJsonForm}
 */
export function writeWellKnown(
  writer: MessageWriter,
  message: ReflectMessage,
  form: WellKnown,
  writeAny: WriteAny,
): void {
  const [first, second] = writer.scope.types.of(message.desc).sorted;
  if (first === undefined) return;
  switch (form) {
    case "Wrapper":
      writer.field(message, first);
      return;
    case "Timestamp":
    case "Duration": {
      const seconds = bigintOf(message, first);
      const nanos = second === undefined ? 0 : numberOf(message, second);
      const text = form === "Timestamp" ? formatTimestamp(seconds, nanos) : formatDuration(seconds, nanos);
      if (text === undefined) throw new NoJsonForm(message, `${seconds} seconds and ${nanos} nanoseconds`);
      writer.out.string(text);
      return;
    }
    case "FieldMask": {
      const paths = first.fieldKind === "list" ? [...message.get(first)].map(String) : [];
      const text = formatFieldMask(paths);
      if (text === undefined) throw new NoJsonForm(message, "a path that has no lowerCamelCase spelling");
      writer.out.string(text);
      return;
    }
    case "Any": {
      const url: unknown = message.get(first);
      const typeUrl = typeof url === "string" ? url : "";
      const value = second === undefined ? undefined : message.get(second);
      const bytes = value instanceof Uint8Array ? value : new Uint8Array(0);
      if (typeUrl === "" && bytes.length === 0) writer.out.literal("{}");
      else writeAny(writer, typeUrl, bytes);
      return;
    }
    case "Struct":
    case "ListValue":
      writer.field(message, first);
      return;
    case "Value":
      writeValue(writer, message);
      return;
  }
}

function writeValue(writer: MessageWriter, message: ReflectMessage): void {
  const oneof = message.oneofs[0];
  const field = oneof === undefined ? undefined : message.oneofCase(oneof);
  if (field === undefined) {
    // No kind is set: the nearest thing that JSON has, and no reason to lose the reply.
    writer.out.literal("null");
    return;
  }
  const value: unknown = message.get(field);
  if (field.scalar === ScalarType.DOUBLE && !Number.isFinite(value))
    throw new NoJsonForm(message, String(value));
  if (isReflectMessage(value)) writer.message(value);
  else writer.field(message, field);
}

function bigintOf(message: ReflectMessage, field: DescField): bigint {
  const value: unknown = message.get(field);
  return typeof value === "bigint" ? value : 0n;
}

function numberOf(message: ReflectMessage, field: DescField): number {
  const value: unknown = message.get(field);
  return typeof value === "number" ? value : 0;
}
