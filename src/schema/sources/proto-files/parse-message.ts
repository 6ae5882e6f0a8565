/**
 * Messages and `extend` blocks.
 */
import { create } from "@bufbuild/protobuf";
import {
  type DescriptorProto,
  type DescriptorProto_ExtensionRange,
  DescriptorProto_ExtensionRangeSchema,
  DescriptorProto_ReservedRangeSchema,
  DescriptorProtoSchema,
  ExtensionRangeOptionsSchema,
  type FieldDescriptorProto,
  MessageOptionsSchema,
  OneofDescriptorProtoSchema,
  OneofOptionsSchema,
} from "@bufbuild/protobuf/wkt";
import { MAX_NESTING } from "../../check-file.ts";
import type { Token } from "./lexer.ts";
import { parseCompactOptions, parseOption } from "./option-syntax.ts";
import { parseEnum } from "./parse-enum.ts";
import { type FieldPlace, parseField } from "./parse-field.ts";
import { numbersWithin, parseRanges, parseReservedNames } from "./parse-ranges.ts";
import { parseVisibility } from "./parse-visibility.ts";
import type { FileDraft, Path } from "./parsed-file.ts";
import { ProtoFault } from "./proto-fault.ts";

/** One past the last number of a field. */
const MAX_RANGE_END = 2 ** 29;
const MAX_INT32 = 2 ** 31 - 1;

/** Reads a message whose `message` comes next. `scope` is the full name of what it stands in. */
export function parseMessage(
  draft: FileDraft,
  scope: string,
  into: DescriptorProto[],
  intoPath: Path,
): DescriptorProto {
  const { reader } = draft;
  const first = reader.expect("message");
  const name = reader.expectName("the name of a message");
  const message = create(DescriptorProtoSchema, { name: name.text });
  const fullName = draft.define(scope, name, "message");
  const path = [...intoPath, into.length];
  into.push(message);
  reader.expect("{");
  draft.document(path, first);
  parseBody(draft, message, fullName, path);
  return message;
}

/** Reads an `extend` block. */
export function parseExtend(
  draft: FileDraft,
  scope: string,
  place: Pick<FieldPlace, "fields" | "fieldsPath" | "types" | "typesPath">,
): void {
  const { reader } = draft;
  reader.expect("extend");
  const at = reader.current;
  const extendee = { name: reader.expectTypeName("the name of a message"), at };
  reader.expect("{");
  if (reader.isAt("}")) throw reader.unexpected("a field");
  while (!reader.accept("}")) {
    if (reader.accept(";")) continue;
    parseField(draft, { ...place, scope, role: "extension", extendee, parseBody, onField: () => undefined });
  }
}

function parseBody(draft: FileDraft, message: DescriptorProto, fullName: string, path: Path): void {
  new BodyParser(draft, message, fullName, path).parse();
}

class BodyParser {
  readonly #draft: FileDraft;
  readonly #message: DescriptorProto;
  readonly #fullName: string;
  readonly #path: Path;
  readonly #options: ReturnType<FileDraft["own"]>;
  /** Where the names of fields and oneofs stand. */
  readonly #names: Map<string, Token>;
  readonly #fields: Map<number, Token>;
  /** Extension ranges that end with `max`. */
  readonly #openRanges: DescriptorProto_ExtensionRange[];

  constructor(draft: FileDraft, message: DescriptorProto, fullName: string, path: Path) {
    this.#draft = draft;
    this.#message = message;
    this.#fullName = fullName;
    this.#path = path;
    const scope = fullName.slice(0, Math.max(0, fullName.lastIndexOf(".")));
    this.#options = draft.own(MessageOptionsSchema, scope, message);
    this.#names = new Map();
    this.#fields = new Map();
    this.#openRanges = [];
  }

  parse(): void {
    const { reader } = this.#draft;
    // A path has two numbers a level.
    if (this.#path.length > 2 * MAX_NESTING) {
      throw new ProtoFault(reader.current, `messages are nested more than ${MAX_NESTING} deep`);
    }
    while (!reader.accept("}")) this.#parseStatement();
    this.#checkReserved();
    this.#endOpenRanges();
    this.#addSyntheticOneofs();
  }

  #parseStatement(): void {
    const { reader } = this.#draft;
    if (reader.accept(";")) return;
    const visibility = parseVisibility(this.#draft);
    const keyword = reader.current;
    switch (keyword.kind === "identifier" ? keyword.text : "") {
      case "message": {
        const nested = parseMessage(this.#draft, this.#fullName, this.#message.nestedType, [
          ...this.#path,
          3,
        ]);
        if (visibility !== undefined) nested.visibility = visibility;
        return;
      }
      case "enum": {
        const nested = parseEnum(this.#draft, this.#fullName, this.#message.enumType, [...this.#path, 4]);
        if (visibility !== undefined) nested.visibility = visibility;
        return;
      }
      case "extend":
        parseExtend(this.#draft, this.#fullName, {
          fields: this.#message.extension,
          fieldsPath: [...this.#path, 6],
          types: this.#message.nestedType,
          typesPath: [...this.#path, 3],
        });
        return;
      case "oneof":
        this.#parseOneof();
        return;
      case "option":
        reader.take();
        this.#options.push(parseOption(reader));
        reader.expect(";");
        return;
      case "extensions":
        this.#parseExtensions();
        return;
      case "reserved":
        this.#parseReserved();
        return;
      default:
        parseField(this.#draft, { ...this.#place, role: "field" });
    }
  }

  get #place(): Omit<FieldPlace, "role"> {
    return {
      scope: this.#fullName,
      fields: this.#message.field,
      fieldsPath: [...this.#path, 2],
      types: this.#message.nestedType,
      typesPath: [...this.#path, 3],
      parseBody,
      onField: (field, name) => this.#checkField(field, name),
    };
  }

  #parseOneof(): void {
    const { reader } = this.#draft;
    const first = reader.expect("oneof");
    const name = reader.expectName("the name of a oneof");
    this.#checkName(name);
    const oneof = create(OneofDescriptorProtoSchema, { name: name.text });
    const oneofIndex = this.#message.oneofDecl.length;
    this.#message.oneofDecl.push(oneof);
    const options = this.#draft.own(OneofOptionsSchema, this.#fullName, oneof);
    reader.expect("{");
    this.#draft.document([...this.#path, 8, oneofIndex], first);
    if (reader.isAt("}")) throw reader.unexpected("a field");
    while (!reader.accept("}")) {
      if (reader.accept(";")) continue;
      if (reader.isAt("option") && reader.following.text !== "=") {
        reader.take();
        options.push(parseOption(reader));
        reader.expect(";");
      } else {
        parseField(this.#draft, { ...this.#place, role: "oneof field", oneofIndex });
      }
    }
  }

  #parseExtensions(): void {
    const { reader, syntax } = this.#draft;
    const first = reader.expect("extensions");
    if (syntax === "proto3") throw new ProtoFault(first, "proto3 has no extensions");
    const ranges = parseRanges(reader, MAX_INT32 - 1).map(({ start, end, isMax }) => {
      const range = create(DescriptorProto_ExtensionRangeSchema, {
        start,
        end: isMax ? MAX_RANGE_END : end + 1,
      });
      if (isMax) this.#openRanges.push(range);
      return range;
    });
    const statements = parseCompactOptions(reader);
    reader.expect(";");
    for (const range of ranges) {
      this.#message.extensionRange.push(range);
      const scope = this.#fullName.slice(0, Math.max(0, this.#fullName.lastIndexOf(".")));
      this.#draft.own(ExtensionRangeOptionsSchema, scope, range, statements);
    }
  }

  #parseReserved(): void {
    const { reader } = this.#draft;
    reader.expect("reserved");
    if (reader.current.kind === "integer") {
      for (const { start, end, isMax } of parseRanges(reader, MAX_RANGE_END - 1)) {
        const range = { start, end: isMax ? MAX_RANGE_END : end + 1 };
        this.#message.reservedRange.push(create(DescriptorProto_ReservedRangeSchema, range));
      }
    } else {
      this.#message.reservedName.push(...parseReservedNames(this.#draft));
    }
    reader.expect(";");
  }

  #checkField(field: FieldDescriptorProto, name: Token): void {
    this.#checkName(name);
    const other = this.#fields.get(field.number);
    if (other !== undefined) {
      const what = `field ${this.#fullName}.${field.name}: number ${field.number} is taken by ${other.text}`;
      throw new ProtoFault(name, what, "give each field a number of its own");
    }
    this.#fields.set(field.number, name);
  }

  #checkName(name: Token): void {
    const other = this.#names.get(name.text);
    if (other === undefined) {
      this.#names.set(name.text, name);
      return;
    }
    const what = `${this.#fullName}.${name.text} is declared in line ${other.line} already`;
    throw new ProtoFault(name, what, "give each field a name of its own");
  }

  #checkReserved(): void {
    const { reservedName, reservedRange, field } = this.#message;
    const names = new Set(reservedName);
    const numbers = numbersWithin([...this.#fields.keys()], reservedRange);
    for (const { name, number } of field) {
      const isReserved = numbers.has(number);
      if (!isReserved && !names.has(name)) continue;
      const what = `field ${this.#fullName}.${name}: ${isReserved ? `number ${number}` : "its name"} is reserved`;
      throw new ProtoFault(this.#fields.get(number) ?? this.#draft.reader.last, what, "choose another");
    }
  }

  /** Message sets have larger numbers than other messages. */
  #endOpenRanges(): void {
    const isSet = this.#options.some(({ name: [part], value }) => {
      return part?.name === "message_set_wire_format" && value.kind === "identifier" && value.name === "true";
    });
    if (isSet) for (const range of this.#openRanges) range.end = MAX_INT32;
  }

  /** A field that proto3 calls optional is the one field of a oneof; these come after all others. */
  #addSyntheticOneofs(): void {
    for (const field of this.#message.field) {
      if (!field.proto3Optional) continue;
      let name = field.name.startsWith("_") ? field.name : `_${field.name}`;
      while (this.#names.has(name)) name = `X${name}`;
      this.#names.set(name, this.#draft.reader.last);
      field.oneofIndex = this.#message.oneofDecl.length;
      this.#message.oneofDecl.push(create(OneofDescriptorProtoSchema, { name }));
    }
  }
}
