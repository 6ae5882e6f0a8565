import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { readDescriptorSet } from "../../../src/schema/index.ts";
import { writeDescriptorSet } from "../../../src/schema/write-descriptor-set.ts";
import { buildSchema } from "../../support/in-one-go.ts";

for (const length of [0, 1, 127, 128, 16_383, 16_384, 2_097_152]) {
  test(`a file of ${length} bytes has its length before it`, () => {
    const set = writeDescriptorSet([new Uint8Array(length).fill(1)]);
    // Field 1 of a message whose only field is read back as raw bytes: tag, varint, bytes.
    const prefix = set.subarray(1, set.length - length);
    let read = 0;
    for (const [i, byte] of prefix.entries()) read += (byte & 0x7f) * 2 ** (7 * i);
    assert.equal(set[0], 0x0a);
    assert.equal(read, length);
    assert.ok(prefix.every((byte, i) => byte >= 0x80 === i < prefix.length - 1));
  });
}

test("a set of no files is no bytes", () => assert.equal(writeDescriptorSet([]).length, 0));

describe("a schema written as a set and built again", () => {
  const paths = [
    "descriptors/library.binpb",
    "test/fixtures/echo/echo.binpb",
    "test/fixtures/protos/shop_image.binpb",
    "test/fixtures/protos/editions.binpb",
    "test/fixtures/protos/legacy.binpb",
  ];
  for (const path of paths) {
    test(`is the same schema: ${path}`, () => {
      const { schema } = buildSchema([{ origin: path, files: readDescriptorSet(readFileSync(path)) }]);
      assert.ok(schema !== undefined);
      const set = schema.toDescriptorSet();
      const again = buildSchema([{ origin: "again", files: readDescriptorSet(set) }]);
      assert.deepEqual(again.problems, []);
      assert.equal(again.schema?.digest, schema.digest);
      const methods = schema.services.flatMap((service) => service.methods.map(({ rpcPath }) => rpcPath));
      assert.ok(methods.length > 0);
      assert.deepEqual(
        again.schema?.services.flatMap((service) => service.methods.map(({ rpcPath }) => rpcPath)),
        methods,
      );
      assert.ok(fromBinary(FileDescriptorSetSchema, set).file.length > 0);
    });
  }
});
