/**
 * Answers the questions of server reflection from a FileDescriptorSet.
 *
 * Files are handed out as the very bytes that stand in the set, so that options which this program does not know
 * survive. Source: grpc/reflection/v1/reflection.proto; https://github.com/grpc/grpc/blob/master/doc/server-reflection.md
 */
import { fromBinary } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import {
  type DescriptorProto,
  type FieldDescriptorProto,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";

/** A file of the set: decoded, and as it was found. */
interface IndexedFile {
  readonly descriptor: FileDescriptorProto;
  readonly bytes: Uint8Array;
}

/** Looks up files by name, symbol and extension. */
export class ReflectionIndex {
  readonly #files: Map<string, IndexedFile> = new Map();
  /** File name by full name of a service, method, message, enum or extension. */
  readonly #symbols: Map<string, string> = new Map();
  /** File name by extension number, by full name of the extended message. */
  readonly #extensions: Map<string, Map<number, string>> = new Map();
  readonly #services: string[] = [];

  /**
   * Indexes serialized `google.protobuf.FileDescriptorSet`s. Of several files of one name the first counts.
   * @throws {Error} if the bytes are not descriptor sets.
   */
  constructor(...descriptorSets: readonly Uint8Array[]) {
    for (const bytes of descriptorSets.flatMap(splitDescriptorSet)) {
      const descriptor = fromBinary(FileDescriptorProtoSchema, bytes);
      if (this.#files.has(descriptor.name)) continue;
      this.#files.set(descriptor.name, { descriptor, bytes });
      this.#indexFile(descriptor);
    }
  }

  /** Full names of all services, in the order of the files. */
  get services(): readonly string[] {
    return this.#services;
  }

  /** The name of the file that declares `symbol` (a service, method, message, enum or extension). */
  fileOfSymbol(symbol: string): string | undefined {
    return this.#symbols.get(symbol);
  }

  /** The name of the file that extends the message `type` with field `number`. */
  fileOfExtension(type: string, number: number): string | undefined {
    return this.#extensions.get(type)?.get(number);
  }

  /** Numbers of all extensions of `type`, ascending; undefined for a type that is not a known message. */
  extensionNumbersOf(type: string): readonly number[] | undefined {
    const numbers = this.#extensions.get(type);
    if (numbers === undefined) return this.#symbols.has(type) ? [] : undefined;
    return [...numbers.keys()].sort((a, b) => a - b);
  }

  /**
   * The file and everything that it imports and that `sent` does not hold yet, the file itself first; `sent` gets the
   * names of what is returned. Imports that the set lacks are left out. Undefined if there is no such file.
   */
  filesFrom(name: string, sent: Set<string>): readonly Uint8Array[] | undefined {
    const root = this.#files.get(name);
    if (root === undefined) return undefined;
    const result = [root.bytes];
    const pending = [...root.descriptor.dependency];
    sent.add(name);
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const file = this.#files.get(next);
      if (file === undefined || sent.has(next)) continue;
      sent.add(next);
      result.push(file.bytes);
      pending.push(...file.descriptor.dependency);
    }
    return result;
  }

  #indexFile(file: FileDescriptorProto): void {
    const scope = file.package;
    for (const message of file.messageType) this.#indexMessage(message, scope, file.name);
    for (const { name } of file.enumType) this.#symbols.set(qualify(scope, name), file.name);
    for (const extension of file.extension) this.#indexExtension(extension, scope, file.name);
    for (const service of file.service) {
      const fullName = qualify(scope, service.name);
      this.#services.push(fullName);
      this.#symbols.set(fullName, file.name);
      for (const method of service.method) this.#symbols.set(qualify(fullName, method.name), file.name);
    }
  }

  #indexMessage(message: DescriptorProto, scope: string, file: string): void {
    const fullName = qualify(scope, message.name);
    this.#symbols.set(fullName, file);
    for (const nested of message.nestedType) this.#indexMessage(nested, fullName, file);
    for (const { name } of message.enumType) this.#symbols.set(qualify(fullName, name), file);
    for (const extension of message.extension) this.#indexExtension(extension, fullName, file);
  }

  #indexExtension(extension: FieldDescriptorProto, scope: string, file: string): void {
    this.#symbols.set(qualify(scope, extension.name), file);
    // Compilers write the full name with a leading dot.
    const type = extension.extendee.replace(/^\./, "");
    const numbers = this.#extensions.get(type) ?? new Map<number, string>();
    numbers.set(extension.number, file);
    this.#extensions.set(type, numbers);
  }
}

/** The serialized files of a serialized FileDescriptorSet, whose only field is `repeated FileDescriptorProto file = 1`. */
function splitDescriptorSet(set: Uint8Array): Uint8Array[] {
  const reader = new BinaryReader(set);
  const files: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 1 && wireType === WireType.LengthDelimited) files.push(reader.bytes());
    else reader.skip(wireType, field);
  }
  return files;
}

function qualify(scope: string, name: string): string {
  return scope === "" ? name : `${scope}.${name}`;
}
