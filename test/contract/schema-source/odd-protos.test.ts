/** What few .proto files have, and compilers take: the expected descriptors are those that buf 1.75 makes. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fromBinary, getExtension, hasExtension, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type FieldDescriptorProtoSchema,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";
import { http } from "../../../src/gen/google/api/annotations_pb.ts";
import type { SchemaFiles } from "../../../src/schema/index.ts";
import { ProtoFilesSource } from "../../../src/schema/sources/proto-files/index.ts";
import { parseFile } from "../../../src/schema/sources/proto-files/parse-file.ts";
import { ProtoFault } from "../../../src/schema/sources/proto-files/proto-fault.ts";
import { formatProblem } from "../../../src/status/index.ts";

const PROTO3 = 'syntax = "proto3";\n';
const OPTIONS = 'import "google/protobuf/descriptor.proto";\n';

/** Compiles files, given by name. */
async function load(texts: Readonly<Record<string, string | Uint8Array>>): Promise<SchemaFiles> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-"));
  try {
    for (const [name, text] of Object.entries(texts)) writeFileSync(join(folder, name), text);
    const source = new ProtoFilesSource({ paths: [{ path: folder, shown: "" }], importPaths: [] });
    return await source.load(new AbortController().signal);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The descriptor of the one file `text`, or of the last of several. */
async function compile(texts: string | Readonly<Record<string, string>>): Promise<FileDescriptorProto> {
  const { files, problems } = await load(typeof texts === "string" ? { "f.proto": texts } : texts);
  assert.deepEqual(problems, []);
  const last = files.at(-1);
  assert.ok(last !== undefined);
  return fromBinary(FileDescriptorProtoSchema, last.bytes);
}

type FieldPart = keyof MessageInitShape<typeof FieldDescriptorProtoSchema> & ("typeName" | "jsonName");

function fieldsOf(file: FileDescriptorProto, part: FieldPart): readonly (readonly [string, string])[] {
  return file.messageType.flatMap(({ field }) => field.map((each) => [each.name, each[part]] as const));
}

describe("compilers take, and so does the gateway,", () => {
  test("a package that comes after declarations, for all of them", async () => {
    const file = await compile(
      `${PROTO3}message A {}\npackage p;\nmessage B { A a = 1; .p.A b = 2; p.B c = 3; }`,
    );
    assert.equal(file.package, "p");
    assert.deepEqual(fieldsOf(file, "typeName"), [
      ["a", ".p.A"],
      ["b", ".p.A"],
      ["c", ".p.B"],
    ]);
  });

  test("a package after the extensions that the file uses", async () => {
    const extend = "extend google.protobuf.FieldOptions { optional int32 x = 50001; }";
    const file = await compile(
      `${OPTIONS}${extend} package p; message B { optional int32 a = 1 [(x) = 3]; optional int32 b = 2 [(p.x) = 4]; }`,
    );
    const unknown = file.messageType[0]?.field.map(({ options }) => options?.$unknown?.[0]?.no);
    assert.deepEqual(unknown, [50001, 50001]);
  });

  test("a type whose name an extension or a service has farther in", async () => {
    const file = await compile({
      "a.proto": "package a; message Foo {}",
      "b.proto":
        'package a.b; import "a.proto"; service Foo {}\n' +
        "message M { optional Foo f = 1; extensions 100 to max; }\n" +
        "message N { extend M { optional int32 Foo = 100; } optional Foo g = 1; }",
    });
    assert.deepEqual(fieldsOf(file, "typeName"), [
      ["f", ".a.Foo"],
      ["g", ".a.Foo"],
    ]);
  });

  for (const language of ["cpp", "go", "java"]) {
    const features = {
      cpp: "string_type = VIEW",
      go: "api_level = API_OPAQUE",
      java: "utf8_validation = VERIFY",
    };
    test(`features of ${language}, whose file comes with the gateway`, async () => {
      const feature = Object.entries(features).find(([name]) => name === language)?.[1];
      const file = await compile(
        `edition = "2023";\nimport "google/protobuf/${language}_features.proto";\noption features.(pb.${language}).${feature};\nmessage M {}`,
      );
      assert.equal(file.options?.features?.$unknown?.length, 1);
    });
  }

  test("features of a map, which are those of its keys and values", async () => {
    const file = await compile(
      'edition = "2023";\nmessage M { map<string, string> m = 1 [features.utf8_validation = NONE, deprecated = true]; }',
    );
    const entry = file.messageType[0]?.nestedType[0]?.field ?? [];
    assert.deepEqual(
      entry.map(({ options }) => [options?.features?.utf8Validation, options?.deprecated]),
      [
        [3, false],
        [3, false],
      ],
    );
  });

  test("an optional field that begins with an underscore", async () => {
    const file = await compile(`${PROTO3}message M { optional int32 _z = 1; optional int32 z = 2; }`);
    const names = file.messageType[0]?.oneofDecl.map(({ name }) => name);
    assert.deepEqual(names, ["X_z", "XX_z"]);
  });

  test("names that are one in JSON, where the message says that they were before proto3 forbade it", async () => {
    const file = await compile(
      `${PROTO3}message M { option deprecated_legacy_json_field_conflicts = true; int32 foo_bar = 1; int32 fooBar = 2; }`,
    );
    assert.deepEqual(fieldsOf(file, "jsonName"), [
      ["foo_bar", "fooBar"],
      ["fooBar", "fooBar"],
    ]);
  });

  test("a rule in several statements, each of which sets a part of it", async () => {
    const file = await compile(
      `${PROTO3}import "google/api/annotations.proto"; message M {} service S { rpc R(M) returns (M) {` +
        'option (google.api.http).custom.kind = "X"; option (google.api.http).custom.path = "/x"; option (google.api.http).body = "*"; } }',
    );
    const options = file.service[0]?.method[0]?.options;
    assert.ok(options !== undefined && hasExtension(options, http));
    assert.deepEqual(getExtension(options, http).body, "*");
    const { pattern } = getExtension(options, http);
    assert.ok(pattern.case === "custom");
    assert.deepEqual([pattern.value.kind, pattern.value.path], ["X", "/x"]);
  });

  test("strings of any length, with millions of escapes", () => {
    const parse = (value: string): string | undefined =>
      parseFile("f.proto", `${PROTO3}option java_package = ${value};`)
        .owners.flatMap(({ statements }) => statements)
        .map(({ value: each }) => (each.kind === "string" ? each.bytes.toString("utf8") : ""))[0];
    const many = 2_000_000;
    assert.equal(parse(`"${"\\x41".repeat(many)}"`)?.length, many);
    assert.equal(parse(`'é\\u00e9"\\'\\U0001F600\\101\\a' "\\\\"`), "éé\"'\u{1f600}A\x07\\");
  });
});

/** The text of f.proto, and its first problem. */
const faults: Readonly<Record<string, readonly [text: string | Uint8Array, problem: RegExp]>> = {
  "a name of an option that never ends": [
    `${OPTIONS}message R { optional R r = 1; }\nextend google.protobuf.FileOptions { optional R x = 50001; }\noption (x)${".r".repeat(50_000)} = 1;`,
    /f\.proto:4:\d+: the name of an option has more than 64 parts/,
  ],
  "a long string that does not end": [
    `${PROTO3}option java_package = "${"\\x41".repeat(2_000_000)}`,
    /f\.proto:2:23: the string does not end on its line/,
  ],
  "an escaped line end in a string": [
    `${PROTO3}option java_package = "a\\\n";`,
    /f\.proto:2:23: the string does not end on its line/,
  ],
  "a byte that is not UTF-8": [
    Buffer.concat([Buffer.from(`${PROTO3}// é\nmessage M {} // é`), Buffer.of(0xff)]),
    /f\.proto:3:18: the file is not UTF-8 text/,
  ],
  "a package without end": [`package a${".a".repeat(200_000)};`, /f\.proto:1:\d+: the name is longer/],
  "a long package": [`package a${".a".repeat(600)};`, /f\.proto:1:1: the name of the package is longer/],
  "a long name": [`message ${"M".repeat(513)} {}`, /f\.proto:1:9: the name is longer than 512 characters/],
  "a long full name": [
    `message ${"M".repeat(500)} {`.repeat(5) + "}".repeat(5),
    /f\.proto:1:\d+: its full name is longer than 2048 characters/,
  ],
  "a number of an enum twice": [
    "enum E {\n  A = 0;\n  B = 0;\n}",
    /f\.proto:3:3: value B: number 0 is taken by A .*allow_alias/,
  ],
  "a reserved number of an enum": [
    "enum E {\n  A = 0;\n  B = -5;\n  reserved -9 to -5;\n}",
    /f\.proto:3:3: value B: number -5 is reserved/,
  ],
  "a reserved name of an enum": [
    'enum E {\n  A = 0;\n  reserved "A";\n}',
    /f\.proto:2:3: value A: its name is reserved/,
  ],
  "a default in proto3": [
    `${PROTO3}message M { int32 a = 1 [default = 3]; }`,
    /f\.proto:2:36: field a: proto3 has no defaults/,
  ],
  "a default of a list": [
    "message M { repeated int32 a = 1 [default = 3]; }",
    /f\.proto:1:45: field a: lists and maps have no default/,
  ],
  "two fields of one name in JSON": [
    `${PROTO3}message O { message M { int32 foo_bar = 1; int32 fooBar = 2; } }`,
    /f\.proto:2:21: message O\.M: fields foo_bar and fooBar both are "fooBar" in JSON/,
  ],
  "a name in JSON that is another's": [
    `${PROTO3}package p;\nmessage M { int32 a = 1 [json_name = "b"]; int32 b = 2; }`,
    /f\.proto:3:9: message p\.M: fields a and b both are "b" in JSON/,
  ],
  "two patterns of a rule, in two statements": [
    `${PROTO3}import "google/api/annotations.proto";\nmessage M {}\nservice S { rpc R(M) returns (M) {\noption (google.api.http).get = "/a";\noption (google.api.http).custom.kind = "B";\noption (google.api.http).custom.path = "/b"; } }`,
    /f\.proto:6:26: option \(google\.api\.http\)\.custom\.kind: get of oneof pattern is set already/,
  ],
  "two packages": [`${PROTO3}package a;\npackage b;`, /f\.proto:3:1: the file has a package already/],
};

describe("what is wrong with a .proto is told with its place:", () => {
  for (const [name, [text, problem]] of Object.entries(faults)) {
    test(name, async () => {
      const { files, problems } = await load({ "f.proto": text });
      assert.deepEqual(files, []);
      const [first] = problems;
      assert.ok(first !== undefined);
      assert.match(formatProblem(first), problem);
    });
  }
});

test("of many files with problems, those are told first that the others come from", async () => {
  const count = 120;
  const texts = Array.from({ length: count }, (_, i): [string, string] => [
    `f${i}.proto`,
    `${PROTO3}import "f${(i + 1) % count}.proto";`,
  ]);
  const { files, problems } = await load(Object.fromEntries(texts));
  assert.deepEqual(files, []);
  assert.match(problems[0]?.what ?? "", /which imports this file in a circle/);
});

test("tens of thousands of fields and reserved numbers are not compared one with each other", {
  timeout: 5000,
}, () => {
  const count = 40_000;
  const list = (one: (i: number) => string): string =>
    Array.from({ length: count }, (_, i) => one(i)).join("");
  const message = `message M { ${list((i) => `int32 f${i} = ${i + 20_000};`)} reserved ${list((i) => `${100_000 + 2 * i},`)} 7; }`;
  const declared = `enum E { ${list((i) => `V${i} = ${i};`)} reserved ${list((i) => `${100_000 + 2 * i},`)} -7; }`;
  const { proto } = parseFile("f.proto", `${PROTO3}${message}\n${declared}`);
  assert.equal(proto.messageType[0]?.reservedRange.length, count + 1);
  assert.equal(proto.enumType[0]?.value.length, count);
});

test("a fault of the text is the only thing that the parser throws", () => {
  assert.throws(() => parseFile("f.proto", `option a${".a".repeat(100_000)} = 1;`), ProtoFault);
});
