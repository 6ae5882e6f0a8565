/**
 * What two versions of a schema differ in, for the log, the admin page and whoever decides whether to take the new one.
 *
 * Compared is what a client of the HTTP API can see: services, methods, and the fields and enum values of the types that
 * methods reach. So a message type is compared with the one that stands in its place, whatever their names: JSON has no
 * names of messages. Breaking is what a client that did right before may fail over:
 *
 * - a method, a field or an enum value that is gone, or that goes by another name in JSON;
 * - a field of another JSON form (`int32` to `int64`, which turns a number into a string; `sint32` is the same as
 *   `int32`), one that turns into a list or a map or back, one that became `required` or joined a oneof;
 * - an enum value of another number, since numbers are taken for names; one that shares its number with a value that now
 *   comes first, since replies have the first name;
 * - a method that streams where it did not, or no longer.
 *
 * Not breaking: what is added, field numbers (the gateway is who writes them), a `required` or a oneof that is gone.
 * Whether an http rule has changed is for the route table to tell; options, defaults and comments are not compared.
 * Works on outlines, so that no descriptor is built for it.
 */
import { ScalarType } from "@bufbuild/protobuf";
import { ChangeList, type Diff } from "./change-list.ts";
import type { EnumShape, MessageShape, RuleField } from "./message-shape.ts";
import type { MethodSchema, SchemaSet, ServiceSchema } from "./service-schema.ts";

/** Pairs of types that are compared: more than any API has types, and an end for schemas that were made to have none. */
const MAX_PAIRS = 100_000;

/** Their JSON forms are their own and no fields of theirs. */
const SPECIAL_PACKAGE = "google.protobuf.";

/** Scalars whose JSON cannot be told from that of another: they differ in how the wire holds them. */
const SAME_FORM: ReadonlyMap<ScalarType, ScalarType> = new Map([
  [ScalarType.SINT32, ScalarType.INT32],
  [ScalarType.SFIXED32, ScalarType.INT32],
  [ScalarType.FIXED32, ScalarType.UINT32],
  [ScalarType.SINT64, ScalarType.INT64],
  [ScalarType.SFIXED64, ScalarType.INT64],
  [ScalarType.FIXED64, ScalarType.UINT64],
]);

/** The changes from `before` to `after`. Pure; bounded in time and size whatever the schemas. */
export function diffSchemas(before: SchemaSet, after: SchemaSet): Diff {
  const comparison = new SchemaComparison();
  comparison.compareServices(before.services, after.services);
  return comparison.diff;
}

class SchemaComparison {
  readonly #changes = new ChangeList();
  readonly #seen = new Set<string>();
  /** Pairs of messages still to be compared, in the order in which methods reach them. */
  readonly #messages: { readonly before: MessageShape; readonly after: MessageShape }[] = [];

  get diff(): Diff {
    return this.#changes.diff;
  }

  compareServices(before: readonly ServiceSchema[], after: readonly ServiceSchema[]): void {
    const changes = this.#changes;
    const { gone, kept, come } = match(before, after, ({ fullName }) => fullName);
    for (const service of gone) changes.breaking("removed", `service ${withMethods(service)}`);
    for (const service of come) changes.harmless("added", `service ${withMethods(service)}`);
    for (const pair of kept) {
      const methods = match(pair.before.methods, pair.after.methods, ({ fullName }) => fullName);
      for (const { fullName } of methods.gone) changes.breaking("removed", `method ${fullName}`);
      for (const { fullName } of methods.come) changes.harmless("added", `method ${fullName}`);
      for (const each of methods.kept) this.#compareMethods(each.before, each.after);
    }
    for (let at = 0; at < this.#messages.length; at++) {
      const pair = this.#messages[at];
      if (pair !== undefined) this.#compareMessages(pair.before, pair.after);
    }
  }

  #compareMethods(before: MethodSchema, after: MethodSchema): void {
    const where = `method ${after.fullName}`;
    if (before.kind !== after.kind) {
      this.#changes.breaking("changed", `${where}: ${words(before.kind)} -> ${words(after.kind)}`);
    }
    this.#comparePlaces(before.inputShape, after.inputShape, `${where}: request`);
    this.#comparePlaces(before.outputShape, after.outputShape, `${where}: reply`);
  }

  /** Messages in the place `where`, whose fields will be compared; a special one fits its like alone. */
  #comparePlaces(before: MessageShape, after: MessageShape, where: string): void {
    if (before.typeName !== after.typeName) {
      const what = `${where}: ${before.typeName} -> ${after.typeName}`;
      if (isSpecial(before) || isSpecial(after)) {
        this.#changes.breaking("changed", what);
        return;
      }
      this.#changes.harmless("changed", what);
    }
    if (!isSpecial(before) && this.#isNew(before.typeName, after.typeName)) {
      this.#messages.push({ before, after });
    }
  }

  #compareMessages(before: MessageShape, after: MessageShape): void {
    const changes = this.#changes;
    const { gone, kept, come } = match(before.fields, after.fields, ({ name }) => name);
    for (const field of gone) changes.breaking("removed", `field ${before.typeName}.${field.name}`);
    for (const field of come) {
      const what = `field ${after.typeName}.${field.name}: ${typeOf(field)}`;
      // Requests without it were good until now.
      if (field.declaredLabel === "required") changes.breaking("added", what);
      else changes.harmless("added", what);
    }
    for (const pair of kept) {
      this.#compareFields(pair.before, pair.after, `field ${after.typeName}.${pair.after.name}`);
    }
  }

  #compareFields(before: RuleField, after: RuleField, where: string): void {
    const changes = this.#changes;
    if (before.jsonName !== after.jsonName) {
      changes.breaking("changed", `${where}: JSON name ${before.jsonName} -> ${after.jsonName}`);
    }
    if (before.number !== after.number) {
      changes.harmless("changed", `${where}: number ${before.number} -> ${after.number}`);
    }
    this.#compareOneofs(before.oneof?.name, after.oneof?.name, where);
    const isOtherForm = jsonFormOf(before) !== jsonFormOf(after);
    const isNowRequired = after.declaredLabel === "required" && before.declaredLabel !== "required";
    const [typeBefore, typeAfter] = [typeOf(before), typeOf(after)];
    if (isOtherForm || isNowRequired) {
      changes.breaking("changed", `${where}: ${typeBefore} -> ${typeAfter}`);
      if (isOtherForm) return;
    } else if (typeBefore !== typeAfter && before.message === undefined) {
      changes.harmless("changed", `${where}: ${typeBefore} -> ${typeAfter}`);
    } else if (before.declaredLabel !== after.declaredLabel) {
      changes.harmless("changed", `${where}: ${typeBefore} -> ${typeAfter}`);
    }
    if (before.message !== undefined && after.message !== undefined) {
      this.#comparePlaces(before.message, after.message, where);
    }
    if (before.enum !== undefined && after.enum !== undefined) this.#compareEnums(before.enum, after.enum);
  }

  #compareOneofs(before: string | undefined, after: string | undefined, where: string): void {
    if (before === after) return;
    // Two fields of a oneof in one request are refused; whether that can happen now depends on the other members.
    if (after !== undefined && before === undefined) {
      this.#changes.breaking("changed", `${where}: joins oneof ${after}`);
    } else if (after === undefined) {
      this.#changes.harmless("changed", `${where}: leaves oneof ${before}`);
    } else {
      this.#changes.breaking("changed", `${where}: oneof ${before} -> ${after}`);
    }
  }

  #compareEnums(before: EnumShape, after: EnumShape): void {
    if (!this.#isNew(before.typeName, after.typeName)) return;
    const changes = this.#changes;
    const { gone, kept, come } = match(before.values, after.values, ({ name }) => name);
    for (const { name } of gone) changes.breaking("removed", `enum value ${before.typeName}.${name}`);
    for (const { name } of come) changes.harmless("added", `enum value ${after.typeName}.${name}`);
    for (const pair of kept) {
      const [from, to] = [pair.before.number, pair.after.number];
      if (from === to) continue;
      changes.breaking("changed", `enum value ${after.typeName}.${pair.after.name}: ${from} -> ${to}`);
    }
    const written = firstNames(after);
    const numbers = new Map(after.values.map(({ name, number }) => [name, number]));
    for (const [number, name] of firstNames(before)) {
      const now = written.get(number);
      // One that went, or that has another number, is told of already.
      if (now === name || now === undefined || numbers.get(name) !== number) continue;
      changes.breaking("changed", `enum value ${after.typeName}.${name}: replies have its alias ${now}`);
    }
  }

  /** Whether a pair of types has not been compared, and there is still room to. */
  #isNew(before: string, after: string): boolean {
    const pair = `${before} ${after}`;
    if (this.#seen.has(pair)) return false;
    if (this.#seen.size === MAX_PAIRS) {
      const limit = MAX_PAIRS.toLocaleString("en-US");
      this.#changes.breaking("changed", `the types: only ${limit} pairs of them were compared`);
    }
    this.#seen.add(pair);
    return this.#seen.size <= MAX_PAIRS;
  }
}

interface Matches<T> {
  readonly gone: readonly T[];
  readonly kept: readonly { readonly before: T; readonly after: T }[];
  readonly come: readonly T[];
}

function match<T>(before: readonly T[], after: readonly T[], nameOf: (item: T) => string): Matches<T> {
  const old = new Map(before.map((item) => [nameOf(item), item]));
  const names = new Set(after.map(nameOf));
  const gone = before.filter((item) => !names.has(nameOf(item)));
  const kept: { before: T; after: T }[] = [];
  const come: T[] = [];
  for (const item of after) {
    const earlier = old.get(nameOf(item));
    if (earlier === undefined) come.push(item);
    else kept.push({ before: earlier, after: item });
  }
  return { gone, kept, come };
}

/** The name that replies have for each number. */
function firstNames({ values }: EnumShape): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  for (const { name, number } of values) if (!names.has(number)) names.set(number, name);
  return names;
}

function isSpecial({ typeName }: MessageShape): boolean {
  return typeName.startsWith(SPECIAL_PACKAGE) || typeName === "google.api.HttpBody";
}

function withMethods({ fullName, methods }: ServiceSchema): string {
  return `${fullName} (${methods.length} ${methods.length === 1 ? "method" : "methods"})`;
}

function words(kind: MethodSchema["kind"]): string {
  return kind.replace("_", " ");
}

/** As a .proto would say it: `repeated library.v1.Book`, `map<string, int32>`. */
function typeOf(field: RuleField): string {
  const element = field.message?.typeName ?? field.enum?.typeName ?? scalarName(field.scalar);
  if (field.fieldKind === "map") return `map<${scalarName(field.mapKey)}, ${element}>`;
  if (field.fieldKind === "list") return `repeated ${element}`;
  return field.declaredLabel === undefined ? element : `${field.declaredLabel} ${element}`;
}

/** What the JSON of a field looks like: equal for fields that can take each other's place, messages aside. */
function jsonFormOf(field: RuleField): string {
  const { message, enum: enumType, scalar, fieldKind, mapKey } = field;
  const element = message !== undefined ? "message" : enumType !== undefined ? "enum" : formOf(scalar);
  return fieldKind === "map" ? `map ${formOf(mapKey)} ${element}` : `${fieldKind === "list"} ${element}`;
}

function formOf(scalar: ScalarType | undefined): string {
  return scalarName(scalar === undefined ? undefined : (SAME_FORM.get(scalar) ?? scalar));
}

function scalarName(scalar: ScalarType | undefined): string {
  return scalar === undefined ? "unknown" : ScalarType[scalar].toLowerCase();
}
