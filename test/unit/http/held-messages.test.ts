import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HeldMessages } from "../../../src/http/engines/common/index.ts";

const MANY = 200_000;

describe("messages of a held WebSocket", () => {
  test("come in their order, however often they are held, and a long queue is no work", () => {
    const delivered: number[] = [];
    const held: HeldMessages = new HeldMessages(Number.POSITIVE_INFINITY, (data) => {
      delivered.push(Buffer.from(data).readUInt32LE());
      held.hold();
    });
    held.hold();
    for (let i = 0; i < MANY; i++) {
      const data = Buffer.alloc(4);
      data.writeUInt32LE(i);
      held.push(data, "binary");
    }
    const from = performance.now();
    while (!held.release());
    // Each message moving all behind it, it takes a hundred times as long.
    assert.ok(performance.now() - from < 1500);
    assert.equal(delivered.length, MANY);
    assert.ok(delivered.every((value, i) => value === i));
    held.push(Buffer.from([1, 0, 0, 0]), "binary");
    assert.equal(delivered.at(-1), 1, "nothing is held any more");
  });

  test("are refused beyond the limit, empty ones too", () => {
    const held = new HeldMessages(10_000, () => undefined);
    held.hold();
    let kept = 0;
    while (held.push(new Uint8Array(0), "binary")) kept++;
    assert.ok(kept > 10 && kept < 100, `${kept} were kept`);
  });
});
