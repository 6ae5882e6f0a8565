import assert from "node:assert/strict";
import { test } from "node:test";
import { BodyDeadlines } from "../../../src/http/engines/common/index.ts";
import type { AddonResponse } from "../../../src/http/engines/uws/addon.ts";
import { BodyReader } from "../../../src/http/engines/uws/body-reader.ts";

class FakeResponse {
  data: (chunk: ArrayBuffer, isLast: boolean) => void = () => undefined;
  onData(take: (chunk: ArrayBuffer, isLast: boolean) => void): void {
    this.data = take;
  }
  pause(): void {}
  resume(): void {}
}

/** What a listener gets that holds the body with its first chunk, and lets it go once `sizes` have come. */
function heldBody(sizes: readonly number[]): {
  readonly sent: Buffer;
  readonly chunks: readonly Uint8Array[];
} {
  const response = new FakeResponse();
  // A body reader uses these three methods alone.
  const addon = response as unknown as AddonResponse;
  const body = new BodyReader(addon, 1000, new BodyDeadlines(Number.POSITIVE_INFINITY));
  const chunks: Uint8Array[] = [];
  let isEnded = false;
  const listener = {
    onChunk: (chunk: Uint8Array) => {
      if (chunks.push(chunk) === 1) body.hold();
    },
    onEnd: () => {
      isEnded = true;
    },
    onTooLarge: () => undefined,
  };
  body.take(Number.POSITIVE_INFINITY, listener, () => undefined);
  let next = 0;
  const sent = sizes.map((size) => Buffer.from(Array.from({ length: size }, () => next++ & 0xff)));
  for (const [index, chunk] of sent.entries()) {
    const copy = Uint8Array.from(chunk);
    response.data(copy.buffer, index === sizes.length - 1);
    // As the addon does with its own.
    copy.fill(0);
  }
  body.release();
  assert.ok(isEnded);
  return { sent: Buffer.concat(sent), chunks };
}

test("joins the small chunks of a body that is held", () => {
  const { sent, chunks } = heldBody(Array.from({ length: 100_000 }, () => 1));
  assert.ok(Buffer.concat(chunks).equals(sent));
  assert.ok(chunks.length < 10, `${chunks.length} chunks`);
});

test("keeps the bytes of a body that is held in their order, whatever the sizes of its chunks", () => {
  const sizes = Array.from({ length: 500 }, (_, i) => [1, 2047, 2048, 300, 40_000, 7][(i * i) % 6] ?? 1);
  const { sent, chunks } = heldBody(sizes);
  assert.ok(Buffer.concat(chunks).equals(sent));
});
