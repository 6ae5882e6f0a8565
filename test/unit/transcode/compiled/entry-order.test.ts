import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fromJson, type JsonObject, toBinary } from "@bufbuild/protobuf";
import { StructSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { codecWith, messageNamed, PROTO3 } from "./codec-fixture.ts";

/** The keys of a JSON object's member, in the order of the text. */
function keysOf(json: string, member: string): readonly string[] {
  const from = json.indexOf(`"${member}":{`);
  return [...json.slice(from).matchAll(/"([^"]*)":(?!\{)/g)].map((match) => match[1] ?? "");
}

/** JavaScript's own objects cannot have this one as an ordinary key. */
const KEY = fc.string({ maxLength: 60 }).filter((key) => key !== "__proto__");

/** One map entry of int32 to int32 on the wire, for field 56. */
function entry(key: number, value: number): Buffer {
  const negative = (n: number): number[] => (n >= 0 ? varint(n) : [...tenBytes(n)]);
  const content = [0x08, ...negative(key), 0x10, ...varint(value)];
  return Buffer.from([...varint((56 << 3) | 2), ...varint(content.length), ...content]);
}

/** A length-delimited field. */
function field(number: number, content: string | Buffer | readonly Buffer[]): Buffer {
  const bytes =
    typeof content === "string" || Buffer.isBuffer(content) ? Buffer.from(content) : Buffer.concat(content);
  return Buffer.concat([Buffer.from([...varint((number << 3) | 2), ...varint(bytes.length)]), bytes]);
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)];
}

function* tenBytes(n: number): Iterable<number> {
  let rest = BigInt.asUintN(64, BigInt(n));
  for (; rest > 127n; rest >>= 7n) yield Number(rest & 127n) | 128;
  yield Number(rest);
}

describe("entries of a map go out by key, whatever their order on the wire", () => {
  for (const count of [2, 3, 24, 25, 300]) {
    test(`${count} integers, negative ones first`, () => {
      const ascending = Array.from({ length: count }, (_, i) => (i - 3) * 7);
      const shuffled = fc.sample(fc.shuffledSubarray(ascending, { minLength: count }), {
        numRuns: 3,
        seed: 1,
      });
      for (const keys of shuffled) {
        const wire = Buffer.concat(keys.map((key, i) => entry(key, i)));
        const json = Buffer.from(codecWith().jsonWriter(messageNamed(PROTO3))(wire)).toString();
        assert.deepEqual(keysOf(json, "mapInt32Int32").slice(0, count), ascending.map(String));
      }
    });
  }

  test("a key that comes twice among unordered ones counts once, with its last value", () => {
    const wire = Buffer.concat([entry(9, 1), entry(1, 2), entry(9, 3), entry(1, 4)]);
    const json = Buffer.from(codecWith({ emitDefaults: false }).jsonWriter(messageNamed(PROTO3))(wire));
    assert.equal(json.toString(), '{"mapInt32Int32":{"1":4,"9":3}}');
  });

  test("an Any that fails within a map of its own leaves those around it alone", () => {
    const url = "type.googleapis.com/google.protobuf.Struct";
    // A Struct of two members, of which the second has no JSON form: NaN.
    const nan = Buffer.from("11000000000000f87f", "hex");
    const struct = Buffer.concat([
      field(1, [field(1, "member"), field(2, Buffer.from("2001", "hex"))]),
      field(1, [field(1, "other"), field(2, nan)]),
    ]);
    const any = field(305, [field(1, url), field(2, struct)]);
    const wire = ["c", "a", "b"].map((key) => field(71, [field(1, key), field(2, field(2, any))]));
    const json = Buffer.from(codecWith().jsonWriter(messageNamed(PROTO3))(Buffer.concat(wire))).toString();
    const value = { corecursive: { optionalAny: { "@type": url, value: struct.toString("base64") } } };
    assert.equal(json, JSON.stringify({ mapStringNestedMessage: { a: value, b: value, c: value } }));
  });

  test("equal Structs give equal bytes, maps within maps included", () => {
    const writer = codecWith().jsonWriter(messageNamed("google.protobuf.Struct"));
    const tree = fc.letrec<{ node: JsonObject; leaf: number }>((tie) => ({
      leaf: fc.integer(),
      node: fc.dictionary(KEY, fc.oneof({ maxDepth: 3 }, tie("leaf"), tie("node"))),
    })).node;
    fc.assert(
      fc.property(tree, (value) => {
        const wires = [value, reversed(value)].map((each) =>
          toBinary(StructSchema, fromJson(StructSchema, each)),
        );
        const [one, other] = wires.map((wire) => Buffer.from(writer(wire)).toString());
        assert.equal(one, other);
        assert.deepEqual(JSON.parse(one ?? ""), JSON.parse(JSON.stringify(value)));
      }),
      { numRuns: 200 },
    );
  });
});

function reversed(value: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, member]) => [key, isObject(member) ? reversed(member) : member]),
  );
}

function isObject(value: JsonObject[string] | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
