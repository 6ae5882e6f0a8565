import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { StatusError } from "../../../../src/status/index.ts";
import { codecWith, EDITION_2023, messageNamed, PROTO2, PROTO3 } from "./codec-fixture.ts";
import { bufferWithNoise } from "./noise.ts";

const TYPES: readonly string[] = [PROTO2, PROTO3, EDITION_2023];
const LIMIT_MS = 2000;

const JSON_SEED = Buffer.from(
  '{"optionalInt32":-1,"optionalInt64":"9007199254740993","optionalDouble":1.5e-7,"optionalString":"é\\n\\ud83d\\ude00",' +
    '"optionalBytes":"+/8=","optionalNestedMessage":{"a":1,"corecursive":{"optionalFloat":"NaN"}},"repeatedInt32":[1,2.0],' +
    '"mapStringString":{"a":"b"},"mapInt32Int32":{"1":2},"optionalNestedEnum":"BAR","oneofUint32":7,' +
    '"optionalTimestamp":"2024-02-29T00:00:00.5Z","optionalDuration":"-1.5s","optionalFieldMask":"a,bC",' +
    '"optionalStruct":{"x":[null,true,{"y":1}]},"optionalAny":{"optionalInt32":1,' +
    '"@type":"type.googleapis.com/protobuf_test_messages.proto3.TestAllTypesProto3"}}',
);
const lenient = codecWith({ unknownFields: "report" });
const WIRE_SEED = Buffer.from(lenient.jsonReader(messageNamed(PROTO3))(JSON_SEED).message);

/** A seed with some bytes changed, a part left out and a part repeated. */
function mutated(seed: Buffer): fc.Arbitrary<Buffer> {
  const offset = fc.nat({ max: seed.length });
  const edits = fc.array(fc.tuple(offset, fc.nat({ max: 255 })), { maxLength: 4 });
  return fc.tuple(edits, offset, offset, fc.nat({ max: 3 })).map(([changes, one, other, kind]) => {
    const bytes = Buffer.from(seed);
    for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
    const from = Math.min(one, other);
    const to = Math.max(one, other);
    if (kind === 0) return bytes;
    if (kind === 1) return bytes.subarray(0, to);
    if (kind === 2) return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
    return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
  });
}

/** Runs and lets a StatusError pass; anything else is a fault of the codec, as is taking long. */
function survives(run: () => Uint8Array): Uint8Array | undefined {
  const start = performance.now();
  try {
    return run();
  } catch (error) {
    assert.ok(error instanceof StatusError, error instanceof Error ? error.stack : String(error));
    return undefined;
  } finally {
    assert.ok(performance.now() - start < LIMIT_MS, "took long");
  }
}

describe("any bytes at all", () => {
  for (const type of TYPES) {
    const desc = messageNamed(type);
    const read = lenient.jsonReader(desc);
    const write = lenient.jsonWriter(desc);

    test(`are read as JSON of ${type.split(".").at(-1)} or refused, and what is read can be written`, () => {
      fc.assert(
        fc.property(fc.oneof(mutated(JSON_SEED), fc.uint8Array({ maxLength: 60 })), (bytes) => {
          const message = survives(() => read(bytes).message);
          if (message !== undefined) survives(() => write(message));
        }),
        { numRuns: 1500 },
      );
    });

    test(`are read as a message of ${type.split(".").at(-1)} or refused, and what is written is JSON`, () => {
      fc.assert(
        fc.property(fc.oneof(mutated(WIRE_SEED), fc.uint8Array({ maxLength: 60 })), (bytes) => {
          const json = survives(() => write(bytes));
          if (json === undefined) return;
          JSON.parse(Buffer.from(json).toString("utf8"));
          assert.ok(Buffer.from(Buffer.from(json).toString("utf8")).equals(json), "not UTF-8");
        }),
        { numRuns: 1500 },
      );
    });
  }

  test("behind the end of the input change nothing", () => {
    const read = lenient.jsonReader(messageNamed(PROTO3));
    const write = lenient.jsonWriter(messageNamed(PROTO3));
    fc.assert(
      fc.property(mutated(JSON_SEED), fc.uint8Array({ minLength: 1, maxLength: 80 }), (bytes, noise) => {
        assert.deepEqual(
          outcome(() => read(bufferWithNoise(bytes, noise)).message),
          outcome(() => read(bytes).message),
        );
      }),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(mutated(WIRE_SEED), fc.uint8Array({ minLength: 1, maxLength: 80 }), (bytes, noise) => {
        assert.deepEqual(
          outcome(() => write(bufferWithNoise(bytes, noise))),
          outcome(() => write(bytes)),
        );
      }),
      { numRuns: 500 },
    );
  });

  test("cut anywhere are refused or smaller, never more than was sent", () => {
    const write = lenient.jsonWriter(messageNamed(PROTO3));
    for (let end = 0; end < WIRE_SEED.length; end++) survives(() => write(WIRE_SEED.subarray(0, end)));
    const read = lenient.jsonReader(messageNamed(PROTO3));
    for (let end = 0; end < JSON_SEED.length; end++) {
      assert.equal(
        survives(() => read(JSON_SEED.subarray(0, end)).message),
        undefined,
        `cut at ${end}`,
      );
    }
  });
});

describe("sizes that are meant to hurt", () => {
  const read = lenient.jsonReader(messageNamed(PROTO3));
  const MEGABYTE = 1024 * 1024;
  const HURTFUL: readonly (readonly [what: string, json: string])[] = [
    ["a long number", `{"optionalInt32":${"9".repeat(MEGABYTE)}}`],
    ["a long number in quotes", `{"optionalInt64":"${"1".repeat(MEGABYTE)}"}`],
    ["a long fraction of zeros", `{"optionalInt32":1.${"0".repeat(MEGABYTE)}}`],
    ["a long fraction of zeros that ends in a digit", `{"optionalInt32":1.${"0".repeat(MEGABYTE)}1}`],
    ["a huge exponent", '{"optionalInt64":1e999999999999}'],
    ["a small exponent", '{"optionalInt64":1e-999999999999}'],
    [
      "many unknown fields",
      `{${Array.from({ length: 50_000 }, (_unused, index) => `"x${index}":1`).join()}}`,
    ],
    [
      "many keys of a map",
      `{"mapStringString":{${Array.from({ length: 50_000 }, (_u, n) => `"k${n}":""`).join()}}}`,
    ],
    ["many escaped numbers", `{"repeatedInt32":[${Array(50_000).fill('"\\u0031"').join()}]}`],
    [
      "many escaped keys",
      `{"mapInt32Int32":{${Array.from({ length: 50_000 }, (_u, n) => `"\\u0031${n}":1`).join()}}}`,
    ],
    ["many escaped labels", `{"repeatedNestedEnum":[${Array(50_000).fill('"\\u0042AR"').join()}]}`],
    ["many escaped masks", `{"repeatedFieldmask":[${Array(50_000).fill('"\\u0061"').join()}]}`],
    ["nested Any with the type last", nestedAny(90)],
    ["white space", `{${" ".repeat(MEGABYTE)}}`],
    ["a long key", `{"${"k".repeat(MEGABYTE)}":1}`],
  ];
  for (const [what, json] of HURTFUL) {
    test(`take no long time: ${what}`, () => {
      survives(() => read(Buffer.from(json)).message);
    });
  }

  const NESTED: readonly (readonly [what: string, around: (inner: Buffer) => Buffer])[] = [
    ["fields out of order", (inner) => Buffer.concat([field(27, inner), Buffer.from([0x08, 0x05])])],
    ["a singular field twice", (inner) => Buffer.concat([field(27, inner), field(27, Buffer.alloc(0))])],
    [
      "an entry that is no plain pair",
      (inner) => field(71, Buffer.concat([key("k"), mapValue(inner), key("k")])),
    ],
    [
      "a key twice around another",
      (inner) => Buffer.concat([entry("k", Buffer.alloc(0)), entry("j", inner), entry("k", Buffer.alloc(0))]),
    ],
  ];
  for (const [what, around] of NESTED) {
    test(`take no long time: at every level, ${what}`, () => {
      let wire: Buffer = Buffer.from(
        read(Buffer.from(`{"optionalString":"${"x".repeat(100_000)}"}`)).message,
      );
      for (let level = 0; level < 45; level++) wire = around(wire);
      const write = codecWith().jsonWriter(messageNamed(PROTO3));
      for (let round = 0; round < 2; round++) assert.ok(survives(() => write(wire)) !== undefined);
    });
  }
});

function field(number: number, content: Buffer): Buffer {
  return Buffer.concat([varint((number << 3) | 2), varint(content.length), content]);
}

/** An entry of `map_string_nested_message`, whose value holds a message of the outer type (`corecursive`). */
function entry(name: string, inner: Buffer): Buffer {
  return field(71, Buffer.concat([key(name), mapValue(inner)]));
}

function key(name: string): Buffer {
  return field(1, Buffer.from(name));
}

function mapValue(inner: Buffer): Buffer {
  return field(2, field(2, inner));
}

function nestedAny(levels: number): string {
  const type = '"@type":"type.googleapis.com/google.protobuf.Any"';
  const leaf = `{"optionalString":"${"x".repeat(10_000)}","@type":"type.googleapis.com/${PROTO3}"}`;
  return `{"optionalAny":${'{"value":'.repeat(levels)}${leaf}${`,${type}}`.repeat(levels)}}`;
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128);
  bytes.push(rest);
  return Buffer.from(bytes);
}

function outcome(run: () => Uint8Array): string {
  const bytes = survives(run);
  return bytes === undefined ? "refused" : Buffer.from(bytes).toString("hex");
}
