/** Keepalive on a clock of the test's own; over sockets it is in `connections.test.ts` and `doubt.test.ts`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Keepalive } from "../../../../src/upstream/clients/http2/keepalive.ts";

test("the answer to a PING that comes when the connection has ended starts nothing anew", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let pings = 0;
  const keepalive = new Keepalive(
    1000,
    100,
    () => {
      pings++;
      return true;
    },
    () => undefined,
  );
  keepalive.start();
  t.mock.timers.tick(1000);
  assert.equal(pings, 1);
  keepalive.hear(1050);
  keepalive.stop();
  // A frame behind the one that ended the connection, in the same bytes.
  keepalive.acknowledge();
  for (let i = 0; i < 10; i++) t.mock.timers.tick(1000);
  assert.equal(pings, 1);
});
