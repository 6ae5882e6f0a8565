import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { type ByteSink, FrameWriter } from "../../../../src/upstream/clients/http2/frame-writer.ts";
import { Outbox } from "../../../../src/upstream/clients/http2/outbox.ts";
import { collectGarbage } from "../../../support/collect-garbage.ts";

/** A socket that takes everything and keeps nothing. */
const SINK: ByteSink = {
  write: () => true,
  cork: () => undefined,
  uncork: () => undefined,
  writableLength: 0,
};

/** Sends `count` messages of a call that the upstream has taken; gives what is left of them. */
function sendAll(outbox: Outbox, count: number): readonly WeakRef<Uint8Array>[] {
  const writer = new FrameWriter(SINK, () => undefined);
  outbox.stopKeeping();
  return Array.from({ length: count }, () => {
    const message = new Uint8Array(20_000);
    outbox.push(message);
    while (outbox.hasData) outbox.writeFrame(writer, 1, 16_384);
    writer.flush();
    return new WeakRef(message);
  });
}

describe("a call's messages", () => {
  test("are free once they have left and the upstream has taken the call", async () => {
    const outbox = new Outbox();
    const sent = sendAll(outbox, 10);
    await collectGarbage();
    assert.equal(sent.filter((message) => message.deref() !== undefined).length, 0);
    assert.equal(outbox.unsentBytes, 0);
  });
});
