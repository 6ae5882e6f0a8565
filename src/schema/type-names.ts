/**
 * What a descriptor file defines and what it refers to. Reads the file as it stands; checks nothing but names.
 */
import { FieldDescriptorProto_Type as Type } from "@bufbuild/protobuf/wkt";
import type {
  EnumOutline,
  FieldOutline,
  FileOutline,
  MessageOutline,
  MethodOutline,
} from "./file-outline.ts";

/** What a full name stands for. A map entry is a message that only its own field may name. */
export type SymbolKind = "message" | "map_entry" | "enum" | "service" | "extension";

/** What a file defines under one name. */
export interface DefinedName {
  readonly fullName: string;
  readonly kind: SymbolKind;
  /** Of a message or a map entry. */
  readonly message: MessageOutline | undefined;
  readonly enum: EnumOutline | undefined;
}

/** One use of a type by name. */
export interface TypeReference {
  /** As written: `.package.Type`, or relative to `scope`. */
  readonly name: string;
  /** Full name of the message or service that holds the reference; the package for an extension of the file. */
  readonly scope: string;
  /** Where it stands, for people: `field shop.Order.price`. */
  readonly where: string;
  /** Undefined where the descriptor leaves it to the type found. */
  readonly wants: "message" | "enum" | undefined;
  /** The field that has the type; undefined for an extendee and for what methods take and give. */
  readonly field: FieldOutline | undefined;
  /** Writes the resolved full name, and its kind where that was left open, into the outline. */
  resolveTo(fullName: string, kind: "message" | "enum"): void;
}

/** The names in one file. */
export interface FileNames {
  readonly defined: readonly DefinedName[];
  readonly references: readonly TypeReference[];
}

/** Collects the names in `file`; deeper than `maxDepth` messages it does not look. */
export function namesOf(file: FileOutline, maxDepth: number): FileNames {
  const defined: DefinedName[] = [];
  const references: TypeReference[] = [];

  const define = (fullName: string, kind: SymbolKind, message?: MessageOutline): void => {
    defined.push({ fullName, kind, message, enum: undefined });
  };

  const addEnum = (declared: EnumOutline, parent: string): void => {
    const fullName = join(parent, declared.name);
    defined.push({ fullName, kind: "enum", message: undefined, enum: declared });
  };

  const addMessage = (message: MessageOutline, parent: string, depth: number): void => {
    const fullName = join(parent, message.name);
    define(fullName, message.isMapEntry ? "map_entry" : "message", message);
    for (const field of message.fields) addField(field, fullName, "field");
    for (const extension of message.extensions) addExtension(extension, fullName);
    for (const each of message.enums) addEnum(each, fullName);
    if (depth >= maxDepth) return;
    for (const nested of message.messages) addMessage(nested, fullName, depth + 1);
  };

  const addField = (field: FieldOutline, scope: string, role: "field" | "extension"): void => {
    if (field.type === undefined || kindOf(field.type) !== undefined) {
      references.push(new FieldReference(field, scope, role));
    }
  };

  const addExtension = (extension: FieldOutline, scope: string): void => {
    define(join(scope, extension.name), "extension");
    addField(extension, scope, "extension");
    references.push(new ExtendeeReference(extension, scope));
  };

  for (const message of file.messages) addMessage(message, file.package, 1);
  for (const each of file.enums) addEnum(each, file.package);
  for (const extension of file.extensions) addExtension(extension, file.package);
  for (const service of file.services) {
    const scope = join(file.package, service.name);
    define(scope, "service");
    for (const method of service.methods) {
      references.push(
        new MethodReference(method, scope, "inputType"),
        new MethodReference(method, scope, "outputType"),
      );
    }
  }
  return { defined, references };
}

/** The type of a field or extension. */
class FieldReference implements TypeReference {
  readonly field: FieldOutline;
  readonly scope: string;
  readonly #role: "field" | "extension";

  constructor(field: FieldOutline, scope: string, role: "field" | "extension") {
    this.field = field;
    this.scope = scope;
    this.#role = role;
  }

  get name(): string {
    return this.field.typeName;
  }

  get where(): string {
    return `${this.#role} ${join(this.scope, this.field.name)}`;
  }

  get wants(): "message" | "enum" | undefined {
    return this.field.type === undefined ? undefined : kindOf(this.field.type);
  }

  resolveTo(fullName: string, kind: "message" | "enum"): void {
    this.field.typeName = `.${fullName}`;
    this.field.type ??= kind === "message" ? Type.MESSAGE : Type.ENUM;
  }
}

/** The message that an extension extends. */
class ExtendeeReference implements TypeReference {
  readonly field: undefined;
  readonly wants = "message";
  readonly scope: string;
  readonly #extension: FieldOutline;

  constructor(extension: FieldOutline, scope: string) {
    this.#extension = extension;
    this.scope = scope;
  }

  get name(): string {
    return this.#extension.extendee;
  }

  get where(): string {
    return `extension ${join(this.scope, this.#extension.name)}`;
  }

  resolveTo(fullName: string): void {
    this.#extension.extendee = `.${fullName}`;
  }
}

/** What a method takes or gives. */
class MethodReference implements TypeReference {
  readonly field: undefined;
  readonly wants = "message";
  readonly scope: string;
  readonly #method: MethodOutline;
  readonly #end: "inputType" | "outputType";

  constructor(method: MethodOutline, scope: string, end: "inputType" | "outputType") {
    this.#method = method;
    this.scope = scope;
    this.#end = end;
  }

  get name(): string {
    return this.#method[this.#end];
  }

  get where(): string {
    return `method ${join(this.scope, this.#method.name)}`;
  }

  resolveTo(fullName: string): void {
    this.#method[this.#end] = `.${fullName}`;
  }
}

/**
 * The full names that `name` may stand for within `scope`, innermost first.
 *
 * Compilers write absolute names with a leading dot; libraries that rebuild descriptors (protobufjs) write relative
 * ones. Source: descriptor.proto, "FieldDescriptorProto.type_name".
 */
export function candidatesFor(name: string, scope: string): readonly string[] {
  if (name.startsWith(".")) return [name.slice(1)];
  const candidates: string[] = [];
  for (let outer = scope; outer !== ""; outer = outer.slice(0, Math.max(0, outer.lastIndexOf(".")))) {
    candidates.push(`${outer}.${name}`);
  }
  candidates.push(name);
  return candidates;
}

function kindOf(type: Type): "message" | "enum" | undefined {
  if (type === Type.ENUM) return "enum";
  return type === Type.MESSAGE || type === Type.GROUP ? "message" : undefined;
}

function join(scope: string, name: string): string {
  return scope === "" ? name : `${scope}.${name}`;
}
