/** Files that are read again and again: what is no file is refused at once. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { readRegularFile } from "../../../src/control/index.ts";

describe("reading a regular file", { timeout: 10_000 }, () => {
  let folder = "";

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "sluice-test-"));
    await writeFile(join(folder, "file"), "content");
    execFileSync("mkfifo", [join(folder, "pipe")]);
  });

  after(() => rm(folder, { recursive: true, force: true }));

  test("gives all of it", async () => {
    assert.equal(String(await readRegularFile(join(folder, "file"))), "content");
  });

  for (const [title, path, fault] of [
    ["a pipe that nobody writes to", "pipe", /it is not a regular file/],
    ["a device without an end", "/dev/zero", /it is not a regular file/],
    ["a folder", ".", /EISDIR/],
    ["nothing", "missing", /ENOENT/],
  ] as const) {
    test(`refuses ${title} without waiting`, async () => {
      await assert.rejects(readRegularFile(path.startsWith("/") ? path : join(folder, path)), fault);
    });
  }
});
