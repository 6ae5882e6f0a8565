/**
 * Reads the outline of a descriptor file straight from its bytes.
 *
 * The reader is strict where it looks and distrustful where it does not: a field of an unexpected wire type is an error,
 * and whatever only a full decoding could judge makes the file not plain (`FileOutline.isPlain`).
 * Source: google/protobuf/descriptor.proto; the numbers below are its field numbers.
 */
import { FieldDescriptorProto_Label } from "@bufbuild/protobuf/wkt";
import {
  DescriptorCursor,
  ENUM_OPTIONS,
  ENUM_VALUE_OPTIONS,
  FIELD_OPTIONS,
  FILE_OPTIONS,
  MESSAGE_OPTIONS,
  METHOD_OPTIONS,
  ONEOF_OPTIONS,
  SERVICE_OPTIONS,
} from "./descriptor-cursor.ts";
import type {
  DescriptorFile,
  EnumOutline,
  FieldOutline,
  FileOutline,
  MessageOutline,
  MethodOutline,
  ServiceOutline,
} from "./file-outline.ts";
import { Wire, WireCursor, WireError } from "./wire-cursor.ts";

/** As deep as @bufbuild/protobuf decodes. */
const MAX_DEPTH = 100;

const HTTP_RULE = 72_295_728;
const IDEMPOTENCY_LEVEL = 34;
const MAP_ENTRY = 7;

/** One for all: most messages have neither of these lists. */
const NONE: never[] = [];

/** What an outline has of a method's options. */
type MethodOptions = Pick<MethodOutline, "httpRule" | "idempotencyLevel">;

const NO_OPTIONS: MethodOptions = { httpRule: undefined, idempotencyLevel: 0 };

/**
 * Reads one serialized FileDescriptorProto.
 * @throws {WireError} if the bytes are not one.
 */
export function readDescriptorFile(bytes: Uint8Array): DescriptorFile {
  return new OutlineReader(bytes).readFile();
}

/**
 * Splits a serialized FileDescriptorSet into its files. `bytes` of the files may be views of it.
 * @throws {WireError} if the bytes are not a FileDescriptorSet.
 */
export function readDescriptorSet(bytes: Uint8Array): readonly DescriptorFile[] {
  const cursor = new WireCursor(bytes);
  const files: DescriptorFile[] = [];
  while (cursor.next()) {
    if (cursor.field === 1) files.push(readDescriptorFile(cursor.view()));
    else cursor.skip();
  }
  return files;
}

class OutlineReader {
  readonly #bytes: Uint8Array;
  readonly #cursor: DescriptorCursor;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#cursor = new DescriptorCursor(bytes);
  }

  readFile(): DescriptorFile {
    const cursor = this.#cursor;
    const kept = new KeptBytes(this.#bytes);
    let [name, packageName, syntax] = ["", "", ""];
    let edition = 0;
    const dependency: string[] = [];
    let messages: MessageOutline[] = NONE;
    let enums: EnumOutline[] = NONE;
    let services: ServiceOutline[] = NONE;
    let extensions: FieldOutline[] = NONE;
    for (let start = 0; cursor.next(); start = cursor.pos) {
      switch (cursor.field) {
        case 1:
          name = cursor.text();
          break;
        case 2:
          packageName = cursor.text();
          break;
        case 3:
          dependency.push(cursor.text());
          break;
        case 4:
          messages = added(messages, this.#readMessage(1));
          break;
        case 5:
          enums = added(enums, this.#readEnum());
          break;
        case 6:
          services = added(services, this.#readService());
          break;
        case 7:
          extensions = added(extensions, this.#readExtension());
          break;
        case 8:
          cursor.skipOptions(FILE_OPTIONS);
          break;
        case 10:
        case 11:
          cursor.skipPlain(Wire.VARINT);
          break;
        case 12:
          syntax = cursor.text();
          break;
        case 14:
          edition = cursor.number();
          break;
        case 15:
          cursor.skipPlain(Wire.LEN);
          break;
        default:
          // Comments (9) and what protobuf does not know, such as buf's image extension (8042).
          cursor.skip();
          kept.drop(start, cursor.pos);
      }
    }
    // Features are resolved when a file is built, and only then found unknown.
    if (syntax === "editions") cursor.isPlain = false;
    const outline: FileOutline = {
      name,
      package: packageName,
      syntax,
      edition,
      dependency,
      messages,
      enums,
      extensions,
      services,
      isPlain: cursor.isPlain,
    };
    return { outline, bytes: kept.take() };
  }

  #readMessage(depth: number): MessageOutline {
    if (depth > MAX_DEPTH) throw new WireError();
    const cursor = this.#cursor;
    let name = "";
    let isMapEntry = false;
    let fields: FieldOutline[] = NONE;
    let messages: MessageOutline[] = NONE;
    let enums: EnumOutline[] = NONE;
    let extensions: FieldOutline[] = NONE;
    let oneofs: string[] = NONE;
    const outer = cursor.enter();
    while (cursor.next()) {
      switch (cursor.field) {
        case 1:
          name = cursor.text();
          break;
        case 2:
          fields = added(fields, this.#readField());
          break;
        case 3:
          messages = added(messages, this.#readMessage(depth + 1));
          break;
        case 4:
          enums = added(enums, this.#readEnum());
          break;
        case 6:
          extensions = added(extensions, this.#readExtension());
          break;
        case 7:
          isMapEntry = this.#readMessageOptions(isMapEntry);
          break;
        case 8:
          oneofs = added(oneofs, this.#readOneof());
          break;
        case 9:
          cursor.skipRange();
          break;
        case 10:
          cursor.skipPlain(Wire.LEN);
          break;
        case 11:
          cursor.skipPlain(Wire.VARINT);
          break;
        default:
          cursor.skipUnjudged();
      }
    }
    cursor.leave(outer);
    return { name, fields, messages, enums, extensions, oneofs, isMapEntry };
  }

  #readExtension(): FieldOutline {
    this.#cursor.isPlain = false;
    return this.#readField();
  }

  #readField(): FieldOutline {
    const cursor = this.#cursor;
    const field: Mutable<FieldOutline> = {
      name: "",
      number: 0,
      label: FieldDescriptorProto_Label.OPTIONAL,
      type: undefined,
      typeName: "",
      extendee: "",
      jsonName: undefined,
      oneofIndex: undefined,
      isProto3Optional: false,
    };
    const outer = cursor.enter();
    while (cursor.next()) {
      switch (cursor.field) {
        case 1:
          field.name = cursor.text();
          break;
        case 2:
          field.extendee = cursor.text();
          break;
        case 3:
          field.number = cursor.number();
          break;
        case 4:
          field.label = cursor.number();
          break;
        case 5:
          field.type = cursor.number();
          break;
        case 6:
          field.typeName = cursor.text();
          break;
        case 8:
          cursor.skipOptions(FIELD_OPTIONS);
          break;
        case 9:
          field.oneofIndex = cursor.number();
          break;
        case 10:
          field.jsonName = cursor.text();
          break;
        case 17:
          field.isProto3Optional = cursor.number() !== 0;
          break;
        default:
          // Defaults (7) are texts that only their type can judge.
          cursor.skipUnjudged();
      }
    }
    cursor.leave(outer);
    return field;
  }

  #readOneof(): string {
    const cursor = this.#cursor;
    let name = "";
    const outer = cursor.enter();
    while (cursor.next()) {
      if (cursor.field === 1) name = cursor.text();
      else if (cursor.field === 2) cursor.skipOptions(ONEOF_OPTIONS);
      else cursor.skipUnjudged();
    }
    cursor.leave(outer);
    return name;
  }

  #readEnum(): EnumOutline {
    const cursor = this.#cursor;
    let name = "";
    const values: string[] = [];
    const numbers: number[] = [];
    const outer = cursor.enter();
    while (cursor.next()) {
      if (cursor.field === 1) name = cursor.text();
      else if (cursor.field === 2) this.#readEnumValue(values, numbers);
      else if (cursor.field === 3) cursor.skipOptions(ENUM_OPTIONS);
      else if (cursor.field === 4) cursor.skipRange();
      else if (cursor.field === 5) cursor.skipPlain(Wire.LEN);
      else if (cursor.field === 6) cursor.skipPlain(Wire.VARINT);
      else cursor.skipUnjudged();
    }
    cursor.leave(outer);
    return { name, values, numbers };
  }

  #readEnumValue(values: string[], numbers: number[]): void {
    const cursor = this.#cursor;
    let name = "";
    let number = 0;
    const outer = cursor.enter();
    while (cursor.next()) {
      if (cursor.field === 1) name = cursor.text();
      else if (cursor.field === 2) number = cursor.number();
      else if (cursor.field === 3) cursor.skipOptions(ENUM_VALUE_OPTIONS);
      else cursor.skipUnjudged();
    }
    cursor.leave(outer);
    values.push(name);
    numbers.push(number);
  }

  #readService(): ServiceOutline {
    const cursor = this.#cursor;
    let name = "";
    const methods: MethodOutline[] = [];
    const outer = cursor.enter();
    while (cursor.next()) {
      if (cursor.field === 1) name = cursor.text();
      else if (cursor.field === 2) methods.push(this.#readMethod());
      else if (cursor.field === 3) cursor.skipOptions(SERVICE_OPTIONS);
      else cursor.skipUnjudged();
    }
    cursor.leave(outer);
    return { name, methods };
  }

  #readMethod(): MethodOutline {
    const cursor = this.#cursor;
    let [name, inputType, outputType] = ["", "", ""];
    let [clientStreaming, serverStreaming] = [false, false];
    let options: MethodOptions = NO_OPTIONS;
    const outer = cursor.enter();
    while (cursor.next()) {
      if (cursor.field === 1) name = cursor.text();
      else if (cursor.field === 2) inputType = cursor.text();
      else if (cursor.field === 3) outputType = cursor.text();
      else if (cursor.field === 4) options = this.#readMethodOptions(options);
      else if (cursor.field === 5) clientStreaming = cursor.number() !== 0;
      else if (cursor.field === 6) serverStreaming = cursor.number() !== 0;
      else cursor.skipUnjudged();
    }
    cursor.leave(outer);
    return { name, inputType, outputType, clientStreaming, serverStreaming, ...options };
  }

  #readMethodOptions(earlier: MethodOptions): MethodOptions {
    const cursor = this.#cursor;
    let { httpRule, idempotencyLevel } = earlier;
    const outer = cursor.enter();
    while (cursor.next()) {
      if (cursor.field === IDEMPOTENCY_LEVEL && cursor.wire === Wire.VARINT) {
        idempotencyLevel = cursor.number();
      } else if (cursor.field === HTTP_RULE && cursor.wire === Wire.LEN) {
        // A message that is given in parts is the parts in a row. A copy, so that no rule keeps the whole set in memory.
        httpRule = Buffer.concat(httpRule === undefined ? [cursor.view()] : [httpRule, cursor.view()]);
      } else {
        cursor.skipOption(METHOD_OPTIONS);
      }
    }
    cursor.leave(outer);
    return { httpRule, idempotencyLevel };
  }

  #readMessageOptions(earlier: boolean): boolean {
    const cursor = this.#cursor;
    let isMapEntry = earlier;
    const outer = cursor.enter();
    while (cursor.next()) {
      if (cursor.field === MAP_ENTRY) isMapEntry = cursor.number() !== 0;
      else cursor.skipOption(MESSAGE_OPTIONS);
    }
    cursor.leave(outer);
    return isMapEntry;
  }
}

/** A file's bytes without the parts that were dropped. */
class KeptBytes {
  readonly #bytes: Uint8Array;
  readonly #parts: Uint8Array[] = [];
  #from = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  drop(from: number, to: number): void {
    if (from > this.#from) this.#parts.push(this.#bytes.subarray(this.#from, from));
    this.#from = to;
  }

  take(): Uint8Array {
    if (this.#from === 0) return this.#bytes;
    // A copy lets go of the comments, which are most of a file that has them.
    return Buffer.concat([...this.#parts, this.#bytes.subarray(this.#from)]);
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function added<T>(list: T[], item: T): T[] {
  if (list === NONE) return [item];
  list.push(item);
  return list;
}
