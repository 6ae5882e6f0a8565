import assert from "node:assert/strict";
import { test } from "node:test";
import { type ConfigDocument, type ConfigResult, documentReader } from "../../../src/config/index.ts";

function configOf(document: ConfigDocument): Promise<ConfigResult> {
  return documentReader(() => document, {})();
}

const TEXT =
  "listeners: [{ address: :8080 }]\nupstreams: { a: { address: h:1, schema: { descriptors: [x.binpb] } } }\n";

test("a file's content is read without the file, places and paths as if it were there", async () => {
  const bytes = new TextEncoder().encode(TEXT);
  const { config, problems } = await configOf({ kind: "file", path: "/no/such/folder/c.yaml", bytes });
  assert.deepEqual(problems, []);
  assert.equal(config?.locate(["upstreams"]), "/no/such/folder/c.yaml:2:1");
  assert.equal(config?.upstreams[0]?.schema.descriptors[0]?.resolved, "/no/such/folder/x.binpb");
});

test("flags make the config that they made before", async () => {
  const flags = { upstream: "h:1", workers: "auto" };
  const { config } = await configOf({ kind: "flags", flags, directory: "/" });
  assert.equal(config?.workers, "auto");
  assert.equal(config?.upstreams[0]?.addresses[0]?.address, "h:1");
});

test("a number of workers that is none is told of the flag", async () => {
  const { problems } = await configOf({
    kind: "flags",
    flags: { upstream: "h:1", workers: "x" },
    directory: "/",
  });
  assert.deepEqual(
    problems.map(({ where, what }) => `${where}: ${what}`),
    ['--workers: "x" is not a number of processes'],
  );
});

test("content that is no config has its problems", async () => {
  const { config, problems } = await configOf({
    kind: "file",
    path: "c.yaml",
    bytes: new Uint8Array([0xff]),
  });
  assert.equal(config, undefined);
  assert.deepEqual(
    problems.map(({ what }) => what),
    ["the file is not UTF-8"],
  );
});

test("a later content is read in its place", async () => {
  const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
  let document: ConfigDocument = { kind: "file", path: "c.yaml", bytes: bytesOf(TEXT) };
  const read = documentReader(() => document, {});
  assert.equal((await read()).config?.strict, false);
  document = { kind: "file", path: "c.yaml", bytes: bytesOf(`${TEXT}strict: true\n`) };
  assert.equal((await read()).config?.strict, true);
});
