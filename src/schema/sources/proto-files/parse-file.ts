/**
 * Reads a .proto: its text to a descriptor in which the names of types and the options are not yet understood.
 *
 * The parser is our own because nothing else at hand keeps what descriptors hold. That of protobufjs (8.8) keeps one
 * value of an option that is repeated, drops the options of extension ranges, detached comments and the places of
 * everything, turns bytes into text, reads numbers as doubles, and gives the options of a file to its package.
 * Source: https://protobuf.dev/reference/protobuf/proto2-spec/, proto3-spec/ and edition-2023-spec/; the descriptors that
 * protoc makes of the same files.
 */
import { create } from "@bufbuild/protobuf";
import {
  Edition,
  FileOptionsSchema,
  MethodDescriptorProtoSchema,
  MethodOptionsSchema,
  type ServiceDescriptorProto,
  ServiceDescriptorProtoSchema,
  ServiceOptionsSchema,
} from "@bufbuild/protobuf/wkt";
import { MAX_PACKAGE_LENGTH } from "../../check-file.ts";
import { parseOption } from "./option-syntax.ts";
import { parseEnum } from "./parse-enum.ts";
import { parseExtend, parseMessage } from "./parse-message.ts";
import { parseVisibility } from "./parse-visibility.ts";
import { FileDraft, type ImportStatement, type ParsedFile, type Path } from "./parsed-file.ts";
import { ProtoFault } from "./proto-fault.ts";

const IMPORT_KINDS: ReadonlyMap<string, ImportStatement["kind"]> = new Map([
  ["public", "public"],
  ["weak", "weak"],
  ["option", "option"],
]);

const EDITIONS: ReadonlyMap<string, Edition> = new Map([
  ["2023", Edition.EDITION_2023],
  ["2024", Edition.EDITION_2024],
  ["2026", Edition.EDITION_2026],
]);

/**
 * Parses the file `name` (as imports write it).
 * @throws {ProtoFault} at the first thing that is not as a .proto has it.
 */
export function parseFile(name: string, text: string): ParsedFile {
  const draft = parseIn("", name, text);
  const { packageName, proto } = draft;
  // Names are given as they are read: a package that came after some of them takes another reading.
  return packageName === proto.package ? draft : parseIn(proto.package, name, text);
}

/** `packageName` is where names are until the file says its package. */
function parseIn(packageName: string, name: string, text: string): FileDraft {
  const draft = new FileDraft(name, text, packageName);
  parseSyntax(draft);
  parseStatements(draft);
  return draft;
}

function parseSyntax(draft: FileDraft): void {
  const { reader, proto } = draft;
  const first = reader.current;
  const word = reader.isAt("syntax") || reader.isAt("edition") ? reader.take().text : undefined;
  if (word === undefined) return;
  reader.expect("=");
  const at = reader.current;
  const { text } = reader.expectString(`the ${word}`);
  reader.expect(";");
  draft.document([12], first);
  if (word === "edition") {
    const edition = EDITIONS.get(text);
    if (edition === undefined) {
      throw new ProtoFault(
        at,
        `edition "${text}" is not known`,
        `known are ${[...EDITIONS.keys()].join(", ")}`,
      );
    }
    draft.syntax = "editions";
    proto.syntax = "editions";
    proto.edition = edition;
  } else if (text === "proto3") {
    draft.syntax = "proto3";
    proto.syntax = "proto3";
  } else if (text !== "proto2") {
    throw new ProtoFault(at, `syntax "${text}" is not known`, 'write "proto2" or "proto3"');
  }
}

function parseStatements(draft: FileDraft): void {
  const { reader, proto } = draft;
  // Names of extensions in options of the file are looked for in its package, which may come later.
  const statements: ReturnType<typeof parseOption>[] = [];
  let hasPackage = false;
  while (reader.current.kind !== "end") {
    const first = reader.current;
    if (reader.accept(";")) continue;
    if (reader.accept("import")) {
      parseImport(draft, first);
    } else if (reader.accept("package")) {
      if (hasPackage) throw new ProtoFault(first, "the file has a package already");
      hasPackage = true;
      proto.package = reader.expectTypeName("the name of a package");
      if (proto.package.length > MAX_PACKAGE_LENGTH) {
        throw new ProtoFault(
          first,
          `the name of the package is longer than ${MAX_PACKAGE_LENGTH} characters`,
        );
      }
      if (draft.definitions.length === 0) draft.packageName = proto.package;
      reader.expect(";");
      draft.document([2], first);
    } else if (reader.accept("option")) {
      statements.push(parseOption(reader));
      reader.expect(";");
    } else {
      parseDeclaration(draft);
    }
  }
  draft.own(FileOptionsSchema, proto.package, proto, statements);
}

function parseImport(draft: FileDraft, first: FileDraft["reader"]["current"]): void {
  const { reader, proto } = draft;
  const kind = IMPORT_KINDS.get(reader.current.text) ?? "plain";
  if (kind !== "plain") reader.take();
  const at = reader.current;
  const name = reader.expectString("the name of a file").text;
  reader.expect(";");
  if (draft.importNames.has(name)) {
    throw new ProtoFault(at, `"${name}" is imported twice`, "remove one of the imports");
  }
  draft.importNames.add(name);
  draft.imports.push({ name, kind, at });
  if (kind === "option") {
    proto.optionDependency.push(name);
    return;
  }
  if (kind === "public") proto.publicDependency.push(proto.dependency.length);
  if (kind === "weak") proto.weakDependency.push(proto.dependency.length);
  draft.document([3, proto.dependency.length], first);
  proto.dependency.push(name);
}

function parseDeclaration(draft: FileDraft): void {
  const { reader, proto } = draft;
  const scope = draft.packageName;
  const visibility = parseVisibility(draft);
  if (reader.isAt("message")) {
    const message = parseMessage(draft, scope, proto.messageType, [4]);
    if (visibility !== undefined) message.visibility = visibility;
  } else if (reader.isAt("enum")) {
    const declared = parseEnum(draft, scope, proto.enumType, [5]);
    if (visibility !== undefined) declared.visibility = visibility;
  } else if (reader.isAt("service")) {
    parseService(draft, scope);
  } else if (reader.isAt("extend")) {
    parseExtend(draft, scope, {
      fields: proto.extension,
      fieldsPath: [7],
      types: proto.messageType,
      typesPath: [4],
    });
  } else {
    throw reader.unexpected("message, enum, service, extend, import, package or option");
  }
}

function parseService(draft: FileDraft, scope: string): void {
  const { reader, proto } = draft;
  const first = reader.expect("service");
  const name = reader.expectName("the name of a service");
  const fullName = draft.define(scope, name, "service");
  const service = create(ServiceDescriptorProtoSchema, { name: name.text });
  const path = [6, proto.service.length];
  proto.service.push(service);
  const options = draft.own(ServiceOptionsSchema, scope, service);
  reader.expect("{");
  draft.document(path, first);
  const names = new Set<string>();
  while (!reader.accept("}")) {
    if (reader.accept(";")) continue;
    if (reader.accept("option")) {
      options.push(parseOption(reader));
      reader.expect(";");
    } else {
      parseMethod(draft, service, fullName, [...path, 2], names);
    }
  }
}

function parseMethod(
  draft: FileDraft,
  service: ServiceDescriptorProto,
  scope: string,
  into: Path,
  names: Set<string>,
): void {
  const { reader } = draft;
  const first = reader.expect("rpc");
  const name = reader.expectName("the name of a method");
  if (names.has(name.text)) {
    throw new ProtoFault(name, `service ${service.name} has a method ${name.text} already`);
  }
  names.add(name.text);
  const method = create(MethodDescriptorProtoSchema, { name: name.text });
  const path = [...into, service.method.length];
  service.method.push(method);
  if (parseMethodType(draft, scope, (fullName) => (method.inputType = fullName)))
    method.clientStreaming = true;
  reader.expect("returns");
  if (parseMethodType(draft, scope, (fullName) => (method.outputType = fullName)))
    method.serverStreaming = true;
  const options = draft.own(MethodOptionsSchema, scope, method);
  if (!reader.accept("{")) {
    reader.expect(";");
    draft.document(path, first);
    return;
  }
  draft.document(path, first);
  // Braces are options, though there be none in them.
  method.options = create(MethodOptionsSchema);
  while (!reader.accept("}")) {
    if (reader.accept(";")) continue;
    reader.expect("option");
    options.push(parseOption(reader));
    reader.expect(";");
  }
}

/** Reads `(stream a.B)`; whether it says `stream`. */
function parseMethodType(draft: FileDraft, scope: string, set: (fullName: string) => void): boolean {
  const { reader } = draft;
  reader.expect("(");
  // A type may be called stream.
  const { following } = reader;
  const isStream = reader.isAt("stream") && (following.kind === "identifier" || following.text === ".");
  if (isStream) reader.take();
  const at = reader.current;
  const name = reader.expectTypeName("the type of a message");
  reader.expect(")");
  const resolve = (fullName: string): void => set(`.${fullName}`);
  draft.references.push({ name, scope, at, wants: "message", resolve });
  return isStream;
}
