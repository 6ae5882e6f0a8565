/**
 * A cursor over the bytes of a descriptor that remembers whether it has passed over anything that only a full decoding
 * could judge. Source: google/protobuf/descriptor.proto; the numbers below are its field numbers.
 */
import { Wire, WireCursor } from "./wire-cursor.ts";

/** Options of these numbers are bools, enums and strings: nothing in them can be wrong. */
export interface PlainOptions {
  readonly varints: ReadonlySet<number>;
  readonly strings: ReadonlySet<number>;
}

/** Of `FileOptions`. */
export const FILE_OPTIONS: PlainOptions = plainOptions(
  [9, 10, 16, 17, 18, 20, 23, 27, 31],
  [1, 8, 11, 36, 37, 39, 40, 41, 44, 45],
);
/** Of `MessageOptions`. */
export const MESSAGE_OPTIONS: PlainOptions = plainOptions([1, 2, 3, 7, 11]);
/** Of `FieldOptions`. */
export const FIELD_OPTIONS: PlainOptions = plainOptions([1, 2, 3, 5, 6, 10, 15, 16, 17, 19]);
/** Of `OneofOptions`. */
export const ONEOF_OPTIONS: PlainOptions = plainOptions([]);
/** Of `EnumOptions`. */
export const ENUM_OPTIONS: PlainOptions = plainOptions([2, 3, 6]);
/** Of `EnumValueOptions`. */
export const ENUM_VALUE_OPTIONS: PlainOptions = plainOptions([1, 3]);
/** Of `ServiceOptions`. */
export const SERVICE_OPTIONS: PlainOptions = plainOptions([33]);
/** Of `MethodOptions`. */
export const METHOD_OPTIONS: PlainOptions = plainOptions([33, 34]);

/** Custom options have numbers from here on; they stay undecoded for good. */
const FIRST_EXTENSION = 1000;

/** Reads the parts of a descriptor. */
export class DescriptorCursor extends WireCursor {
  /** False from the first thing on that may be wrong without the cursor's knowing. */
  isPlain = true;

  /** Passes over a value that is fine if it is of this wire type. */
  skipPlain(wire: number): void {
    if (this.wire === wire) this.skip();
    else this.skipUnjudged();
  }

  /** Passes over what only a full decoding can judge. */
  skipUnjudged(): void {
    this.isPlain = false;
    this.skip();
  }

  /** Passes over a message of options. */
  skipOptions(plain: PlainOptions): void {
    const outer = this.enter();
    while (this.next()) this.skipOption(plain);
    this.leave(outer);
  }

  /** Passes over one option. */
  skipOption({ varints, strings }: PlainOptions): void {
    const { field, wire } = this;
    const isJudged =
      field >= FIRST_EXTENSION
        ? wire !== Wire.START
        : (wire === Wire.VARINT && varints.has(field)) || (wire === Wire.LEN && strings.has(field));
    if (isJudged) this.skip();
    else this.skipUnjudged();
  }

  /** Passes over a reserved range, which is two numbers. */
  skipRange(): void {
    const outer = this.enter();
    while (this.next()) this.skipPlain(Wire.VARINT);
    this.leave(outer);
  }
}

function plainOptions(varints: readonly number[], strings: readonly number[] = []): PlainOptions {
  return { varints: new Set(varints), strings: new Set(strings) };
}
