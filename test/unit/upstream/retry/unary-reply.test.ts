/** A unary reply is one message and a status: without the status it is a failure like any other. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { OK } from "../../../../src/status/index.ts";
import type { RetryPolicy } from "../../../../src/upstream/index.ts";
import { CLIENT_GONE, RETRY, Stage, UNREACHABLE } from "./stage.ts";

const UNARY: RetryPolicy = { ...RETRY, commitsWith: "status" };

describe("a retried unary call", () => {
  test("whose connection is lost between message and status is sent again; the caller sees one reply", () => {
    const stage = new Stage(UNARY);
    stage.call();
    stage.answer(0, UNREACHABLE, ["lost"]);
    assert.deepEqual(stage.heard.words, []);
    stage.clock.advance(10_000);
    stage.answer(1);
    assert.deepEqual(stage.heard.words, ["headers n=1", "message pong", "status 0"]);
    assert.equal(stage.retries.keptBytes, 0);
  });

  test("that fails for good after its message hands on what it has", () => {
    const stage = new Stage(UNARY);
    stage.call();
    for (const attempt of [0, 1, 2]) {
      stage.answer(attempt, UNREACHABLE);
      stage.clock.advance(10_000);
    }
    assert.deepEqual(stage.heard.words, ["headers n=2", "message pong", "status UPSTREAM_UNREACHABLE"]);
  });

  test("hands on a second message at once, after the first", () => {
    const stage = new Stage(UNARY);
    stage.call();
    const { listener } = stage.attempt(0);
    listener.onHeaders([]);
    assert.equal(listener.onMessage(Buffer.from("a")), true);
    stage.heard.mayGoOn = false;
    assert.equal(listener.onMessage(Buffer.from("b")), false);
    listener.onStatus(OK, []);
    assert.deepEqual(stage.heard.words, ["headers ", "message a", "message b", "status 0"]);
  });

  test("that is cancelled keeps its message to itself", () => {
    const stage = new Stage(UNARY);
    const call = stage.call();
    stage.attempt(0).listener.onMessage(Buffer.from("a"));
    call.cancel(CLIENT_GONE);
    assert.deepEqual(stage.heard.words, ["status CLIENT_GONE"]);
    assert.equal(stage.retries.keptBytes, 0);
  });

  test("gets its end, even if the listener throws at the message that was held", async () => {
    const warned = new Promise((resolve) => process.once("warning", resolve));
    const stage = new Stage(UNARY);
    stage.call();
    stage.heard.react = (word) => {
      if (word.startsWith("message")) throw new Error("a fault of the listener");
    };
    stage.answer(0);
    assert.equal(stage.heard.words.at(-1), "status INTERNAL");
    assert.match(String(await warned), /a fault of the listener/);
  });
});
