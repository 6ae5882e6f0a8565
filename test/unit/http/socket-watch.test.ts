import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { BodyDeadlines } from "../../../src/http/engines/common/index.ts";
import type { AddonResponse } from "../../../src/http/engines/uws/addon.ts";
import { BodyReader } from "../../../src/http/engines/uws/body-reader.ts";
import { SocketWatch } from "../../../src/http/engines/uws/socket-watch.ts";

const ROUND_MS = 4_000;

/** A response that counts how often its timer was started again. */
class FakeResponse {
  rearmed = 0;
  data: (chunk: ArrayBuffer, isLast: boolean) => void = () => undefined;
  onData(take: (chunk: ArrayBuffer, isLast: boolean) => void): void {
    this.data = take;
  }
  pause(): void {}
  resume(): void {
    this.rearmed += 1;
  }
}

function watched(idleTimeoutMs: number): { response: FakeResponse; body: BodyReader; watch: SocketWatch } {
  const response = new FakeResponse();
  // A body reader uses these three methods alone.
  const body = new BodyReader(
    response as unknown as AddonResponse,
    1000,
    new BodyDeadlines(Number.POSITIVE_INFINITY),
  );
  const watch = new SocketWatch(idleTimeoutMs);
  watch.add(body);
  return { response, body, watch };
}

test("starts the timer of a body again until it has been silent for too long", () => {
  mock.timers.enable({ apis: ["setInterval"] });
  try {
    const { response } = watched(3 * ROUND_MS);
    mock.timers.tick(3 * ROUND_MS);
    assert.equal(response.rearmed, 3);
    mock.timers.tick(ROUND_MS);
    assert.equal(response.rearmed, 3);
    response.data(new ArrayBuffer(1), false);
    mock.timers.tick(ROUND_MS);
    assert.equal(response.rearmed, 4);
  } finally {
    mock.timers.reset();
  }
});

test("leaves alone a body that is paused, whole, or no longer watched", () => {
  mock.timers.enable({ apis: ["setInterval"] });
  try {
    const paused = watched(60_000);
    paused.body.pause();
    const whole = watched(60_000);
    whole.response.data(new ArrayBuffer(1), true);
    const gone = watched(60_000);
    gone.watch.remove(gone.body);
    mock.timers.tick(2 * ROUND_MS);
    for (const { response } of [paused, whole, gone]) assert.equal(response.rearmed, 0);
  } finally {
    mock.timers.reset();
  }
});

test("keeps the connection of a body that was resumed only after it had arrived, however long the reply takes", () => {
  mock.timers.enable({ apis: ["setInterval"] });
  try {
    const { response, body } = watched(ROUND_MS);
    body.pause();
    response.data(new ArrayBuffer(1), true);
    body.take(
      10,
      { onChunk: () => undefined, onEnd: () => undefined, onTooLarge: () => undefined },
      () => undefined,
    );
    const before = response.rearmed;
    mock.timers.tick(5 * ROUND_MS);
    assert.equal(response.rearmed, before + 5);
  } finally {
    mock.timers.reset();
  }
});
