import assert from "node:assert/strict";
import { test } from "node:test";
import type { AddonResponse } from "../../../src/http/engines/uws/addon.ts";
import { ChunkedReply } from "../../../src/http/engines/uws/chunked-reply.ts";

/** Takes everything; `isFree` is what `write` answers. */
class FakeResponse {
  isFree = true;
  writtenBytes = 0;
  writable: () => void = () => undefined;
  write(chunk: Uint8Array): boolean {
    this.writtenBytes += chunk.length;
    return this.isFree;
  }
  cork(write: () => void): void {
    write();
  }
  onWritable(take: () => void): void {
    this.writable = take;
  }
}

function begin(): { readonly response: FakeResponse; readonly reply: ChunkedReply; drains: number } {
  const response = new FakeResponse();
  const ignore = (): void => undefined;
  const begun = {
    response,
    drains: 0,
    // A chunked reply uses these three methods alone until it ends.
    reply: new ChunkedReply(
      response as unknown as AddonResponse,
      ignore,
      () => begun.drains++,
      ignore,
      ignore,
    ),
  };
  return begun;
}

test("a caller that was told to hold is told to go on, though a later write went well", () => {
  const begun = begin();
  const { response, reply } = begun;
  response.isFree = false;
  assert.equal(reply.write(Buffer.alloc(1000)), false);
  // The client has read meanwhile, and the addon has not told of it yet.
  response.isFree = true;
  assert.equal(reply.write(Buffer.alloc(1000)), false, "who holds is to hold until then");
  assert.equal(begun.drains, 0);
  response.writable();
  assert.equal(begun.drains, 1);
  assert.equal(reply.write(Buffer.alloc(1000)), true);
  response.writable();
  assert.equal(begun.drains, 1, "nobody holds");
});

test("what the addon did not take goes out in order, before the caller is told to go on", () => {
  const begun = begin();
  const { response, reply } = begun;
  response.isFree = false;
  assert.equal(reply.write(Buffer.alloc(100_000)), false);
  const first = response.writtenBytes;
  assert.ok(first < 100_000, `${first} bytes at once`);
  assert.equal(reply.write(Buffer.alloc(10)), false);
  response.writable();
  assert.ok(response.writtenBytes < 100_010);
  assert.equal(begun.drains, 0);
  response.isFree = true;
  response.writable();
  assert.equal(response.writtenBytes, 100_010);
  assert.equal(begun.drains, 1);
});
