/** PROXY headers on the engine `node`: who the client is then, and what becomes of connections without a proper one. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createNodeHttpEngine } from "../../../src/http/engines/node-http/index.ts";
import type { ConnectionFault, ListenOptions, RefusedConnection } from "../../../src/http/index.ts";
import { RawHttpClient, sendAndReset } from "../../support/raw-http.ts";
import { portOf, TEST_LIMITS } from "../../support/raw-http-server.ts";
import { serverTls } from "../../support/transports.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const HEADER = "PROXY TCP4 192.0.2.7 192.0.2.1 1 2\r\n";

async function serve(
  options: Omit<ListenOptions, "limits">,
  body: (client: RawHttpClient, faults: readonly RefusedConnection[]) => Promise<void>,
  headTimeoutMs: number = TEST_LIMITS.headTimeoutMs,
): Promise<void> {
  const faults: RefusedConnection[] = [];
  const listener = await createNodeHttpEngine().listen(
    { host: "127.0.0.1", port: 0 },
    {
      proxyProtocol: { versions: "any", from: ["127.0.0.1/32"] },
      ...options,
      limits: { ...TEST_LIMITS, headTimeoutMs },
      onConnectionRefused: (refused) => faults.push(refused),
    },
    (exchange) => exchange.respond(200, [], exchange.peer),
  );
  const client = await RawHttpClient.connect(portOf(listener));
  try {
    await body(client, faults);
  } finally {
    client.close();
    listener.close();
  }
}

describe("a PROXY header", { timeout: 20_000 }, () => {
  for (const http2 of ["off", "on"] as const) {
    test(`names the client of all requests, cut at every byte, HTTP/2 ${http2}`, async () => {
      for (let cut = 1; cut < HEADER.length + 4; cut++) {
        await serve({ http2 }, async (client) => {
          const whole = Buffer.from(HEADER + GET);
          await client.sendPieces([whole.subarray(0, cut), whole.subarray(cut)]);
          assert.equal((await client.reply()).body.toString(), "192.0.2.7", `cut at ${cut}`);
          await client.send(GET);
          assert.equal((await client.reply()).body.toString(), "192.0.2.7");
        });
      }
    });
  }

  const refused: readonly (readonly [title: string, bytes: string, fault: ConnectionFault, from?: string])[] =
    [
      ["is missing", GET, "proxy-header"],
      ["is malformed", "PROXY TCP4 1 2 3 4\r\n", "proxy-header"],
      ["comes from a network that may not send one", HEADER, "proxy-peer", "10.0.0.0/8"],
    ];
  for (const [title, bytes, fault, from = "127.0.0.1/32"] of refused) {
    test(`that ${title} closes the connection, without an answer`, async () => {
      await serve({ proxyProtocol: { versions: "any", from: [from] } }, async (client, faults) => {
        await client.send(bytes);
        assert.equal(await client.closed(), "");
        assert.deepEqual(
          faults.map((told) => [told.fault, told.peer]),
          [[fault, "127.0.0.1"]],
        );
      });
    });
  }

  test("of a client that has reset before it was accepted is not believed: nobody knows its network", async () => {
    const peers: string[] = [];
    const listener = await createNodeHttpEngine().listen(
      { host: "127.0.0.1", port: 0 },
      { proxyProtocol: { versions: "any", from: ["10.0.0.0/8"] }, limits: TEST_LIMITS },
      (exchange) => peers.push(exchange.peer),
    );
    try {
      sendAndReset(portOf(listener), HEADER + GET);
      const next = await RawHttpClient.connect(portOf(listener));
      assert.equal(await next.closed(), "");
      assert.deepEqual(peers, []);
    } finally {
      listener.close();
    }
  });

  for (const [title, options, sent] of [
    ["a header that does not end", {}, "PROXY TCP4 "],
    ["a handshake that does not begin", { tls: serverTls() }, HEADER],
  ] as const) {
    test(`has a time: ${title} closes the connection`, async () => {
      const work = async (client: RawHttpClient, faults: readonly RefusedConnection[]): Promise<void> => {
        await client.send(sent);
        assert.equal(await client.closed(), "");
        assert.deepEqual(
          faults.map(({ fault }) => fault),
          ["timeout"],
        );
      };
      await serve(options, work, 200);
    });
  }

  test("before a plaintext request to TLS is a failed handshake", async () => {
    await serve({ tls: serverTls() }, async (client, faults) => {
      await client.send(HEADER + GET);
      await client.closed();
      assert.deepEqual(
        faults.map(({ fault }) => fault),
        ["tls-handshake"],
      );
    });
  });
});
