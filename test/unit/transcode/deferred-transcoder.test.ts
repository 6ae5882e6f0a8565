import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { createRegistry } from "@bufbuild/protobuf";
import { StringValueSchema } from "@bufbuild/protobuf/wkt";
import { readDescriptorSet } from "../../../src/schema/index.ts";
import {
  type BindingSpec,
  checkBinding,
  createReflectiveFactory,
  deferTranscoder,
  type TranscoderFactory,
} from "../../../src/transcode/index.ts";
import { OPTIONS, specOf } from "../../contract/transcoder/codec.ts";
import { buildSchema } from "../../support/in-one-go.ts";

describe("a deferred transcoder", () => {
  const registry = createRegistry();
  const spec = specOf({ input: StringValueSchema, body: "*" });

  test("is compiled when it is first used, once", () => {
    const real = createReflectiveFactory();
    let compiled = 0;
    const factory: TranscoderFactory = {
      name: "counting",
      compile: (...args) => {
        compiled++;
        return real.compile(...args);
      },
    };
    const transcoder = deferTranscoder(factory, spec, OPTIONS, registry);
    assert.equal(compiled, 0);
    assert.equal(transcoder.repliesWithHttpBody, false);
    const body = Buffer.from('"a"');
    const { message } = transcoder.assemble({
      captures: [],
      query: "",
      contentType: "application/json",
      body,
    });
    assert.equal(Buffer.from(transcoder.render(message, false) as string).toString(), '"a"');
    assert.equal(compiled, 1);
  });

  test("of a binding that was not checked says what is wrong with it", () => {
    const wrong = deferTranscoder(createReflectiveFactory(), { ...spec, body: "none" }, OPTIONS, registry);
    assert.throws(() => wrong.repliesWithHttpBody, /demo\.Service\.Method: .* no field "none"/);
  });
});

describe("a binding is refused at start for what compiling it would refuse", () => {
  const rules: readonly Pick<BindingSpec, "variables" | "body" | "responseBody">[] = [
    "",
    "name",
    "book",
    "book.name",
    "shelf.theme",
    "book.authors",
    "no_such",
    "book.no_such",
    "filter.x",
    "update_mask",
    "body.data",
    "http_body",
    "items",
    "labels",
  ].flatMap((name) => [
    { variables: name === "" ? [] : [name], body: "*", responseBody: "" },
    { variables: name === "" ? [] : [name, name], body: name, responseBody: "" },
    { variables: [], body: name, responseBody: name },
  ]);

  for (const path of [
    "descriptors/library.binpb",
    "test/fixtures/echo/echo.binpb",
    "test/fixtures/protos/shop.binpb",
  ]) {
    test(path, () => {
      const { schema } = buildSchema([{ origin: path, files: readDescriptorSet(readFileSync(path)) }]);
      assert.ok(schema !== undefined);
      const factory = createReflectiveFactory();
      let [refused, taken] = [0, 0];
      for (const method of schema.services.flatMap(({ methods }) => methods)) {
        for (const rule of rules) {
          const spec: BindingSpec = { method, httpMethod: "POST", ...rule };
          const compiled = factory.compile(spec, OPTIONS, schema.registry, "here");
          const problems = "problems" in compiled ? compiled.problems : [];
          assert.deepEqual(checkBinding(spec, "here"), problems);
          if (problems.length > 0) refused++;
          else taken++;
        }
      }
      assert.ok(refused > 0 && taken > 0);
    });
  }
});
