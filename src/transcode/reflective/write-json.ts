/**
 * Messages to ProtoJSON, fields in ascending number (extensions among them) and map entries by key, so that equal
 * messages give equal text.
 *
 * A value that has no JSON form (a timestamp of the year 20000) ends the reply with UPSTREAM_REPLY_INVALID, as the
 * conformance suite asks; an Any of unknown type, or one that does not decode, is kept as base64.
 */
import {
  create,
  type DescExtension,
  type DescField,
  type DescMessage,
  fromBinary,
  type MessageShape,
  ScalarType,
} from "@bufbuild/protobuf";
import { isReflectMessage, type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";
import { refuse, StatusError } from "../../status/index.ts";
import type { FieldPath } from "../fields/field-path.ts";
import { JsonWriter } from "../json/json-writer.ts";
import { encodeBase64 } from "../text/base64.ts";
import { formatFloating, formatInt64 } from "../text/format-number.ts";
import type { TranscodeOptions } from "../transcoder.ts";
import { type CodecScope, wireDepthOf } from "./codec-scope.ts";
import { NoJsonForm, writeWellKnown } from "./write-well-known.ts";

/** The options that matter to writing. */
export type JsonWriteOptions = Pick<
  TranscodeOptions,
  "emitDefaults" | "enumsAsNumbers" | "int64" | "protoFieldNames" | "pretty"
>;

/** Decodes a message. @throws {StatusError} UPSTREAM_REPLY_INVALID if the bytes are not one. */
export function decodeMessage(scope: CodecScope, desc: DescMessage, bytes: Uint8Array): ReflectMessage {
  let message: MessageShape<DescMessage>;
  try {
    message = fromBinary(desc, bytes, { recursionLimit: wireDepthOf(scope.maxDepth) });
  } catch {
    // The library's text speaks of its internals; what went wrong in the bytes is the upstream's to find out.
    throw refuse("UPSTREAM_REPLY_INVALID", `the upstream's reply is not a valid ${desc.typeName}`);
  }
  return reflect(desc, message, false);
}

/**
 * What becomes of a well-known value without a JSON form: a reply is refused, while people are shown its fields.
 */
export type Unwritable = "refuse" | "as-fields";

/** The JSON of a message. @throws {StatusError} UPSTREAM_REPLY_INVALID */
export function messageToJson(
  scope: CodecScope,
  options: JsonWriteOptions,
  message: ReflectMessage,
  unwritable: Unwritable = "refuse",
): string {
  const writer = new MessageWriter(scope, options, unwritable);
  writer.message(message);
  return writer.out.text;
}

/**
 * The JSON of one field, also where it is unset: the default of a scalar, `[]`, `{}`, and for messages `{}`, or what an
 * unset well-known type can be read back from (`[]` for ListValue, `null` for those with a scalar form and Value).
 * @throws {StatusError} UPSTREAM_REPLY_INVALID
 */
export function fieldToJson(
  scope: CodecScope,
  options: JsonWriteOptions,
  message: ReflectMessage,
  field: DescField,
): string {
  const writer = new MessageWriter(scope, options);
  if (field.fieldKind === "message" && !message.isSet(field)) {
    return unsetMessage(scope, field.message);
  }
  writer.field(message, field);
  return writer.out.text;
}

/** As {@link fieldToJson}, for a field of a message that holds nothing. */
export function unsetFieldJson(path: FieldPath, options: JsonWriteOptions, scope: CodecScope): string {
  const { parent } = path.leaf;
  const compact = { ...options, pretty: false };
  return fieldToJson(scope, compact, reflect(parent, create(parent), false), path.leaf);
}

function unsetMessage(scope: CodecScope, desc: DescMessage): string {
  const form = scope.types.of(desc).wellKnown;
  if (form === undefined || form === "Struct" || form === "Any") return "{}";
  return form === "ListValue" ? "[]" : "null";
}

/** Writes one message and what is in it. */
export class MessageWriter {
  readonly scope: CodecScope;
  readonly out: JsonWriter;
  readonly #options: JsonWriteOptions;
  readonly #unwritable: Unwritable;

  constructor(scope: CodecScope, options: JsonWriteOptions, unwritable: Unwritable = "refuse") {
    this.scope = scope;
    this.out = new JsonWriter({ pretty: options.pretty, maxDepth: scope.maxDepth });
    this.#options = options;
    this.#unwritable = unwritable;
  }

  message(message: ReflectMessage): void {
    const form = this.scope.types.of(message.desc).wellKnown;
    if (form === undefined) this.#asFields(message);
    else if (this.#unwritable === "refuse") writeWellKnown(this, message, form, writeAny);
    else {
      const mark = this.out.mark();
      try {
        writeWellKnown(this, message, form, writeAny);
      } catch (error) {
        // Not at too deep a nesting, where every level would be tried twice.
        if (!(error instanceof NoJsonForm)) throw error;
        this.out.rewind(mark);
        this.#asFields(message);
      }
    }
  }

  #asFields(message: ReflectMessage): void {
    this.out.open("{");
    this.members(message);
    this.out.close("}");
  }

  /** The fields of an ordinary message, without the braces. */
  members(message: ReflectMessage): void {
    const { sorted } = this.scope.types.of(message.desc);
    const extensions = this.#extensionsOf(message);
    let next = 0;
    for (const field of sorted) {
      for (; next < extensions.length; next++) {
        const extension = extensions[next];
        if (extension === undefined || extension.number > field.number) break;
        this.#extension(message, extension);
      }
      if (!this.#isWritten(message, field)) continue;
      this.out.name(this.#options.protoFieldNames ? field.name : field.jsonName);
      this.field(message, field);
    }
    for (const extension of extensions.slice(next)) this.#extension(message, extension);
  }

  /** The value of a field; the default where it is unset. */
  field(message: ReflectMessage, field: DescField): void {
    switch (field.fieldKind) {
      case "list":
        this.out.open("[");
        for (const item of message.get(field)) {
          this.out.item();
          this.#element(field, item);
        }
        this.out.close("]");
        return;
      case "map":
        this.out.open("{");
        for (const [key, value] of sortedEntries(message.get(field).entries())) {
          this.out.name(String(key));
          this.#element(field, value);
        }
        this.out.close("}");
        return;
      case "scalar":
      case "enum":
      case "message":
        this.#element(field, message.get(field));
        return;
    }
  }

  /** A scalar, in the form that the reflection gives it. */
  scalar(type: ScalarType, value: unknown): void {
    if (typeof value === "string") this.out.string(value);
    else if (typeof value === "bigint") this.out.literal(formatInt64(value, this.#options.int64));
    else if (typeof value === "boolean") this.out.literal(value ? "true" : "false");
    else if (value instanceof Uint8Array) this.out.literal(`"${encodeBase64(value)}"`);
    else if (typeof value === "number") {
      const isFloating = type === ScalarType.FLOAT || type === ScalarType.DOUBLE;
      this.out.literal(isFloating ? formatFloating(type, value) : String(value));
    }
  }

  #element(field: DescField, value: unknown): void {
    if (field.scalar !== undefined) {
      this.scalar(field.scalar, value);
    } else if (field.enum !== undefined) {
      const type = this.scope.types.enumOf(field.enum);
      const named = typeof value === "number" ? type.byNumber.get(value) : undefined;
      if (type.isNullValue) this.out.literal("null");
      else if (named === undefined || this.#options.enumsAsNumbers) this.out.literal(String(value));
      else this.out.string(named.jsonName);
    } else if (isReflectMessage(value)) {
      this.message(value);
    }
  }

  #isWritten(message: ReflectMessage, field: DescField): boolean {
    if (message.isSet(field)) return true;
    if (!this.#options.emitDefaults) return false;
    if (field.fieldKind === "list" || field.fieldKind === "map") return true;
    return field.presence === FeatureSet_FieldPresence.IMPLICIT && field.oneof === undefined;
  }

  /** The extensions among the fields that the message type does not have, in ascending number. */
  #extensionsOf(message: ReflectMessage): readonly DescExtension[] {
    const unknown = message.getUnknown();
    if (unknown === undefined) return [];
    const found = new Map<number, DescExtension>();
    for (const { no } of unknown) {
      const extension = found.has(no) ? undefined : this.scope.names.extensionFor(message.desc, no);
      if (extension !== undefined) found.set(no, extension);
    }
    return [...found.values()].sort((a, b) => a.number - b.number);
  }

  #extension(message: ReflectMessage, extension: DescExtension): void {
    const { container, field } = this.scope.types.extensionOf(extension);
    const bytes = new BinaryWriter();
    for (const { no, wireType, data } of message.getUnknown() ?? []) {
      if (no === extension.number) bytes.tag(no, wireType).raw(data);
    }
    const holder = decodeMessage(this.scope, container, bytes.finish());
    // A closed enum's unknown number, for one, leaves nothing to write.
    if (!holder.isSet(field)) return;
    this.out.name(extension.jsonName);
    this.field(holder, field);
  }
}

/** Keeps an Any as it came: its URL and its bytes. */
export function writeRawAny(out: JsonWriter, typeUrl: string, value: Uint8Array): void {
  out.open("{");
  out.name("@type");
  out.string(typeUrl);
  out.name("value");
  out.literal(`"${encodeBase64(value)}"`);
  out.close("}");
}

/** An Any by its content, or raw where its type is unknown, its bytes are not of the type, or have no JSON form. */
export function writeAny(writer: MessageWriter, typeUrl: string, value: Uint8Array): void {
  const { scope, out } = writer;
  const desc = scope.names.messageOf(typeUrl);
  if (desc === undefined) {
    writeRawAny(out, typeUrl, value);
    return;
  }
  const mark = out.mark();
  try {
    const content = decodeMessage(scope, desc, value);
    out.open("{");
    out.name("@type");
    out.string(typeUrl);
    if (scope.types.of(desc).wellKnown === undefined) writer.members(content);
    else {
      out.name("value");
      writer.message(content);
    }
    out.close("}");
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    out.rewind(mark);
    writeRawAny(out, typeUrl, value);
  }
}

/** Map entries by key: numbers by value, false before true, strings by UTF-16 unit. */
function sortedEntries(entries: Iterable<[unknown, unknown]>): readonly (readonly [unknown, unknown])[] {
  return [...entries].sort(([a], [b]) => compareKeys(a, b));
}

function compareKeys(a: unknown, b: unknown): number {
  // The keys of one map are of one type, and all types that a key can have (number, bigint, boolean, string) compare.
  const [left, right] = [a as string, b as string];
  if (left < right) return -1;
  return left > right ? 1 : 0;
}
