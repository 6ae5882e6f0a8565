import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { HandedSchemas } from "../../../../src/app/workers/handed-source.ts";

const LIBRARY = readFileSync("descriptors/library.binpb");
const ECHO = readFileSync("test/fixtures/echo/echo.binpb");
const signal = new AbortController().signal;

test("a schema that was handed over before it is asked for is there at once", async () => {
  const schemas = new HandedSchemas();
  schemas.hand({ upstream: "library", form: "a", descriptorSet: LIBRARY });
  const { files, problems } = await schemas.of("library", "a").load(signal);
  assert.ok(files.some(({ outline }) => outline.package === "library.v1"));
  assert.deepEqual(problems, []);
});

test("the later one counts", async () => {
  const schemas = new HandedSchemas();
  schemas.hand({ upstream: "library", form: "a", descriptorSet: LIBRARY });
  schemas.hand({ upstream: "library", form: "a", descriptorSet: ECHO });
  const { files } = await schemas.of("library", "a").load(signal);
  assert.ok(!files.some(({ outline }) => outline.package === "library.v1"));
});

test("without one, the first try fails and the next waits for it", async () => {
  const schemas = new HandedSchemas();
  const source = schemas.of("library", "a");
  await assert.rejects(source.load(signal), /the primary has not found it yet/);
  const loading = source.load(signal);
  schemas.hand({ upstream: "other", form: "a", descriptorSet: ECHO });
  schemas.hand({ upstream: "library", form: "a", descriptorSet: LIBRARY });
  assert.ok((await loading).files.length > 0);
});

test("whoever gives up waiting is let go", async () => {
  const source = new HandedSchemas().of("library", "a");
  await assert.rejects(source.load(signal));
  const abort = new AbortController();
  const loading = source.load(abort.signal);
  abort.abort();
  await assert.rejects(loading, /not found it yet/);
  await assert.rejects(source.load(AbortSignal.abort()), /not found it yet/);
});

test("another form of the upstream has a schema of its own", async () => {
  const schemas = new HandedSchemas();
  schemas.hand({ upstream: "library", form: "a", descriptorSet: LIBRARY });
  await assert.rejects(schemas.of("library", "b").load(signal));
  schemas.hand({ upstream: "library", form: "b", descriptorSet: ECHO });
  const packages = async (form: string): Promise<readonly string[]> => {
    const { files } = await schemas.of("library", form).load(signal);
    return files.map(({ outline }) => outline.package);
  };
  assert.ok((await packages("a")).includes("library.v1"));
  assert.ok(!(await packages("b")).includes("library.v1"));
});

test("of many forms the last two are kept, and of many upstreams those that are named", async () => {
  const schemas = new HandedSchemas();
  for (const form of ["a", "b", "c"]) schemas.hand({ upstream: "library", form, descriptorSet: LIBRARY });
  schemas.hand({ upstream: "other", form: "a", descriptorSet: LIBRARY });
  schemas.keep(new Set(["library"]), schemas.handed);
  assert.ok((await schemas.of("library", "b").load(signal)).files.length > 0);
  assert.ok((await schemas.of("library", "c").load(signal)).files.length > 0);
  await assert.rejects(schemas.of("library", "a").load(signal));
  await assert.rejects(schemas.of("other", "a").load(signal));
});

test("a form that is followed hears of its schema, whatever forms have come and gone meanwhile", async () => {
  const schemas = new HandedSchemas();
  schemas.hand({ upstream: "library", form: "serving", descriptorSet: LIBRARY });
  const source = schemas.of("library", "serving");
  await source.load(signal);
  const before = await source.fingerprint?.(signal);
  for (const form of ["b", "c", "d"]) {
    const givenUp = new AbortController();
    const loading = schemas.of("library", form).load(givenUp.signal);
    await assert.rejects(loading, /not found it yet/);
    givenUp.abort();
  }
  schemas.hand({ upstream: "library", form: "serving", descriptorSet: ECHO });
  assert.notEqual(await source.fingerprint?.(signal), before);
});

test("a schema that comes ahead of its config stays while an earlier config is read", async () => {
  const schemas = new HandedSchemas();
  const earlier = schemas.handed;
  schemas.hand({ upstream: "new", form: "a", descriptorSet: LIBRARY });
  schemas.keep(new Set(["library"]), earlier);
  assert.ok((await schemas.of("new", "a").load(signal)).files.length > 0);
  schemas.keep(new Set(["library"]), schemas.handed);
  await assert.rejects(schemas.of("new", "a").load(signal));
});

test("the fingerprint changes with each schema, and with nothing else", async () => {
  const schemas = new HandedSchemas();
  const source = schemas.of("library", "a");
  const prints = [await source.fingerprint?.(signal), await source.fingerprint?.(signal)];
  schemas.hand({ upstream: "library", form: "a", descriptorSet: LIBRARY });
  await source.load(signal);
  prints.push(await source.fingerprint?.(signal));
  assert.equal(prints[0], prints[1]);
  assert.notEqual(prints[1], prints[2]);
});
