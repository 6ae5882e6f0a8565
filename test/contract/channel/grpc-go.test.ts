/** The channel contract of both clients against a real grpc-go server. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Code } from "../../../src/status/index.ts";
import { grpcJs } from "../../../src/upstream/clients/grpc-js/index.ts";
import { createHttp2Client } from "../../../src/upstream/clients/http2/index.ts";
import { CONNECTIONS, channelOptions } from "../../support/channel-options.ts";
import { describeCalls } from "./calls.ts";
import { ask, describeGoCalls } from "./go-calls.ts";
import { buildGoServer, startGoServer } from "./go-server.ts";
import { type Subject, unary } from "./subject.ts";

const SUBJECTS: readonly Subject[] = [
  { factory: createHttp2Client("sluice/0.0.0"), skips: {} },
  { factory: grpcJs, skips: {} },
];

const build = await buildGoServer();
if ("unavailable" in build) {
  test("the channel contract against grpc-go", { skip: build.unavailable }, () => undefined);
} else {
  const { binary } = build;
  const kind = { name: "grpc-go server", start: () => startGoServer(binary) };
  for (const subject of SUBJECTS) {
    describeCalls(subject, kind);
    describeGoCalls(subject, binary);
  }
  describeKeepalive(binary);
}

/** PINGs every 15 ms, as far as there are calls; a call of 300 ms sees some ten of them. */
function describeKeepalive(binary: string): void {
  const cases = [
    { title: "a server that permits the PINGs keeps the connection", minPing: "1ms" },
    {
      title: "a server that does not permit them ends the connection, and the next call has a new one",
      minPing: "1m",
    },
  ];
  describe("http2: keepalive against grpc-go's enforcement policy", { timeout: 30_000 }, () => {
    for (const { title, minPing } of cases) {
      test(title, async () => {
        const server = await startGoServer(binary, ["-min-ping-interval", minPing]);
        const connections = { ...CONNECTIONS, keepaliveMs: 15, keepaliveTimeoutMs: 10_000 };
        const client = createHttp2Client("sluice/0.0.0");
        const channel = client.connect(channelOptions([server.address], { connections }));
        const first = await ask(channel, "/test.Go/Peer");
        const { status } = await unary(channel, "/test.Go/After", Buffer.from("300"));
        const second = await ask(channel, "/test.Go/Peer");
        await server.close();
        await channel.close();
        if (minPing === "1ms") {
          assert.equal(status.code, Code.OK, status.message);
          assert.equal(second, first);
        } else {
          assert.equal(status.reason, "UPSTREAM_UNREACHABLE", status.message);
          assert.notEqual(second, first);
        }
      });
    }
  });
}
