import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, test } from "node:test";
import { create, createFileRegistry, type DescMessage } from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FieldDescriptorProtoSchema,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import { CompiledCodec } from "../../../../src/transcode/compiled/index.ts";
import { OPTIONS, refusalOf } from "./codec-fixture.ts";

/** A proto3 message M of string fields with these JSON names, and `self`, a field of type M. */
function messageWith(jsonNames: readonly string[]): {
  readonly desc: DescMessage;
  readonly codec: CompiledCodec;
} {
  const field = jsonNames.map((jsonName, index) =>
    create(FieldDescriptorProtoSchema, {
      name: `f${index}`,
      jsonName,
      number: index + 2 < 19000 ? index + 2 : index + 2000,
      type: FieldDescriptorProto_Type.STRING,
      label: FieldDescriptorProto_Label.OPTIONAL,
    }),
  );
  field.push(
    create(FieldDescriptorProtoSchema, {
      name: "self",
      jsonName: "self",
      number: 1,
      type: FieldDescriptorProto_Type.MESSAGE,
      typeName: ".t.M",
      label: FieldDescriptorProto_Label.OPTIONAL,
    }),
  );
  const file = create(FileDescriptorProtoSchema, {
    name: "t.proto",
    package: "t",
    syntax: "proto3",
    messageType: [{ name: "M", field }],
  });
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: [file] }));
  const desc = registry.getMessage("t.M");
  assert.ok(desc !== undefined);
  return { desc, codec: new CompiledCodec(registry, OPTIONS) };
}

const NAMES: readonly string[] = [
  "__proto__",
  "constructor",
  "hasOwnProperty",
  'quote"quote',
  "back\\slash",
  "`$\u007bprocess.exit(1)}`",
  "*/ throw 1 //",
  "\u2028\u2029",
  "\u0000\n",
  "é😀",
  "[a.b]",
  "@type",
  "a".repeat(5000),
];

describe("a schema that nobody vouches for", () => {
  test("may name its fields as it likes", () => {
    const { desc, codec } = messageWith(NAMES);
    const json = JSON.stringify(Object.fromEntries(NAMES.map((name, index) => [name, `v${index}`])));
    // Object.fromEntries defines own properties, __proto__ included.
    const { message } = codec.jsonReader(desc)(Buffer.from(json));
    assert.equal(Buffer.from(codec.jsonWriter(desc)(message)).toString("utf8"), json);
  });

  test("may have 10,000 fields, in any order of keys", () => {
    const names = Array.from({ length: 10_000 }, (_unused, index) => `name${index}`);
    const { desc, codec } = messageWith(names);
    const json = `{${names.map((name) => `"${name}":"x"`).join()}}`;
    const reversed = `{${[...names]
      .reverse()
      .map((name) => `"${name}":"x"`)
      .join()}}`;
    const { message } = codec.jsonReader(desc)(Buffer.from(reversed));
    assert.equal(Buffer.from(codec.jsonWriter(desc)(message)).toString("utf8"), json);
    const twice = `{${names.map((name) => `"${name}":"x"`).join()},"name9999":"x"}`;
    assert.equal(
      refusalOf(() => codec.jsonReader(desc)(Buffer.from(twice))).violations[0]?.field,
      "/name9999",
    );
  });

  test("may be recursive, to the depth that the options allow and no further", () => {
    const { desc, codec } = messageWith([]);
    const nested = (levels: number): Buffer =>
      Buffer.from(`${'{"self":'.repeat(levels - 1)}{}${"}".repeat(levels - 1)}`);
    const { message } = codec.jsonReader(desc)(nested(100));
    assert.deepEqual(Buffer.from(codec.jsonWriter(desc)(message)), nested(100));
    for (const levels of [101, 100_000]) {
      const status = refusalOf(() => codec.jsonReader(desc)(nested(levels)));
      assert.ok(status.message.includes("nested deeper than 100 levels"), status.message);
    }
    let wire: Buffer = Buffer.alloc(0);
    for (let level = 0; level < 2000; level++) {
      const length = wire.length < 128 ? [wire.length] : [(wire.length & 127) | 128, wire.length >>> 7];
      wire = Buffer.concat([Buffer.from([0x0a, ...length]), wire]);
    }
    assert.ok(refusalOf(() => codec.jsonWriter(desc)(wire)).message.includes("nested deeper"));
  });

  test("cannot make unknown groups or unknown JSON overflow the stack", () => {
    const { desc, codec } = messageWith([]);
    const groups = Buffer.alloc(100_000, 0xf3);
    for (let at = 1; at < groups.length; at += 2) groups[at] = 0x01;
    assert.ok(refusalOf(() => codec.jsonWriter(desc)(groups)).message.includes("nested too deep"));
    const { file } = desc;
    const lenient = new CompiledCodec(
      createFileRegistry(file.proto, () => undefined),
      {
        ...OPTIONS,
        unknownFields: "ignore",
      },
    );
    const deep = Buffer.from(`{"x":${"[".repeat(100_000)}`);
    assert.ok(refusalOf(() => lenient.jsonReader(desc)(deep)).message.includes("nested deeper"));
  });

  test("is served as well where code must not be made from strings", () => {
    const child = spawnSync(
      process.execPath,
      [
        "--disallow-code-generation-from-strings",
        "--input-type=module",
        "--eval",
        `import { writeHex } from "./.cache/tests/test/unit/transcode/compiled/codec-fixture.js";
         console.log(writeHex("protobuf_test_messages.proto3.TestAllTypesProto3", "08 05"));`,
      ],
      { encoding: "utf8" },
    );
    assert.equal(child.stdout.trim(), '{"optionalInt32":5}', child.stderr);
  });
});
