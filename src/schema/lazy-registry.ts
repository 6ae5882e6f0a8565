/**
 * The descriptors of a schema, each file's built when a type of it is first used, with the files that it imports.
 *
 * A registry of @bufbuild/protobuf over everything would take seconds and most of a gigabyte for an API such as Google's,
 * of which one gateway uses little.
 */
import {
  createFileRegistry,
  type DescExtension,
  type DescFile,
  type DescMessage,
  type FileRegistry,
  fromBinary,
} from "@bufbuild/protobuf";
import { nestedTypes } from "@bufbuild/protobuf/reflect";
import {
  type DescriptorProto,
  type FieldDescriptorProto,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";
import type { FieldOutline, FileOutline, MessageOutline } from "./file-outline.ts";
import type { LinkedFile, LinkedFiles, LinkedSymbol } from "./link-files.ts";
import { type DescType, TypesByName } from "./types-by-name.ts";

/**
 * A registry over linked files, built file by file. Files with extensions have to be built before extensions are looked up
 * by number; `buildSchemaInSteps` sees to that.
 */
export class LazyRegistry extends TypesByName implements FileRegistry {
  readonly kind = "registry";
  readonly #linked: ReadonlyMap<string, LinkedFile>;
  readonly #symbols: ReadonlyMap<string, LinkedSymbol>;
  readonly #files = new Map<string, DescFile>();
  readonly #types = new Map<string, DescType>();
  /** Extensions by number, by full name of the message that they extend. */
  readonly #extensions = new Map<string, Map<number, DescExtension>>();

  /** `files` must come without circles of imports, and may lose members later. */
  constructor({ files, symbols }: LinkedFiles) {
    super();
    this.#linked = files;
    this.#symbols = symbols;
  }

  get files(): Iterable<DescFile> {
    return this.#allFiles();
  }

  *[Symbol.iterator](): IterableIterator<DescType> {
    for (const file of this.#allFiles()) yield* nestedTypes(file);
  }

  /**
   * The descriptor of a file, by the name of its .proto.
   * @throws {UnbuildableFile} if it, or one that it imports, cannot be built.
   */
  getFile(name: string): DescFile | undefined {
    // A file may have been left out after it was built.
    if (!this.#linked.has(name)) return undefined;
    const known = this.#files.get(name);
    if (known !== undefined) return known;
    // Depth first, by hand: imports may be chained deeper than calls can be.
    const open = [name];
    for (let next = open.at(-1); next !== undefined; next = open.at(-1)) {
      const file = this.#linked.get(next);
      const imports = this.#files.has(next) ? [] : (file?.outline.dependency ?? []);
      const missing = imports.filter((each) => !this.#files.has(each) && this.#linked.has(each));
      for (const each of missing) open.push(each);
      if (missing.length > 0) continue;
      open.pop();
      if (file !== undefined && !this.#files.has(next)) this.#build(file);
    }
    return this.#files.get(name);
  }

  override get(typeName: string): DescType | undefined {
    const symbol = this.#symbols.get(typeName);
    if (symbol === undefined || this.getFile(symbol.file) === undefined) return undefined;
    return this.#types.get(typeName);
  }

  getExtensionFor(extendee: DescMessage, number: number): DescExtension | undefined {
    const extension = this.#extensions.get(extendee.typeName)?.get(number);
    return extension !== undefined && this.#linked.has(extension.file.proto.name) ? extension : undefined;
  }

  *#allFiles(): Iterable<DescFile> {
    for (const name of this.#linked.keys()) {
      const file = this.getFile(name);
      if (file !== undefined) yield file;
    }
  }

  #build(linked: LinkedFile): void {
    const file = this.#describe(linked);
    this.#files.set(linked.name, file);
    for (const type of nestedTypes(file)) {
      this.#types.set(type.typeName, type);
      if (type.kind !== "extension") continue;
      const { typeName } = type.extendee;
      const extensions = this.#extensions.get(typeName) ?? new Map<number, DescExtension>();
      this.#extensions.set(typeName, extensions.set(type.number, type));
    }
  }

  #describe(linked: LinkedFile): DescFile {
    const imported = linked.outline.dependency.flatMap((name) => this.#files.get(name) ?? []);
    // The library walks all that an import imports, again and again where imports share theirs; linking has listed every
    // file that is needed, so it is shown none of them.
    const shown = new Map(imported.map((file) => [file.proto.name, { ...file, dependencies: [] }]));
    try {
      const proto = decode(linked);
      const file = createFileRegistry(proto, (name) => shown.get(name)).getFile(proto.name);
      if (file === undefined) throw new Error("it has no descriptor");
      file.dependencies.splice(0, file.dependencies.length, ...imported);
      return file;
    } catch (error) {
      throw new UnbuildableFile(linked, error);
    }
  }
}

/** The checks passed a file of which no descriptors can be made. */
export class UnbuildableFile extends Error {
  readonly file: LinkedFile;
  readonly why: string;

  constructor(file: LinkedFile, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(`${file.name}: ${why}`, { cause });
    this.name = "UnbuildableFile";
    this.file = file;
    this.why = why;
  }
}

/** The file as it was linked. */
function decode({ outline, bytes }: LinkedFile): FileDescriptorProto {
  const proto = fromBinary(FileDescriptorProtoSchema, bytes);
  writeOutline(proto, outline);
  return proto;
}

/** Writes what linking has resolved into the decoded file, which has the same parts in the same order. */
function writeOutline(proto: FileDescriptorProto, outline: FileOutline): void {
  proto.name = outline.name;
  const isAsWritten =
    proto.dependency.length === outline.dependency.length &&
    proto.dependency.every((name, i) => name === outline.dependency[i]);
  if (!isAsWritten) {
    proto.dependency = [...outline.dependency];
    // They point into the list that was.
    proto.publicDependency = [];
    proto.weakDependency = [];
  }
  for (const [i, message] of proto.messageType.entries()) writeMessage(message, outline.messages[i]);
  for (const [i, extension] of proto.extension.entries()) writeField(extension, outline.extensions[i]);
  for (const [i, service] of proto.service.entries()) {
    for (const [j, method] of service.method.entries()) {
      const resolved = outline.services[i]?.methods[j];
      if (resolved === undefined) continue;
      method.inputType = resolved.inputType;
      method.outputType = resolved.outputType;
    }
  }
}

function writeMessage(proto: DescriptorProto, outline: MessageOutline | undefined): void {
  for (const [i, field] of proto.field.entries()) writeField(field, outline?.fields[i]);
  for (const [i, extension] of proto.extension.entries()) writeField(extension, outline?.extensions[i]);
  for (const [i, nested] of proto.nestedType.entries()) writeMessage(nested, outline?.messages[i]);
}

function writeField(proto: FieldDescriptorProto, outline: FieldOutline | undefined): void {
  if (outline === undefined) return;
  const { type, typeName, extendee, jsonName } = outline;
  if (type !== undefined) proto.type = type;
  if (typeName !== proto.typeName) proto.typeName = typeName;
  if (extendee !== proto.extendee) proto.extendee = extendee;
  if (jsonName !== undefined) proto.jsonName = jsonName;
}
