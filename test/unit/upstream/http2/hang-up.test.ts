/** A connection whose upstream has hung up: nothing more is sent on it, and what has not been sent goes elsewhere. */
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { afterEach, beforeEach, describe, test } from "node:test";
import type { ResendReason } from "../../../../src/upstream/channel-stats.ts";
import { Connection } from "../../../../src/upstream/clients/http2/connection.ts";
import type { Stream } from "../../../../src/upstream/clients/http2/connection-ports.ts";
import { openSocket } from "../../../../src/upstream/clients/http2/open-socket.ts";
import { Outbox } from "../../../../src/upstream/clients/http2/outbox.ts";
import { HEADERS, type RawServer, startRawServer } from "../../../support/raw-http2.ts";

const TIMEOUT_MS = 10_000;

/** A stream that tells how it ended. */
class EndingStream implements Stream {
  readonly outbox: Outbox = new Outbox();
  readonly ended: Promise<ResendReason | "lost">;
  #end: (how: ResendReason | "lost") => void = () => undefined;
  streamId = 0;
  sendWindow = 0;
  receiveWindow = 0;
  openedAtFlush = 0;
  lentBytes = 0;

  constructor() {
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  onUnprocessed(reason: ResendReason): void {
    this.#end(reason);
  }

  onLost(): void {
    this.#end("lost");
  }

  onWritten(): void {}
  onHeaderList(): void {}
  onData(): void {}
  onDataEnd(): void {}
  onReset(): void {}
}

/** How an upstream hangs up, and what the socket of this side says then. */
const HANG_UPS = [
  { how: "in good order", event: "end", hangUp: (socket: Socket) => socket.end() },
  { how: "with a reset", event: "error", hangUp: (socket: Socket) => socket.resetAndDestroy() },
] as const;

for (const { how, event, hangUp } of HANG_UPS) {
  describe(`an upstream that hangs up ${how}`, { timeout: TIMEOUT_MS }, () => {
    let server: RawServer;
    let connection: Connection;
    let socket: Socket;
    /** Runs in the turn in which the socket tells, before the connection hears of it. */
    let onHangUp: () => void = () => undefined;

    beforeEach(async () => {
      server = await startRawServer({});
      const [host = "", port] = server.address.split(":");
      await new Promise<void>((resolve) => {
        const owner = { onReady: () => resolve(), onDraining() {}, onFree() {}, onClosed() {} };
        connection = new Connection(owner, {
          open: (onConnected, onBytes) => {
            const address = { kind: "tcp", host, port: Number(port) } as const;
            socket = openSocket(address, host, undefined, onConnected, onBytes);
            socket.on(event, () => onHangUp());
            return socket;
          },
          sharedFields: [],
          connectTimeoutMs: TIMEOUT_MS,
          settingsTimeoutMs: TIMEOUT_MS,
          keepaliveMs: Number.POSITIVE_INFINITY,
          keepaliveTimeoutMs: TIMEOUT_MS,
          now: () => performance.now(),
          firstStreamId: 1,
        });
      });
    });

    afterEach(async () => {
      connection.close();
      await server.close();
    });

    const openStream = (): EndingStream => {
      const stream = new EndingStream();
      connection.openStream(stream, "/test.Raw/Call", Buffer.alloc(0), 0);
      return stream;
    };

    test("has processed what it was sent for all that is known, and nothing of the same turn", async () => {
      const sent = openStream();
      const [peer] = server.peers;
      assert.ok(peer !== undefined);
      await peer.frame(({ type }) => type === HEADERS);
      let unsent: EndingStream | undefined;
      onHangUp = () => {
        unsent = openStream();
      };
      hangUp(peer.socket);
      assert.equal(await sent.ended, "lost");
      assert.equal(await unsent?.ended, "never_sent");
    });

    test("gets no calls from then on", async () => {
      const [peer] = server.peers;
      assert.ok(peer !== undefined);
      let hadRoom: boolean | undefined;
      onHangUp = () =>
        process.nextTick(() => {
          hadRoom = connection.hasRoom;
        });
      const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
      hangUp(peer.socket);
      await closed;
      assert.equal(hadRoom, false);
    });
  });
}
