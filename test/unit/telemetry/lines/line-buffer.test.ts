import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { LineBuffer, type LineWriter } from "../../../../src/telemetry/index.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A writer whose ends the test plays. */
class PlayedWriter implements LineWriter {
  readonly chunks: string[] = [];
  isClosed = false;
  #done: ((error: Error | undefined) => void) | undefined;

  write(chunk: string, done: (error: Error | undefined) => void): void {
    assert.equal(this.#done, undefined, "one chunk at a time");
    this.chunks.push(chunk);
    this.#done = done;
  }

  end(error?: Error): void {
    const done = this.#done;
    this.#done = undefined;
    done?.(error);
  }

  async reopen(): Promise<void> {}

  close(): void {
    this.isClosed = true;
  }
}

function bench() {
  const writer = new PlayedWriter();
  const faults: string[] = [];
  return { writer, faults, buffer: new LineBuffer(writer, ({ message }) => faults.push(message)) };
}

describe("a line buffer", () => {
  test("writes the lines of a turn together, and those that come meanwhile after them", async () => {
    const { writer, buffer } = bench();
    const lines = buffer.channel(1000);
    lines.write("a\n");
    lines.write("b\n");
    assert.deepEqual(writer.chunks, []);
    await turn();
    lines.write("c\n");
    await turn();
    assert.deepEqual(writer.chunks, ["a\nb\n"]);
    writer.end();
    assert.deepEqual(writer.chunks, ["a\nb\n", "c\n"]);
    writer.end();
    assert.equal(buffer.bytes, 0);
    assert.equal(lines.dropped, 0);
  });

  test("keeps no more than its limit, in bytes, while the writer is stuck; the rest is counted", async () => {
    const { writer, buffer } = bench();
    const lines = buffer.channel(100);
    for (let i = 0; i < 1000; i++) {
      lines.write("äääää\n");
      if (i === 3) await turn();
    }
    assert.ok(buffer.bytes <= 100);
    assert.equal(lines.dropped, 1000 - 9);
    assert.equal(writer.chunks.length, 1);
    writer.end();
    writer.end();
    assert.equal(writer.chunks.join("").split("\n").length - 1, 9);
    lines.write("again\n");
    assert.equal(lines.dropped, 1000 - 9, "there is room again");
  });

  test("drops a line that is longer than the limit", () => {
    const { buffer } = bench();
    const lines = buffer.channel(10);
    lines.write(`${"x".repeat(10)}\n`);
    assert.equal(lines.dropped, 1);
  });

  test("leaves room for the channel with the higher limit", async () => {
    const { writer, buffer } = bench();
    const access = buffer.channel(10);
    const own = buffer.channel(100);
    for (let i = 0; i < 10; i++) access.write("access\n");
    own.write("own words\n");
    await turn();
    assert.deepEqual(writer.chunks, ["access\nown words\n"]);
    assert.deepEqual([access.dropped, own.dropped], [9, 0]);
  });

  test("counts the lines of writes that failed, says so once, and goes on", async () => {
    const { writer, faults, buffer } = bench();
    const lines = buffer.channel(1000);
    const other = buffer.channel(1000);
    for (const outcome of ["no space", "no space", undefined, "no space"]) {
      lines.write("a\n");
      lines.write("b\n");
      other.write("c\n");
      await turn();
      writer.end(outcome === undefined ? undefined : new Error(outcome));
    }
    assert.deepEqual([lines.dropped, other.dropped], [6, 3]);
    assert.deepEqual(faults, ["no space", "no space"]);
    assert.equal(buffer.bytes, 0);
  });

  test("is flushed when everything has been written, at once where there is nothing", async () => {
    const { writer, buffer } = bench();
    await buffer.flush(60_000);
    buffer.channel(100).write("a\n");
    let isOver = false;
    const closed = buffer.close(60_000).then(() => {
      isOver = true;
    });
    await turn();
    assert.equal(isOver, false);
    writer.end();
    await closed;
    assert.equal(writer.isClosed, true);
  });

  test("is closed in time though the writer is stuck", async () => {
    const { writer, buffer } = bench();
    buffer.channel(100).write("a\n");
    await buffer.close(1);
    assert.equal(writer.isClosed, true);
  });
});
