import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { fromBinary, toBinary, toJsonString } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import type { SchemaFiles } from "../../../src/schema/index.ts";
import { DescriptorFileSource } from "../../../src/schema/sources/descriptor-file/index.ts";
import { buildSchema } from "../../support/in-one-go.ts";

const FIXTURES = "test/fixtures/protos";
const SHOP = readFileSync(`${FIXTURES}/shop.binpb`);
const never = new AbortController().signal;

function load(path: string, limitBytes?: number): Promise<SchemaFiles> {
  return new DescriptorFileSource(path, "shown.binpb", limitBytes).load(never);
}

describe("a descriptor file", () => {
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "sluice-"));
  });

  after(() => rmSync(folder, { recursive: true }));

  for (const name of ["shop.binpb", "shop_image.binpb"]) {
    test(`${name} is read whole`, async () => {
      const { files, problems } = await load(`${FIXTURES}/${name}`);
      assert.deepEqual(problems, []);
      assert.deepEqual(
        files.map(({ outline }) => outline.name).filter((file) => file.startsWith("shop/")),
        ["shop/types/money.proto", "shop/shop.proto"],
      );
      const { schema } = buildSchema([{ origin: name, files }]);
      assert.deepEqual(
        schema?.services.map(({ fullName }) => fullName),
        ["shop.Orders"],
      );
    });
  }

  test("is named as it was written, or by its path", () => {
    assert.equal(new DescriptorFileSource("/a/b.binpb", "b.binpb").name, "b.binpb");
    assert.equal(new DescriptorFileSource("/a/b.binpb").name, "/a/b.binpb");
  });

  const shop = fromBinary(FileDescriptorSetSchema, SHOP);
  const [firstFile] = shop.file;
  assert.ok(firstFile !== undefined);

  const wrong: Readonly<Record<string, readonly [content: string | Uint8Array, what: RegExp, hint: RegExp]>> =
    {
      "an empty file": ["", /empty/, /--include_imports/],
      JSON: [`\uFEFF  ${toJsonString(FileDescriptorSetSchema, shop)}`, /holds JSON/, /buf build/],
      "a .proto": [readFileSync(`${FIXTURES}/shop/shop.proto`), /\.proto source/, /--descriptor_set_out/],
      "a .proto that begins with a comment": [
        "\n// Copyright\nsyntax = 'proto3';",
        /\.proto source/,
        /protoc/,
      ],
      "a .proto that begins with blank lines": ["\n\n\nsyntax = 'proto3';", /\.proto source/, /protoc/],
      "the text form": ['file {\n  name: "x.proto"\n}\n', /text form/, /binary form/],
      gzip: [gzipSync(SHOP), /gzip/, /gunzip/],
      "a single FileDescriptorProto": [
        toBinary(FileDescriptorProtoSchema, firstFile),
        /not a binary FileDescriptorSet/,
        /was it compiled with protoc --descriptor_set_out --include_imports\?/,
      ],
      "a set that was cut off": [SHOP.subarray(0, 5000), /not a binary FileDescriptorSet/, /protoc/],
      "an ELF binary": [Buffer.from("\x7fELF\x02\x01\x01\0\0\0", "latin1"), /not a binary/, /protoc/],
      "bytes that decode as unknown fields": [Buffer.from([0x10, 1, 0x18, 2]), /not a binary/, /protoc/],
    };
  for (const [name, [content, what, hint]] of Object.entries(wrong)) {
    test(`${name} is a problem that names the file and what to do`, async () => {
      const path = join(folder, "wrong");
      writeFileSync(path, content);
      const { files, problems } = await load(path);
      assert.deepEqual(files, []);
      assert.equal(problems.length, 1);
      assert.equal(problems[0]?.where, "shown.binpb");
      assert.match(problems[0]?.what ?? "", what);
      assert.match(problems[0]?.hint ?? "", hint);
    });
  }

  test("that does not exist is a problem that says where it was looked for", async () => {
    const { problems } = await load(join(folder, "absent"));
    assert.match(problems[0]?.what ?? "", /does not exist/);
    assert.ok(problems[0]?.hint.includes(join(folder, "absent")));
  });

  test("that is a device is a problem", async () => {
    assert.match((await load("/dev/zero")).problems[0]?.what ?? "", /not a regular file/);
  });

  test("over the limit is refused", async () => {
    const { files, problems } = await load(`${FIXTURES}/shop.binpb`, 100);
    assert.deepEqual(files, []);
    assert.match(problems[0]?.what ?? "", /more than the limit of 100/);
  });

  test("has a fingerprint that changes with its content", async () => {
    const path = join(folder, "marked.binpb");
    const source = new DescriptorFileSource(path);
    const absent = await source.fingerprint(never);
    writeFileSync(path, SHOP);
    const first = await source.fingerprint(never);
    assert.notEqual(first, absent);
    writeFileSync(path, SHOP);
    assert.equal(await source.fingerprint(never), first, "written again");
    writeFileSync(path, SHOP.subarray(1));
    assert.notEqual(await source.fingerprint(never), first);
  });

  test("is read afresh every time", async () => {
    const path = join(folder, "changing.binpb");
    const source = new DescriptorFileSource(path);
    assert.equal((await source.load(never)).files.length, 0);
    writeFileSync(path, SHOP);
    assert.notEqual((await source.load(never)).files.length, 0);
  });

  test("an abort is no problem of the file", async () => {
    const reason = new Error("enough");
    await assert.rejects(
      new DescriptorFileSource(`${FIXTURES}/shop.binpb`).load(AbortSignal.abort(reason)),
      reason,
    );
  });
});
