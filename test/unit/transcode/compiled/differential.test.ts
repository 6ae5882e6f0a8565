/**
 * The codec against two other libraries over random schemas and messages. Where they are known to differ, and so no such
 * values are generated (tables of the other tests hold them):
 * - -0: both show 0 and lose the sign, this codec keeps it;
 * - 2024-02-30, text behind a duration, duplicate keys: accepted by one or both, refused here;
 * - bare integers beyond 2^53: rounded by both, exact here;
 * - the largest single as text, 3.4028235e+38: refused by protobufjs, which compares before it rounds;
 * - Durations that merge into different signs of seconds and nanos: shown by none of them, but not as the same error.
 * Singles are shown as the double nearest to them by both (0.10000000149011612) and as the shortest single here (0.1);
 * they read back the same, which is what is compared.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonValue,
  type Message,
  type Registry,
  toBinary,
} from "@bufbuild/protobuf";
import fc from "fast-check";
import protobuf from "protobufjs";
import protojson from "protobufjs/ext/protojson.js";
import "protobufjs/ext/descriptor.js";
import { CompiledCodec } from "../../../../src/transcode/compiled/index.ts";
import { OPTIONS } from "./codec-fixture.ts";
import { jsonOf, randomSchema } from "./random-schema.ts";

protojson.install();

const RUNS = { numRuns: 150 };

const schemaAndJson = randomSchema.chain((schema) =>
  fc.tuple(
    fc.constant(schema),
    jsonOf(schema.desc, 3).map(withoutNegativeZero),
    jsonOf(schema.desc, 2).map(withoutNegativeZero),
  ),
);

describe("against @bufbuild/protobuf", () => {
  test("reads any message alike", () => {
    fc.assert(
      fc.property(schemaAndJson, ([{ registry, desc }, json]) => {
        const codec = new CompiledCodec(registry, OPTIONS);
        const { message } = codec.jsonReader(desc)(Buffer.from(JSON.stringify(json)));
        assert.deepEqual(decode(desc, message), decode(desc, fromOracle(desc, json, registry)));
      }),
      RUNS,
    );
  });

  test("writes any message alike", () => {
    fc.assert(
      fc.property(schemaAndJson, fc.boolean(), ([{ registry, desc }, json], emitDefaults) => {
        const codec = new CompiledCodec(registry, { ...OPTIONS, emitDefaults });
        const wire = fromOracle(desc, json, registry);
        const text = Buffer.from(codec.jsonWriter(desc)(wire)).toString("utf8");
        assert.deepEqual(decode(desc, fromOracle(desc, parseJson(text), registry)), decode(desc, wire), text);
      }),
      RUNS,
    );
  });

  test("merges messages joined on the wire alike", () => {
    fc.assert(
      fc.property(schemaAndJson, ([{ registry, desc }, first, second]) => {
        const codec = new CompiledCodec(registry, OPTIONS);
        const joined = Buffer.concat([fromOracle(desc, first, registry), fromOracle(desc, second, registry)]);
        const text = Buffer.from(codec.jsonWriter(desc)(joined)).toString("utf8");
        assert.deepEqual(
          decode(desc, fromOracle(desc, parseJson(text), registry)),
          decode(desc, joined),
          text,
        );
        // What the codec has learnt of the type's order changes nothing, for such messages and for others.
        const fresh = new CompiledCodec(registry, OPTIONS);
        for (const wire of [joined, fromOracle(desc, first, registry)]) {
          const learnt = Buffer.from(codec.jsonWriter(desc)(wire)).toString("utf8");
          assert.equal(learnt, Buffer.from(fresh.jsonWriter(desc)(wire)).toString("utf8"));
        }
      }),
      RUNS,
    );
  });

  test("reads back what it has written, to the byte", () => {
    fc.assert(
      fc.property(schemaAndJson, ([{ registry, desc }, json]) => {
        const codec = new CompiledCodec(registry, OPTIONS);
        const written = codec.jsonWriter(desc)(fromOracle(desc, json, registry));
        const { message } = codec.jsonReader(desc)(written);
        assert.deepEqual(Buffer.from(codec.jsonWriter(desc)(message)), Buffer.from(written));
      }),
      RUNS,
    );
  });
});

describe("against protobufjs", () => {
  test("is read by it, and reads it, alike", () => {
    fc.assert(
      fc.property(schemaAndJson, ([{ registry, desc, setBytes }, json]) => {
        const codec = new CompiledCodec(registry, OPTIONS);
        const wire = fromOracle(desc, json, registry);
        // The descriptor extension adds this function without types for it.
        const rootType = protobuf.Root as unknown as { fromDescriptor(set: Uint8Array): protobuf.Root };
        const type = rootType.fromDescriptor(setBytes).resolveAll().lookupType("r.M0");
        const text = Buffer.from(codec.jsonWriter(desc)(wire)).toString("utf8");
        const theirs = type.encode(type.fromJsonString(text)).finish();
        assert.deepEqual(decode(desc, theirs), decode(desc, wire), text);
        const { message } = codec.jsonReader(desc)(Buffer.from(type.toJsonString(type.decode(wire))));
        assert.deepEqual(decode(desc, message), decode(desc, wire));
      }),
      RUNS,
    );
  });
});

function withoutNegativeZero(json: JsonValue): JsonValue {
  return parseJson(JSON.stringify(json));
}

/** The message as @bufbuild/protobuf holds it: the order of a map's entries does not count. */
function decode(desc: DescMessage, wire: Uint8Array): Message {
  return fromBinary(desc, wire, { readUnknownFields: false });
}

function fromOracle(desc: DescMessage, json: JsonValue, registry: Registry): Buffer {
  return Buffer.from(toBinary(desc, fromJson(desc, json, { registry })));
}

function parseJson(text: string): JsonValue {
  // What JSON.parse returns is a JSON value; its type says `any`.
  return JSON.parse(text) as JsonValue;
}
