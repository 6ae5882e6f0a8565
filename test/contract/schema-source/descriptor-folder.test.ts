import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import type { SchemaFiles } from "../../../src/schema/index.ts";
import { DescriptorFileSource } from "../../../src/schema/sources/descriptor-file/index.ts";
import { findFiles } from "../../../src/schema/sources/files/index.ts";
import { buildSchema } from "../../support/in-one-go.ts";

const SHOP = readFileSync("test/fixtures/protos/shop.binpb");
const ECHO = readFileSync("test/fixtures/echo/echo.binpb");
const never = new AbortController().signal;

describe("a folder of descriptor sets", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "sluice-"));
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  function write(name: string, content: Uint8Array | string): void {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }

  function load(limitBytes?: number): Promise<SchemaFiles> {
    return new DescriptorFileSource(folder, "shown", limitBytes).load(never);
  }

  function services({ files }: SchemaFiles): readonly string[] {
    const { schema } = buildSchema([{ origin: "test", files }]);
    return schema?.services.map(({ fullName }) => fullName) ?? [];
  }

  /** Puts a version of a ConfigMap in place as the kubelet does; gives the folder of the files. */
  function mountVersion(version: string, files: Readonly<Record<string, Uint8Array>>): void {
    mkdirSync(join(folder, version));
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, version, name), content);
    symlinkSync(version, join(folder, "..data_tmp"));
    renameSync(join(folder, "..data_tmp"), join(folder, "..data"));
  }

  test("is every set in it and below it, whichever of the four endings it has", async () => {
    for (const name of [
      "a.binpb",
      "b.pb",
      "c.desc",
      "sub/d.protoset",
      "sub/.hidden.pb",
      "notes.txt",
      "x.proto",
    ]) {
      write(name, name.startsWith("a") ? SHOP : ECHO);
    }
    const found = await findFiles(folder, [".binpb", ".pb", ".desc", ".protoset"], never);
    assert.deepEqual(
      found.files.map(({ name }) => name),
      ["a.binpb", "b.pb", "c.desc", "sub/d.protoset"],
    );
    const loaded = await load();
    assert.deepEqual(loaded.problems, []);
    assert.deepEqual(services(loaded), ["shop.Orders", "sluice.test.v1.EchoService"]);
  });

  test("without a set is a problem", async () => {
    write("notes.txt", "");
    const { problems } = await load();
    assert.equal(problems[0]?.where, "shown");
    assert.match(
      problems[0]?.what ?? "",
      /no descriptor set is in this folder: no file ends in \.binpb, \.pb/,
    );
  });

  test("names the file that is at fault, and serves the others", async () => {
    write("a.binpb", "{}");
    write("b.binpb", ECHO);
    symlinkSync("nowhere", join(folder, "c.binpb"));
    const loaded = await load();
    assert.deepEqual(
      loaded.problems.map(({ where, what }) => `${where}: ${what}`),
      [
        "shown/c.binpb: the file does not exist",
        "shown/a.binpb: the file holds JSON, not a binary descriptor set",
      ],
    );
    assert.deepEqual(services(loaded), ["sluice.test.v1.EchoService"]);
  });

  test("as Kubernetes mounts it is read once, and follows a swap", async () => {
    mountVersion("..2026_1", { "api.binpb": SHOP });
    symlinkSync("..data/api.binpb", join(folder, "api.binpb"));
    const source = new DescriptorFileSource(folder);
    const before = await source.load(never);
    const fingerprint = await source.fingerprint(never);
    assert.deepEqual(services(before), ["shop.Orders"]);
    const names = before.files.map(({ outline }) => outline.name);
    assert.equal(names.length, new Set(names).size, "no file twice");

    mountVersion("..2026_2", { "api.binpb": ECHO });
    rmSync(join(folder, "..2026_1"), { recursive: true });
    assert.deepEqual(services(await source.load(never)), ["sluice.test.v1.EchoService"]);
    const swapped = await source.fingerprint(never);
    assert.notEqual(swapped, fingerprint);

    mountVersion("..2026_3", { "api.binpb": ECHO });
    assert.equal(await source.fingerprint(never), swapped, "a swap to the same content changes nothing");
  });

  test("that is mounted shows one version whole, while the next is being put in place", async () => {
    mountVersion("..2026_1", { "a.binpb": SHOP });
    // The links to new files come after the swap; until then the folder shows them nowhere but behind ..data.
    mountVersion("..2026_2", { "a.binpb": SHOP, "b.binpb": ECHO });
    symlinkSync("..data/a.binpb", join(folder, "a.binpb"));
    assert.deepEqual(services(await load()), ["shop.Orders", "sluice.test.v1.EchoService"]);
  });

  test("with links in a circle, and links to the same file, ends and reads each file once", async () => {
    write("a.binpb", ECHO);
    symlinkSync(".", join(folder, "again"));
    mkdirSync(join(folder, "sub"));
    symlinkSync("..", join(folder, "sub", "up"));
    symlinkSync("a.binpb", join(folder, "b.binpb"));
    linkSync(join(folder, "a.binpb"), join(folder, "c.binpb"));
    const found = await findFiles(folder, [".binpb"], never);
    assert.deepEqual(
      found.files.map(({ name }) => name),
      ["a.binpb"],
    );
    assert.deepEqual(found.faults, []);
  });

  test("with a pipe in it does not wait for somebody to write", async () => {
    write("a.binpb", ECHO);
    execFileSync("mkfifo", [join(folder, "b.binpb")]);
    const loaded = await load();
    assert.deepEqual(
      loaded.problems.map(({ where, what }) => `${where}: ${what}`),
      ["shown/b.binpb: this is not a regular file"],
    );
    assert.deepEqual(services(loaded), ["sluice.test.v1.EchoService"]);
  });

  test("is limited in bytes over all of its files", async () => {
    write("a.binpb", ECHO);
    write("b.binpb", SHOP);
    const { problems } = await load(ECHO.byteLength + 10);
    assert.deepEqual(
      problems.map(({ where }) => where),
      ["shown/b.binpb"],
    );
    assert.match(problems[0]?.what ?? "", /more than the limit of 10/);
  });

  test("is limited in files, entries and depth", async () => {
    for (const name of ["a.pb", "b.pb", "c.pb", "deep/er/d.pb"]) write(name, ECHO);
    const limits = { maxFiles: 10, maxEntries: 10, maxDepth: 10 };
    const faults = async (more: Partial<typeof limits>): Promise<readonly string[]> => {
      const found = await findFiles(folder, [".pb"], never, { ...limits, ...more });
      return found.faults.map(({ name, what }) => `${name}: ${what}`);
    };
    assert.deepEqual(await faults({}), []);
    assert.deepEqual(await faults({ maxFiles: 2 }), [": holds more than 2 such files"]);
    assert.deepEqual(await faults({ maxEntries: 3 }), [": holds more than 3 entries"]);
    assert.deepEqual(await faults({ maxDepth: 2 }), ["deep/er: folders are nested more than 2 deep"]);
  });

  test("has a fingerprint of names and contents, not of times", async () => {
    write("a.pb", ECHO);
    const source = new DescriptorFileSource(folder);
    const marks = [await source.fingerprint(never)];
    utimesSync(join(folder, "a.pb"), 1, 1);
    assert.equal(await source.fingerprint(never), marks[0], "touched");
    assert.equal(await source.fingerprint(never), marks[0], "seen twice, and trusted");
    const same = Buffer.from(ECHO);
    same[same.length - 1] = (same.at(-1) ?? 0) ^ 1;
    write("a.pb", same);
    utimesSync(join(folder, "a.pb"), 1, 1);
    marks.push(await source.fingerprint(never));
    renameSync(join(folder, "a.pb"), join(folder, "b.pb"));
    marks.push(await source.fingerprint(never));
    write("c.pb", ECHO);
    marks.push(await source.fingerprint(never));
    rmSync(join(folder, "c.pb"));
    assert.equal(await source.fingerprint(never), marks[2], "back again");
    assert.equal(new Set(marks).size, marks.length);
  });

  test("stops when it is told to", async () => {
    write("a.pb", ECHO);
    const source = new DescriptorFileSource(folder);
    const reason = new Error("enough");
    await assert.rejects(source.load(AbortSignal.abort(reason)), reason);
    await assert.rejects(source.fingerprint(AbortSignal.abort(reason)), reason);
  });
});
