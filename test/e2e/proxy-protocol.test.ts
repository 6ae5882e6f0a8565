/** PROXY headers through the built gateway: who the upstream is told has asked. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, describe, test } from "node:test";
import { type EchoServer, startEchoServer } from "../support/echo-server.ts";
import { type GatewayProcess, startGateway } from "../support/gateway-process.ts";
import { descriptorPath } from "../support/gateway-suite.ts";

const REQUEST = "GET /v1/metadata HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
/** Version 2, PROXY, TCP over IPv4, 12 bytes: 203.0.113.8:4000 to 192.0.2.1:443. */
const VERSION_2: Buffer = Buffer.from("0d0a0d0a000d0a515549540a2111000ccb007108c00002010fa001bb", "hex");

/** All that comes back on a connection that sends `bytes`. */
async function spoken(port: number, bytes: string | Uint8Array): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  // Being cut off is what some of them are about.
  socket.on("error", () => {});
  socket.write(bytes);
  await new Promise((resolve) => {
    socket.on("close", resolve);
  });
  return Buffer.concat(chunks).toString("latin1");
}

describe("PROXY headers", { timeout: 30_000 }, () => {
  let echo: EchoServer;
  let gateway: GatewayProcess;
  before(async () => {
    echo = await startEchoServer();
    const address = "127.0.0.1:0";
    gateway = await startGateway({
      listeners: [
        { name: "balanced", address, proxyProtocol: "any", proxyProtocolFrom: ["127.0.0.0/8"] },
        { name: "elsewhere", address, proxyProtocol: "any", proxyProtocolFrom: ["10.0.0.0/8"] },
      ],
      upstreams: { echo: { address: echo.address, schema: { descriptors: [descriptorPath()] } } },
    });
  });
  after(async () => {
    await gateway.stop();
    await echo.close();
  });

  const portOf = (index: number): number => Number(new URL(gateway.url(index)).port);

  const told: readonly [what: string, header: string | Uint8Array, peer: string][] = [
    ["version 1", "PROXY TCP4 203.0.113.7 192.0.2.1 4000 443\r\n", "203.0.113.7"],
    ["version 1, IPv6", "PROXY TCP6 2001:db8::7 2001:db8::1 4000 443\r\n", "2001:db8::7"],
    ["version 2", VERSION_2, "203.0.113.8"],
  ];
  for (const [what, header, peer] of told) {
    test(`the upstream is told of the client that ${what} names`, async () => {
      const bytes = Buffer.concat([Buffer.from(header), Buffer.from(REQUEST)]);
      const reply = await spoken(portOf(0), bytes);
      assert.match(reply, /^HTTP\/1\.1 200 /);
      const body: unknown = JSON.parse(reply.slice(reply.indexOf("{"), reply.lastIndexOf("}") + 1));
      assert.ok(JSON.stringify(body).includes(`{"key":"x-forwarded-for","value":"${peer}"}`), reply);
    });
  }

  const closed: readonly [what: string, listener: number, bytes: string, fault: string][] = [
    ["a connection without one", 0, REQUEST, "proxy-header"],
    ["one that is malformed", 0, `PROXY TCP4 203.0.113.7\r\n${REQUEST}`, "proxy-header"],
    [
      "one from a network that is not named",
      1,
      `PROXY TCP4 203.0.113.7 192.0.2.1 4000 443\r\n${REQUEST}`,
      "proxy-peer",
    ],
  ];
  for (const [what, listener, bytes, fault] of closed) {
    test(`${what} is closed without an answer, and counted`, async () => {
      const name = listener === 0 ? "balanced" : "elsewhere";
      const counted = async (): Promise<number> => {
        const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
        const sample = `sluice_refused_connections_total{listener="${name}",fault="${fault}"} `;
        return Number(
          metrics
            .split("\n")
            .find((line) => line.startsWith(sample))
            ?.slice(sample.length) ?? 0,
        );
      };
      const before = await counted();
      assert.equal(await spoken(portOf(listener), bytes), "");
      assert.equal(await counted(), before + 1);
    });
  }
});
