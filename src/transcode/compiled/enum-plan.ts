/** What the codec knows of one enum: labels to numbers and back, as bytes. */
import type { DescEnum, DescEnumValue } from "@bufbuild/protobuf";
import { Literal } from "./byte-sink.ts";
import { NameTable } from "./name-table.ts";

/** Numbers below this are looked up in an array, the others in a map. */
const DENSE = 256;

/** One enum, compiled. */
export class EnumPlan {
  readonly desc: DescEnum;
  /** Unknown numbers of a closed enum are no values: on the wire they are unknown fields, in JSON errors. */
  readonly closed: boolean;
  /** `google.protobuf.NullValue`, whose JSON is `null`. */
  readonly isNull: boolean;
  /** The value of an unset field. */
  readonly first: number;
  /** The JSON of 0, which unset fields of open enums have. */
  readonly zeroText: string;
  readonly #names: NameTable;
  readonly #numbers: readonly number[];
  readonly #dense: (Literal | undefined)[] = [];
  readonly #sparse = new Map<number, Literal>();

  constructor(desc: DescEnum, asNumbers: "labels" | "numbers") {
    this.desc = desc;
    this.closed = !desc.open;
    this.isNull = desc.typeName === "google.protobuf.NullValue";
    this.first = desc.values[0]?.number ?? 0;
    this.zeroText = this.#text(
      desc.values.find(({ number }) => number === 0),
      asNumbers,
    );
    this.#numbers = desc.values.map((value) => value.number);
    // A proto name wins over another value's JSON name.
    this.#names = new NameTable([
      ...desc.values.map(({ name }, index) => ({ name, value: index })),
      ...desc.values.map(({ jsonName }, index) => ({ name: jsonName, value: index })),
    ]);
    for (const value of desc.values) {
      const { number } = value;
      if (this.knows(number)) continue;
      const text = this.#text(value, asNumbers);
      if (number >= 0 && number < DENSE) this.#dense[number] = new Literal(text);
      else this.#sparse.set(number, new Literal(text));
    }
    for (let number = 0; number < this.#dense.length; number++) this.#dense[number] ??= undefined;
  }

  /** The JSON of a value, quotes included, or undefined for a number without a label. Aliases give the first label. */
  json(number: number): Literal | undefined {
    return number >= 0 && number < DENSE ? this.#dense[number] : this.#sparse.get(number);
  }

  /** Whether the enum declares `number`. */
  knows(number: number): boolean {
    return this.json(number) !== undefined;
  }

  /** The index, for {@link numberAt}, of the value labelled by `bytes` from `start` to `end`, or -1. */
  find(bytes: Uint8Array, start: number, end: number): number {
    return this.#names.find(bytes, start, end);
  }

  /** The number of the value at `index` of the declaration. */
  numberAt(index: number): number {
    return this.#numbers[index] ?? 0;
  }

  #text(value: DescEnumValue | undefined, asNumbers: "labels" | "numbers"): string {
    if (this.isNull) return "null";
    return value === undefined || asNumbers === "numbers"
      ? `${value?.number ?? 0}`
      : JSON.stringify(value.jsonName);
  }
}
