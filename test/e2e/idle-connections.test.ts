import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { startGateway } from "../support/gateway-process.ts";
import { ENGINES } from "../support/gateway-suite.ts";
import { measureIdleConnections } from "../support/idle-connections.ts";
import { quietPort } from "../support/quiet-port.ts";

const CONNECTIONS = 1_000;
/** Some of what a process of its own age grows by is not the connections'; `npm run proof:connections` has 10,000. */
const MOST_KB: Readonly<Record<(typeof ENGINES)[number], number>> = { uws: 30, node: 60 };

describe("idle connections", { timeout: 60_000, skip: process.platform !== "linux" && "reads /proc" }, () => {
  for (const engine of ENGINES) {
    test(`${engine}: ${CONNECTIONS} of them stay, answer again, and cost little`, async () => {
      const gateway = await startGateway({
        accessLog: { enabled: false },
        listeners: [{ address: "127.0.0.1:0", engine }],
        upstreams: { none: { address: `127.0.0.1:${await quietPort()}`, schema: { reflection: true } } },
      });
      try {
        const port = Number(new URL(gateway.url()).port);
        const target = { pid: gateway.child.pid ?? 0, port, adminUrl: gateway.adminUrl };
        const { open, answered, kbEach } = await measureIdleConnections(target, CONNECTIONS);
        assert.equal(open, CONNECTIONS);
        assert.equal(answered, CONNECTIONS);
        assert.ok(kbEach <= MOST_KB[engine], `${kbEach.toFixed(1)} kB each`);
      } finally {
        await gateway.stop();
      }
    });
  }
});
