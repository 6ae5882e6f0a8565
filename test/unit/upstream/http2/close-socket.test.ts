import assert from "node:assert/strict";
import { Duplex } from "node:stream";
import { describe, mock, test } from "node:test";
import { closeSocket } from "../../../../src/upstream/clients/http2/open-socket.ts";

/** What of a net.Socket closing needs; it closes when it is told. */
class FakeSocket extends Duplex {
  destroySoon = mock.fn();
  override destroy = mock.fn(() => this);
}

describe("a socket that is to be closed", () => {
  test("may send what was written for a second", (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const socket = new FakeSocket();
    closeSocket(socket as unknown as Parameters<typeof closeSocket>[0]);
    assert.equal(socket.destroySoon.mock.callCount(), 1);
    t.mock.timers.tick(999);
    assert.equal(socket.destroy.mock.callCount(), 0);
    t.mock.timers.tick(1);
    assert.equal(socket.destroy.mock.callCount(), 1);
  });

  test("is not waited for once it is closed: the timer would keep it", (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const socket = new FakeSocket();
    closeSocket(socket as unknown as Parameters<typeof closeSocket>[0]);
    socket.emit("close");
    t.mock.timers.tick(2000);
    assert.equal(socket.destroy.mock.callCount(), 0);
  });
});
