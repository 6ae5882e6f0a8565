/** Agreement with @bufbuild/protobuf's own JSON, on the messages where both follow the specification. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type DescMessage,
  fromBinary,
  fromJson,
  fromJsonString,
  type JsonValue,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import fc from "fast-check";
import { StatusError } from "../../../src/status/index.ts";
import { renderMessage } from "../../../src/transcode/index.ts";
import { assemble, OPTIONS, type Subject } from "./codec.ts";
import { All, Known, registry } from "./types.ts";

/** The cases, as tests of one codec. */
export function propertiesCases(subject: Subject): void {
  const { compile } = subject;

  const text = fc.string({ unit: "binary" });
  const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
  const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String);
  const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String);
  const double = fc.double({ noNaN: true, noDefaultInfinity: true });
  const float = fc.float({ noNaN: true, noDefaultInfinity: true });
  const base64 = fc.uint8Array().map((bytes) => Buffer.from(bytes).toString("base64"));
  const inner = fc.record({ name: text, count: int32 }, { requiredKeys: [] });
  const seconds = fc.integer({ min: -62135596800, max: 253402300799 });
  const timestamp = seconds.map((value) => new Date(value * 1000).toISOString().replace(".000Z", "Z"));

  const all: fc.Arbitrary<JsonValue> = fc
    .record(
      {
        doubleValue: double,
        floatValue: float,
        int32Value: int32,
        int64Value: int64,
        uint32Value: fc.nat(2 ** 31 - 1),
        uint64Value: uint64,
        boolValue: fc.boolean(),
        stringValue: text,
        bytesValue: base64,
        enumValue: fc.constantFrom("NONE", "ONE", "TWO"),
        inner,
        optionalString: text,
        textList: fc.array(text),
        int64List: fc.array(int64),
        innerList: fc.array(inner),
        stringMap: fc.dictionary(text, text, { noNullPrototype: true }),
        uint64Map: fc.dictionary(uint64, double, { noNullPrototype: true }),
        innerMap: fc.dictionary(text, inner, { noNullPrototype: true }),
        oneInner: inner,
      },
      { requiredKeys: [] },
    )
    .map(asJson);

  const known: fc.Arbitrary<JsonValue> = fc
    .record(
      {
        timestamp,
        duration: fc.bigInt({ min: -315576000000n, max: 315576000000n }).map((value) => `${value}s`),
        struct: fc.dictionary(text, fc.jsonValue({ noUnicodeString: false }), { noNullPrototype: true }),
        value: fc.jsonValue(),
        list: fc.array(fc.jsonValue()),
        int64,
        text,
        bytes: base64,
        any: inner.map((content) => ({ "@type": "type.googleapis.com/demo.Inner", ...content })),
      },
      { requiredKeys: [] },
    )
    .map(asJson);

  /** Through text, which drops what JSON does not have, -0 apart, and makes `__proto__` a plain key. */
  function asJson(value: unknown): JsonValue {
    return JSON.parse(JSON.stringify(value));
  }

  function readOurs(desc: DescMessage, json: JsonValue): Uint8Array {
    return assemble(compile({ input: desc, body: "*" }, {}, registry), { body: JSON.stringify(json) })
      .message;
  }

  describe("ProtoJSON, against the library's", () => {
    for (const [desc, arbitrary] of [
      [All, all],
      [Known, known],
    ] as const) {
      it(`reads ${desc.typeName} to the same message`, () => {
        fc.assert(
          fc.property(arbitrary, (json) => {
            const ours = fromBinary(desc, readOurs(desc, json));
            assert.deepEqual(
              toJson(desc, ours, { registry }),
              toJson(desc, fromJson(desc, json, { registry }), { registry }),
            );
          }),
          { numRuns: 150 },
        );
      });

      it(`writes ${desc.typeName} as text that reads back to the same message`, () => {
        fc.assert(
          fc.property(arbitrary, (json) => {
            const message = fromJson(desc, json, { registry });
            const bytes = toBinary(desc, message);
            const written = renderMessage(
              desc,
              bytes,
              { ...OPTIONS, emitDefaults: true, pretty: true },
              registry,
            );
            const again = fromJsonString(desc, written, { registry });
            const [left, right] = [fromBinary(desc, toBinary(desc, again)), fromBinary(desc, bytes)];
            assert.deepEqual(toJson(desc, left, { registry }), toJson(desc, right, { registry }));
          }),
          { numRuns: 150 },
        );
      });
    }

    it("gives equal text for equal messages, whatever the order of the wire", () => {
      fc.assert(
        fc.property(all, (json) => {
          const reversed = JSON.parse(JSON.stringify(json), (_, value: unknown) =>
            value !== null && typeof value === "object" && !Array.isArray(value)
              ? Object.fromEntries(Object.entries(value).reverse())
              : value,
          );
          const texts = [json, reversed].map((value) =>
            renderMessage(All, readOurs(All, value), OPTIONS, registry),
          );
          assert.equal(texts[0], texts[1]);
        }),
      );
    });

    it("answers any JSON at all with a message or a refusal, never another error", () => {
      const transcoder = compile({ input: Known, body: "*" }, { unknownFields: "ignore" }, registry);
      const names = fc.constantFrom(
        "any",
        "timestamp",
        "mask",
        "struct",
        "value",
        "int64",
        "anyList",
        "timestampMap",
        "@type",
      );
      const deep = fc.letrec<{ node: unknown }>((tie) => ({
        node: fc.oneof(
          { depthSize: "small" },
          fc.jsonValue({ maxDepth: 1 }),
          fc.constantFrom("x/demo.Inner", "x/google.protobuf.Any", "1s"),
          fc.array(tie("node"), { maxLength: 3 }),
          fc.dictionary(names, tie("node"), { maxKeys: 4, noNullPrototype: true }),
        ),
      }));
      fc.assert(
        fc.property(fc.dictionary(names, deep.node, { noNullPrototype: true }), (json) => {
          try {
            assemble(transcoder, { body: JSON.stringify(json) });
          } catch (error) {
            assert.ok(error instanceof StatusError, String(error));
          }
        }),
        { numRuns: 500 },
      );
    });

    it("answers any bytes at all with JSON or a refusal, never another error", () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 60 }), fc.constantFrom(All, Known), (bytes, desc) => {
          try {
            JSON.parse(renderMessage(desc, bytes, { ...OPTIONS, emitDefaults: true }, registry));
          } catch (error) {
            assert.ok(error instanceof StatusError, String(error));
          }
        }),
        { numRuns: 2000 },
      );
    });
  });
}
