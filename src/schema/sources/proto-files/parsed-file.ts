/**
 * A .proto after parsing: its descriptor as far as the file itself tells it, and what other files have to tell.
 */
import { create, type DescMessage, fromBinary, type MessageShape } from "@bufbuild/protobuf";
import {
  type FieldDescriptorProto,
  FieldOptionsSchema,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  SourceCodeInfo_LocationSchema,
  SourceCodeInfoSchema,
} from "@bufbuild/protobuf/wkt";
import { MAX_FULL_NAME_LENGTH } from "../../check-file.ts";
import type { Token } from "./lexer.ts";
import type { OptionStatement } from "./option-syntax.ts";
import { type Position, ProtoFault } from "./proto-fault.ts";
import { TokenReader } from "./token-reader.ts";

/** An `import`. */
export interface ImportStatement {
  readonly name: string;
  /** `option` imports are for the options of the file alone. */
  readonly kind: "plain" | "public" | "weak" | "option";
  readonly at: Position;
}

/** What a name that a file defines stands for. */
export type DefinitionKind = "message" | "enum" | "service" | "extension";

/** A name that a file defines. */
export interface Definition {
  readonly fullName: string;
  readonly kind: DefinitionKind;
  readonly at: Position;
}

/** A type's name, where it is used. */
export interface Reference {
  /** As written. */
  readonly name: string;
  /** The innermost scope that it is looked for in. */
  readonly scope: string;
  readonly at: Position;
  readonly wants: "message" | "message or enum";
  readonly resolve: (fullName: string, kind: "message" | "enum") => void;
}

/** What options stand at. */
export interface OptionOwner {
  /** The message that the options are. */
  readonly schema: DescMessage;
  /** The innermost scope that extensions are looked for in. */
  readonly scope: string;
  readonly statements: OptionStatement[];
  /** A field, whose `default` and `json_name` look like options and are none. */
  readonly field: FieldDescriptorProto | undefined;
  /** Sets the options to what `bytes` decode to. */
  readonly assign: (bytes: Uint8Array) => void;
}

/** A parsed file. */
export interface ParsedFile {
  readonly proto: FileDescriptorProto;
  readonly imports: readonly ImportStatement[];
  readonly definitions: readonly Definition[];
  readonly references: readonly Reference[];
  readonly owners: readonly OptionOwner[];
}

/** The number of a field within its message, for the paths of comments: descriptor.proto, `SourceCodeInfo.Location`. */
export type Path = readonly number[];

/** A file while it is being parsed. */
export class FileDraft implements ParsedFile {
  readonly reader: TokenReader;
  readonly proto: FileDescriptorProto;
  readonly imports: ImportStatement[] = [];
  readonly importNames: Set<string> = new Set();
  readonly definitions: Definition[] = [];
  readonly references: Reference[] = [];
  readonly owners: OptionOwner[] = [];
  syntax: "proto2" | "proto3" | "editions" = "proto2";
  /** The package that what is declared next is named in. */
  packageName: string;

  constructor(name: string, text: string, packageName: string) {
    this.reader = new TokenReader(text);
    this.packageName = packageName;
    this.proto = create(FileDescriptorProtoSchema, { name });
  }

  /** Registers a name; gives it in full. */
  define(scope: string, name: Token, kind: DefinitionKind): string {
    const fullName = scope === "" ? name.text : `${scope}.${name.text}`;
    if (fullName.length > MAX_FULL_NAME_LENGTH) {
      throw new ProtoFault(name, `its full name is longer than ${MAX_FULL_NAME_LENGTH} characters`);
    }
    this.definitions.push({ fullName, kind, at: name });
    return fullName;
  }

  /** Makes `element` the owner of options of `schema`; statements may be added until the file is parsed. */
  own<D extends DescMessage>(
    schema: D,
    scope: string,
    element: { options?: MessageShape<D> | undefined },
    statements: readonly OptionStatement[] = [],
  ): OptionStatement[] {
    return this.#own(scope, [...statements], undefined, schema, (bytes) => {
      element.options = fromBinary(schema, bytes);
    });
  }

  /** As `own`, for a field. */
  ownField(scope: string, field: FieldDescriptorProto, statements: readonly OptionStatement[]): void {
    this.#own(scope, [...statements], field, FieldOptionsSchema, (bytes) => {
      field.options = fromBinary(FieldOptionsSchema, bytes);
    });
  }

  /** Keeps the comments of the declaration that began with `first` and whose head has just been read. */
  document(path: Path, first: Token): void {
    const { leading, detached = [] } = first.comments ?? {};
    const trailing = this.reader.current.comments?.trailing;
    if (leading === undefined && trailing === undefined && detached.length === 0) return;
    const end = this.reader.last;
    const from = [first.line - 1, first.column - 1];
    const endColumn = end.column - 1 + end.text.length;
    const span = end.line === first.line ? [...from, endColumn] : [...from, end.line - 1, endColumn];
    this.proto.sourceCodeInfo ??= create(SourceCodeInfoSchema);
    this.proto.sourceCodeInfo.location.push(
      create(SourceCodeInfo_LocationSchema, {
        path: [...path],
        span,
        ...(leading === undefined ? {} : { leadingComments: leading }),
        ...(trailing === undefined ? {} : { trailingComments: trailing }),
        leadingDetachedComments: [...detached],
      }),
    );
  }

  #own(
    scope: string,
    statements: OptionStatement[],
    field: FieldDescriptorProto | undefined,
    schema: DescMessage,
    assign: OptionOwner["assign"],
  ): OptionStatement[] {
    this.owners.push({ schema, scope, statements, field, assign });
    return statements;
  }
}
