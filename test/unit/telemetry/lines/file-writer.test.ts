import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { open, readFile, rename, writeFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { LineBuffer, openFileWriter } from "../../../../src/telemetry/index.ts";
import { temporaryFiles } from "../../../support/gateway-process.ts";

describe("a file of lines", { timeout: 20_000 }, () => {
  let files: Awaited<ReturnType<typeof temporaryFiles>>;
  before(async () => {
    files = await temporaryFiles({});
  });
  after(() => files.remove());

  async function openBuffer(name: string): Promise<{ buffer: LineBuffer; faults: Error[] }> {
    const faults: Error[] = [];
    const writer = await openFileWriter(name.startsWith("/") ? name : files.path(name));
    return { buffer: new LineBuffer(writer, (error) => faults.push(error)), faults };
  }

  test("is appended to", async () => {
    await writeFile(files.path("a.log"), "before\n");
    const { buffer } = await openBuffer("a.log");
    const lines = buffer.channel(10_000_000);
    for (let i = 0; i < 20_000; i++) lines.write(`line ${i} ä\n`);
    await buffer.close(10_000);
    const written = (await readFile(files.path("a.log"), "utf8")).split("\n");
    assert.deepEqual(
      [written[0], written[1], written.at(-2), written.length],
      ["before", "line 0 ä", "line 19999 ä", 20_002],
    );
    assert.equal(lines.dropped, 0);
  });

  test("that was moved away is opened anew, without a line lost or torn", async () => {
    const { buffer } = await openBuffer("b.log");
    const lines = buffer.channel(10_000_000);
    for (let part = 0; part < 5; part++) {
      for (let i = 0; i < 2000; i++) lines.write(`${part * 2000 + i}\n`);
      if (part === 1) {
        await buffer.flush(10_000);
        await rename(files.path("b.log"), files.path("b.log.1"));
      }
      if (part === 3) await buffer.reopen();
    }
    await buffer.close(10_000);
    const old = await readFile(files.path("b.log.1"), "utf8");
    const current = await readFile(files.path("b.log"), "utf8");
    assert.ok(current.length > 0);
    assert.equal(old + current, Array.from({ length: 10_000 }, (_, i) => `${i}\n`).join(""));
  });

  test("that cannot be opened anew is written on as it was", async () => {
    const { buffer } = await openBuffer("c.log");
    await rename(files.path("c.log"), files.path("c.log.1"));
    execFileSync("mkdir", [files.path("c.log")]);
    await assert.rejects(buffer.reopen(), { code: "EISDIR" });
    buffer.channel(100).write("on\n");
    await buffer.close(10_000);
    assert.equal(await readFile(files.path("c.log.1"), "utf8"), "on\n");
  });

  test("that cannot be written at all is refused when it is opened", async () => {
    await assert.rejects(openFileWriter(files.path("none/x.log")), { code: "ENOENT" });
    await assert.rejects(openFileWriter(files.folder), { code: "EISDIR" });
  });

  test("on a full disk drops its lines, and counts them", async () => {
    const { buffer, faults } = await openBuffer("/dev/full");
    const lines = buffer.channel(1000);
    for (let i = 0; i < 3; i++) {
      lines.write("a\n");
      await buffer.flush(10_000);
    }
    assert.equal(lines.dropped, 3);
    assert.deepEqual(
      faults.map((error) => "code" in error && error.code),
      ["ENOSPC"],
    );
    assert.equal(buffer.bytes, 0);
    await buffer.close(10_000);
  });

  test("that is a named pipe which nobody reads is refused; a full one is waited for, and then written whole", async () => {
    const path = files.path("pipe");
    execFileSync("mkfifo", [path]);
    await assert.rejects(openFileWriter(path), { code: "ENXIO" });
    const reader = await open(path, "r+");
    const { buffer } = await openBuffer("pipe");
    const lines = buffer.channel(200_000);
    for (let i = 0; i < 100; i++) lines.write(`${"x".repeat(999)}\n`);
    await buffer.flush(100);
    assert.ok(buffer.bytes > 0, "the pipe holds 64 KiB");
    let read = 0;
    while (read < 100_000) read += (await reader.read(Buffer.alloc(10_000))).bytesRead;
    await buffer.close(10_000);
    assert.deepEqual([read, lines.dropped, buffer.bytes], [100_000, 0, 0]);
    await reader.close();
  });

  test("that is a full pipe does not keep its end", async () => {
    const path = files.path("stuck");
    execFileSync("mkfifo", [path]);
    const reader = await open(path, "r+");
    const { buffer } = await openBuffer("stuck");
    const lines = buffer.channel(200_000);
    for (let i = 0; i < 100; i++) lines.write(`${"x".repeat(999)}\n`);
    await buffer.close(50);
    await buffer.flush(10_000);
    assert.ok(lines.dropped > 0);
    await reader.close();
  });
});
