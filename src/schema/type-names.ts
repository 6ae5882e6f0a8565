/**
 * What a descriptor file defines and what it refers to. Reads the file as it stands; checks nothing but names.
 */
import { isFieldSet } from "@bufbuild/protobuf";
import {
  type DescriptorProto,
  type FieldDescriptorProto,
  FieldDescriptorProto_Type,
  FieldDescriptorProtoSchema,
  type FileDescriptorProto,
} from "@bufbuild/protobuf/wkt";

/** What a full name stands for. A map entry is a message that only its own field may name. */
export type SymbolKind = "message" | "map_entry" | "enum" | "service" | "extension";

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
  /** Writes the resolved full name, and its kind where that was left open, into the descriptor. */
  readonly resolveTo: (fullName: string, kind: "message" | "enum") => void;
}

/** The names in one file. */
export interface FileNames {
  readonly defined: readonly { readonly fullName: string; readonly kind: SymbolKind }[];
  readonly references: readonly TypeReference[];
}

/** Collects the names in `file`; deeper than `maxDepth` messages it does not look. */
export function namesOf(file: FileDescriptorProto, maxDepth: number): FileNames {
  const defined: { fullName: string; kind: SymbolKind }[] = [];
  const references: TypeReference[] = [];

  const addMessage = (message: DescriptorProto, parent: string, depth: number): void => {
    const fullName = join(parent, message.name);
    defined.push({ fullName, kind: message.options?.mapEntry === true ? "map_entry" : "message" });
    for (const field of message.field) addField(field, fullName, `field ${join(fullName, field.name)}`);
    for (const extension of message.extension) addExtension(extension, fullName);
    for (const each of message.enumType) defined.push({ fullName: join(fullName, each.name), kind: "enum" });
    if (depth >= maxDepth) return;
    for (const nested of message.nestedType) addMessage(nested, fullName, depth + 1);
  };

  const addField = (field: FieldDescriptorProto, scope: string, where: string): void => {
    const hasType = isFieldSet(field, FieldDescriptorProtoSchema.field.type);
    const wants = hasType ? kindOf(field.type) : undefined;
    if (hasType && wants === undefined) return;
    references.push({
      name: field.typeName,
      scope,
      where,
      wants,
      resolveTo: (fullName, kind) => {
        field.typeName = `.${fullName}`;
        if (hasType) return;
        field.type = kind === "message" ? FieldDescriptorProto_Type.MESSAGE : FieldDescriptorProto_Type.ENUM;
      },
    });
  };

  const addExtension = (extension: FieldDescriptorProto, scope: string): void => {
    const fullName = join(scope, extension.name);
    const where = `extension ${fullName}`;
    defined.push({ fullName, kind: "extension" });
    addField(extension, scope, where);
    references.push({
      name: extension.extendee,
      scope,
      where,
      wants: "message",
      resolveTo: (resolved) => {
        extension.extendee = `.${resolved}`;
      },
    });
  };

  for (const message of file.messageType) addMessage(message, file.package, 1);
  for (const each of file.enumType) defined.push({ fullName: join(file.package, each.name), kind: "enum" });
  for (const extension of file.extension) addExtension(extension, file.package);
  for (const service of file.service) {
    const scope = join(file.package, service.name);
    defined.push({ fullName: scope, kind: "service" });
    for (const method of service.method) {
      const where = `method ${join(scope, method.name)}`;
      const wants = "message";
      references.push(
        {
          name: method.inputType,
          scope,
          where,
          wants,
          resolveTo: (fullName) => {
            method.inputType = `.${fullName}`;
          },
        },
        {
          name: method.outputType,
          scope,
          where,
          wants,
          resolveTo: (fullName) => {
            method.outputType = `.${fullName}`;
          },
        },
      );
    }
  }
  return { defined, references };
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

function kindOf(type: FieldDescriptorProto_Type): "message" | "enum" | undefined {
  if (type === FieldDescriptorProto_Type.ENUM) return "enum";
  const isMessage = type === FieldDescriptorProto_Type.MESSAGE || type === FieldDescriptorProto_Type.GROUP;
  return isMessage ? "message" : undefined;
}

function join(scope: string, name: string): string {
  return scope === "" ? name : `${scope}.${name}`;
}
