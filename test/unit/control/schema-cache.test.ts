import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { DiskSchemaCache, type DiskSchemaCacheOptions, schemaCacheKey } from "../../../src/control/index.ts";
import { readDescriptorSet, type SourceFiles } from "../../../src/schema/index.ts";
import { buildSchema } from "../../support/in-one-go.ts";
import { configOf } from "./compile.ts";

const SHOP = readFileSync("test/fixtures/protos/shop.binpb");
const ECHO = readFileSync("test/fixtures/echo/echo.binpb");

function sourcesOf(...sets: readonly Uint8Array[]): readonly SourceFiles[] {
  return sets.map((set, i) => ({ origin: `source ${i}`, files: readDescriptorSet(set) }));
}

function digestOf(sources: readonly SourceFiles[]): string | undefined {
  return buildSchema(sources).schema?.digest;
}

describe("the cache of schemas", () => {
  let folder: string;
  let complaints: string[];

  beforeEach(() => {
    folder = join(mkdtempSync(join(tmpdir(), "sluice-")), "made", "when needed");
    complaints = [];
  });

  afterEach(() => rmSync(join(folder, "..", ".."), { recursive: true }));

  function cache(more: Partial<DiskSchemaCacheOptions> = {}): DiskSchemaCache {
    return new DiskSchemaCache({
      directory: folder,
      upstream: "shop",
      key: "a",
      report: ({ severity, what }) => complaints.push(`${severity} ${what}`),
      ...more,
    });
  }

  /** The one cache file in the folder. */
  function path(): string {
    const [name, ...more] = readdirSync(folder);
    assert.ok(name !== undefined && more.length === 0, "one file");
    return join(folder, name);
  }

  test("gives what it was given, after a restart too", async () => {
    await cache().store(sourcesOf(SHOP));
    const found = await cache().load();
    assert.ok(found !== undefined);
    assert.equal(digestOf([found]), digestOf(sourcesOf(SHOP)));
    assert.match(found.origin, /^cached schema shop-[0-9a-f]{16}\.binpb$/);
    assert.deepEqual(complaints, []);
  });

  test("gives each reader files of its own: building a schema writes into them", async () => {
    await cache().store(sourcesOf(SHOP));
    const [one, two] = [await cache().load(), await cache().load()];
    assert.ok(one !== undefined && two !== undefined);
    assert.equal(digestOf([one]), digestOf([two]));
  });

  test("keeps what was already built into a schema", async () => {
    const sources = sourcesOf(SHOP, ECHO);
    const digest = digestOf(sources);
    await cache().store(sources);
    const found = await cache().load();
    assert.equal(found && digestOf([found]), digest);
  });

  test("of several files of a name keeps the first, as building does", async () => {
    await cache().store(sourcesOf(SHOP, SHOP));
    const found = await cache().load();
    const names = found?.files.map(({ outline }) => outline.name) ?? [];
    assert.equal(names.length, new Set(names).size);
  });

  test("is nothing at first, and says nothing of it", async () => {
    assert.equal(await cache().load(), undefined);
    assert.deepEqual(complaints, []);
  });

  test("is a descriptor set for other tools, for the gateway's user alone", async () => {
    await cache().store(sourcesOf(SHOP));
    const names = fromBinary(FileDescriptorSetSchema, readFileSync(path())).file.map(({ name }) => name);
    assert.ok(names.includes("shop/shop.proto"));
    assert.equal(statSync(path()).mode & 0o777, 0o600);
    assert.equal(statSync(folder).mode & 0o777, 0o700);
  });

  test("is another file for another key", async () => {
    await cache().store(sourcesOf(SHOP));
    assert.equal(await cache({ key: "b" }).load(), undefined);
    assert.equal(await cache({ upstream: "other" }).load(), undefined);
    assert.deepEqual(complaints, []);
  });

  test("is written again only if there is something new to write", async () => {
    const subject = cache();
    await subject.store(sourcesOf(SHOP));
    const { ino } = statSync(path());
    await subject.store(sourcesOf(SHOP));
    assert.equal(statSync(path()).ino, ino);
    rmSync(path());
    await subject.store(sourcesOf(SHOP));
    assert.ok(existsSync(path()), "what somebody took away comes back");
    await subject.store(sourcesOf(ECHO));
    const found = await subject.load();
    assert.equal(found && digestOf([found]), digestOf(sourcesOf(ECHO)));
  });

  test("of stores at once keeps the last", async () => {
    const subject = cache();
    await Promise.all([SHOP, ECHO, SHOP, ECHO].map((set) => subject.store(sourcesOf(set))));
    const found = await subject.load();
    assert.equal(found && digestOf([found]), digestOf(sourcesOf(ECHO)));
    assert.deepEqual(complaints, []);
  });

  const damage: Readonly<Record<string, (whole: Buffer) => Uint8Array>> = {
    "a bit that flipped": (whole) => {
      whole[100] = (whole[100] ?? 0) ^ 1;
      return whole;
    },
    "a file that was cut off": (whole) => whole.subarray(0, -1),
    "an empty file": () => new Uint8Array(),
    "a file without a seal": (whole) => whole.subarray(0, -36),
    "something else": () => Buffer.from("not a schema, and long enough to hold a seal at its end"),
  };
  for (const [name, change] of Object.entries(damage)) {
    test(`does not use ${name}, and says so once`, async () => {
      await cache().store(sourcesOf(SHOP));
      writeFileSync(path(), change(readFileSync(path())));
      const subject = cache();
      assert.equal(await subject.load(), undefined);
      assert.equal(await subject.load(), undefined);
      assert.deepEqual(complaints, ["warning upstream shop: the cached schema is damaged; it is not used"]);
      await subject.store(sourcesOf(SHOP));
      assert.ok((await subject.load()) !== undefined, "the next good schema takes its place");
    });
  }

  test("does not use a file that was written for another key", async () => {
    await cache({ key: "b" }).store(sourcesOf(SHOP));
    const content = readFileSync(path());
    rmSync(path());
    await cache().store(sourcesOf(ECHO));
    writeFileSync(path(), content);
    assert.equal(await cache().load(), undefined);
    assert.equal(complaints.length, 1);
  });

  test("has no room for more than its limit, in either direction", async () => {
    const small = cache({ maxBytes: 1000 });
    await small.store(sourcesOf(SHOP));
    assert.equal(existsSync(folder), false);
    assert.match(complaints[0] ?? "", /not cached: \d+ bytes are more than the limit of 1000/);
    await cache().store(sourcesOf(SHOP));
    assert.equal(await small.load(), undefined);
    assert.match(complaints[1] ?? "", /not a file of at most 1000 bytes/);
  });

  test("that cannot be written is a problem and no error", async () => {
    mkdirSync(join(folder, ".."));
    writeFileSync(folder, "a file where the folder should be");
    await cache().store(sourcesOf(SHOP));
    assert.match(complaints[0] ?? "", /^warning upstream shop: the schema cannot be cached: E\w+$/);
  });

  test("that is a folder is a problem and no error", async () => {
    await cache().store(sourcesOf(SHOP));
    const own = path();
    rmSync(own);
    mkdirSync(own);
    const subject = cache();
    assert.equal(await subject.load(), undefined);
    await subject.store(sourcesOf(SHOP));
    assert.equal(complaints.length, 2);
  });

  test("leaves nothing behind when writing fails", async () => {
    await cache().store(sourcesOf(SHOP));
    const own = path();
    rmSync(own);
    mkdirSync(own);
    await cache().store(sourcesOf(SHOP));
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.startsWith(".")),
      [],
    );
  });

  test("keeps the newest files of an upstream, and none of writers that were killed", async () => {
    mkdirSync(folder, { recursive: true });
    const keep = ["shop-x-0123456789abcdef.binpb", "shop-notes.txt", ".draft-under way"];
    for (const name of keep) writeFileSync(join(folder, name), "");
    mkdirSync(join(folder, ".draft-old"));
    utimesSync(join(folder, ".draft-old"), 1, 1);
    for (const key of ["1", "2", "3", "4", "5", "6"]) {
      await cache({ key }).store(sourcesOf(SHOP));
      // Files of one moment would have no order.
      for (const name of readdirSync(folder).filter((each) => /^shop-[0-9a-f]{16}/.test(each))) {
        const file = join(folder, name);
        const age = statSync(file).mtimeMs / 1000 - 10;
        utimesSync(file, age, age);
      }
    }
    const names = readdirSync(folder);
    for (const name of keep) assert.ok(names.includes(name), name);
    assert.equal(names.length, keep.length + 4);
    assert.equal(await cache({ key: "1" }).load(), undefined);
    assert.ok((await cache({ key: "6" }).load()) !== undefined);
  });

  test("follows a link in the place of its folder", async () => {
    const real = join(folder, "..", "real");
    mkdirSync(real, { recursive: true });
    symlinkSync(real, folder);
    await cache().store(sourcesOf(SHOP));
    assert.equal(readdirSync(real).length, 1);
    chmodSync(real, 0o700);
  });
});

describe("the key of a cached schema", () => {
  const keyOf = (yaml: string): string => {
    const [upstream] = configOf(`upstreams: { shop: ${yaml} }`).upstreams;
    assert.ok(upstream !== undefined);
    return schemaCacheKey(upstream);
  };
  const base = keyOf("{ address: localhost:1, schema: { reflection: true } }");

  const others: Readonly<Record<string, string>> = {
    "another address": "{ address: localhost:2, schema: { reflection: true } }",
    "one more address": "{ address: [localhost:1, localhost:2], schema: { reflection: true } }",
    "another kind of source": "{ address: localhost:1, schema: { descriptors: [a.binpb] } }",
    "one more source": "{ address: localhost:1, schema: { reflection: true, descriptors: [a.binpb] } }",
  };
  for (const [name, yaml] of Object.entries(others)) {
    test(`differs for ${name}`, () => assert.notEqual(keyOf(yaml), base));
  }

  test("is the same whatever else is configured", () => {
    const more = "{ address: localhost:1, schema: { reflection: { timeout: 1s } }, autoMapping: true }";
    assert.equal(keyOf(more), base);
  });
});
