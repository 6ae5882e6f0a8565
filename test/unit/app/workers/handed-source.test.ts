import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { HandedSchemas } from "../../../../src/app/workers/handed-source.ts";

const LIBRARY = readFileSync("descriptors/library.binpb");
const ECHO = readFileSync("test/fixtures/echo/echo.binpb");
const signal = new AbortController().signal;

test("a schema that was handed over before it is asked for is there at once", async () => {
  const schemas = new HandedSchemas();
  schemas.hand("library", LIBRARY);
  const { files, problems } = await schemas.of("library").load(signal);
  assert.ok(files.some(({ outline }) => outline.package === "library.v1"));
  assert.deepEqual(problems, []);
});

test("the later one counts", async () => {
  const schemas = new HandedSchemas();
  schemas.hand("library", LIBRARY);
  schemas.hand("library", ECHO);
  const { files } = await schemas.of("library").load(signal);
  assert.ok(!files.some(({ outline }) => outline.package === "library.v1"));
});

test("without one, the first try fails and the next waits for it", async () => {
  const schemas = new HandedSchemas();
  const source = schemas.of("library");
  await assert.rejects(source.load(signal), /the primary has not found it yet/);
  const loading = source.load(signal);
  schemas.hand("other", ECHO);
  schemas.hand("library", LIBRARY);
  assert.ok((await loading).files.length > 0);
});

test("whoever gives up waiting is let go", async () => {
  const source = new HandedSchemas().of("library");
  await assert.rejects(source.load(signal));
  const abort = new AbortController();
  const loading = source.load(abort.signal);
  abort.abort();
  await assert.rejects(loading, /not found it yet/);
  await assert.rejects(source.load(AbortSignal.abort()), /not found it yet/);
});
