/**
 * Checks one descriptor file by itself: what a compiler guarantees and a file from the outside may not keep.
 *
 * Code further on (the registry of @bufbuild/protobuf, codecs, routing) trusts what passed here. Types are resolved
 * later, in `build-schema.ts`.
 */
import {
  Edition,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";
import type {
  EnumOutline,
  FieldOutline,
  FileOutline,
  MessageOutline,
  ServiceOutline,
} from "./file-outline.ts";

/** Messages may nest this deep. protoc stops at 32. */
export const MAX_NESTING = 32;

/** Faults told of one file; a file with one is dropped, so more would only be noise. */
const MAX_FAULTS = 5;

/** Longer than any compiler's output has; work grows with the square of a package's length. */
export const MAX_PACKAGE_LENGTH = 1024;
/** The longest name of one thing, without those around it. */
export const MAX_NAME_LENGTH = 512;
/** Of messages, with all that they are in. Engines give long strings of a length one hash, which makes maps slow. */
export const MAX_FULL_NAME_LENGTH = 2048;

const MAX_FIELD_NUMBER = 2 ** 29 - 1;
const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;
const PACKAGE = /^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$/;
const NOT_MAP_KEYS: ReadonlySet<Type> = new Set([
  Type.DOUBLE,
  Type.FLOAT,
  Type.BYTES,
  Type.ENUM,
  Type.GROUP,
  Type.MESSAGE,
]);

/** What is wrong with `file`, each as a clause that names the place; empty where nothing is. */
export function faultsOf(file: FileOutline): readonly string[] {
  const checker = new FileChecker();
  checker.checkFile(file);
  return checker.faults;
}

/** `text` cut and without control characters, for a problem: a name from the outside may hold anything. */
export function printable(text: string): string {
  return (text.length > 240 ? `${text.slice(0, 240)}…` : text).replace(/\p{C}/gu, "?");
}

class FileChecker {
  readonly faults: string[] = [];

  checkFile(file: FileOutline): void {
    const isPackage = file.package.length <= MAX_PACKAGE_LENGTH && PACKAGE.test(file.package);
    if (file.package !== "" && !isPackage) this.#add(`package "${file.package}"`);
    if (!isKnownSyntax(file)) {
      this.#add(`syntax "${file.syntax}", edition ${file.edition}`);
    }
    for (const message of file.messages) this.#checkMessage(message, "message", 1, file.package.length);
    for (const each of file.enums) this.#checkEnum(each, "enum");
    for (const extension of file.extensions) this.#checkField(extension, "extension");
    for (const service of file.services) this.#checkService(service);
  }

  #checkMessage(message: MessageOutline, parent: string, depth: number, scopeLength: number): void {
    if (this.#isFull()) return;
    const length = scopeLength + 1 + message.name.length;
    const where = `${parent} ${message.name}`;
    this.#checkName(message.name, where);
    if (depth > MAX_NESTING) {
      this.#add(`message ${message.name}: nested more than ${MAX_NESTING} deep`);
      return;
    }
    if (length > MAX_FULL_NAME_LENGTH) {
      this.#add(`a full name is longer than ${MAX_FULL_NAME_LENGTH} characters: of message ${message.name}`);
      return;
    }
    const numbers = new Set<number>();
    const names = new Set<string>();
    for (const field of message.fields) {
      const fieldWhere = `${where}, field ${field.name}`;
      this.#checkField(field, fieldWhere);
      if (numbers.has(field.number)) this.#add(`${fieldWhere}: number ${field.number} is taken`);
      if (names.has(field.name)) this.#add(`${fieldWhere}: the name is taken`);
      numbers.add(field.number);
      names.add(field.name);
      this.#checkOneofMember(field, message, fieldWhere);
    }
    for (const oneof of message.oneofs) this.#checkName(oneof, `${where}, oneof ${oneof}`);
    if (message.isMapEntry) this.#checkMapEntry(message, where);
    for (const extension of message.extensions) this.#checkField(extension, `${where}, extension`);
    for (const each of message.enums) this.#checkEnum(each, `${where}, enum`);
    for (const nested of message.messages) {
      this.#checkMessage(nested, `${where}, message`, depth + 1, length);
    }
  }

  #checkField(field: FieldOutline, where: string): void {
    this.#checkName(field.name, where);
    const { number } = field;
    const isReserved = number >= 19_000 && number <= 19_999;
    if (number < 1 || number > MAX_FIELD_NUMBER || isReserved) {
      this.#add(`${where}: field number ${number}`);
    }
    const { type } = field;
    if (type === undefined ? field.typeName === "" : Type[type] === undefined)
      this.#add(`${where}: no known type`);
    if (Label[field.label] === undefined) this.#add(`${where}: no known label`);
  }

  #checkOneofMember(field: FieldOutline, message: MessageOutline, where: string): void {
    if (field.oneofIndex === undefined) return;
    if (message.oneofs[field.oneofIndex] === undefined) this.#add(`${where}: of a oneof that is not there`);
    if (field.label === Label.REPEATED || field.label === Label.REQUIRED) {
      this.#add(`${where}: in a oneof, but not optional`);
    }
  }

  #checkMapEntry(message: MessageOutline, where: string): void {
    const [key, value] = [1, 2].map((number) => message.fields.find((field) => field.number === number));
    const isOne = (field: FieldOutline | undefined): boolean =>
      field !== undefined && field.label !== Label.REPEATED && field.oneofIndex === undefined;
    const hasParts = message.fields.length === 2 && isOne(key) && isOne(value);
    if (!hasParts || key === undefined || !isMapKey(key.type)) this.#add(`${where}: not a map entry`);
    const hasMore = message.messages.length + message.enums.length + message.extensions.length > 0;
    if (hasMore) this.#add(`${where}: a map entry that declares types`);
  }

  #checkEnum(declared: EnumOutline, parent: string): void {
    if (this.#isFull()) return;
    const where = `${parent} ${declared.name}`;
    this.#checkName(declared.name, where);
    if (declared.values.length === 0) this.#add(`${where}: no values`);
    const names = new Set<string>();
    for (const name of declared.values) {
      this.#checkName(name, `${where}, value ${name}`);
      if (names.has(name)) this.#add(`${where}, value ${name}: the name is taken`);
      names.add(name);
    }
  }

  #checkService(service: ServiceOutline): void {
    const where = `service ${service.name}`;
    this.#checkName(service.name, where);
    const names = new Set<string>();
    for (const { name } of service.methods) {
      this.#checkName(name, `${where}, method ${name}`);
      if (names.has(name)) this.#add(`${where}, method ${name}: the name is taken`);
      names.add(name);
    }
  }

  #checkName(name: string, where: string): void {
    if (name.length > MAX_NAME_LENGTH || !IDENTIFIER.test(name))
      this.#add(`${where}: "${name}" is not a name`);
  }

  #isFull(): boolean {
    return this.faults.length >= MAX_FAULTS;
  }

  #add(fault: string): void {
    if (!this.#isFull()) this.faults.push(printable(fault));
  }
}

function isMapKey(type: Type | undefined): boolean {
  return type !== undefined && !NOT_MAP_KEYS.has(type);
}

function isKnownSyntax(file: FileOutline): boolean {
  if (file.syntax !== "editions")
    return file.syntax === "" || file.syntax === "proto2" || file.syntax === "proto3";
  return file.edition >= Edition.EDITION_2023 && Edition[file.edition] !== undefined && file.edition < 9999;
}
