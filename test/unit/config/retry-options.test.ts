import assert from "node:assert/strict";
import { test } from "node:test";
import { parseConfigText, resolveRouteOptions } from "../../../src/config/index.ts";
import { Code, formatProblem } from "../../../src/status/index.ts";

const HEAD =
  "listeners: [{ address: :8080 }]\nupstreams:\n  a:\n    address: h:1\n    schema: { reflection: true }\n";

test("retries, hedging and the budget are read, and cascade key by key", () => {
  const text = `${HEAD}    retryBudget: { percent: 0, keptBytes: 1MiB }
    retry: { statuses: [UNAVAILABLE, RESOURCE_EXHAUSTED], maxBackoff: 2s }
    routes:
      - { selector: a.B.C, retry: { attempts: 1 }, hedging: { attempts: 2 } }
defaults:
  retry: { attempts: 5, initialBackoff: 10ms, statuses: [] }
  hedging: { delay: 1s }
`;
  const { config, problems } = parseConfigText(text, "c.yaml", {});
  assert.deepEqual(problems, []);
  const [upstream] = config?.upstreams ?? [];
  assert.ok(config !== undefined && upstream !== undefined);
  assert.deepEqual(upstream.retryBudget, { percent: 0, minPerSecond: 10, keptBytes: 2 ** 20 });
  const statuses = [Code.UNAVAILABLE, Code.RESOURCE_EXHAUSTED];
  const { retry, hedging } = resolveRouteOptions(config.defaults, upstream.options);
  assert.deepEqual(retry, { attempts: 5, statuses, initialBackoffMs: 10, maxBackoffMs: 2000 });
  assert.deepEqual(hedging, { attempts: 1, delayMs: 1000 });
  const route = resolveRouteOptions(config.defaults, upstream.options, upstream.routes[0]?.options ?? {});
  assert.deepEqual(route.retry, { attempts: 1, statuses, initialBackoffMs: 10, maxBackoffMs: 2000 });
  assert.deepEqual(route.hedging, { attempts: 2, delayMs: 1000 });
});

test("what is wrong with them is told with its place", () => {
  const text = `${HEAD}    retryBudget: { percent: 101, minPerSecond: -1, keptBytes: lots }
    retry: { attempts: 0, statuses: [OK, UNAVAILABEL, 14], initialBackoff: 0s, backoff: 1s }
    hedging: { attempts: 6, delay: 0s }
`;
  const { config, problems } = parseConfigText(text, "c.yaml", {});
  assert.equal(config, undefined);
  const names = Object.keys(Code).filter((name) => name !== "OK");
  assert.deepEqual(problems.map(formatProblem), [
    "c.yaml:6:29: upstreams.a.retryBudget.percent: 101 is out of range (write a number from 0 to 100)",
    "c.yaml:6:48: upstreams.a.retryBudget.minPerSecond: -1 is out of range (write a number from 0 to 100000)",
    'c.yaml:6:63: upstreams.a.retryBudget.keptBytes: "lots" is not a size (write bytes or a number with a unit: 65536, 32KiB, 4MiB, 1GB)',
    "c.yaml:7:24: upstreams.a.retry.attempts: 0 is out of range (write a number from 1 to 5)",
    `c.yaml:7:38: upstreams.a.retry.statuses[0]: "OK" is not one of its values (write ${names.join(", ")})`,
    'c.yaml:7:42: upstreams.a.retry.statuses[1]: "UNAVAILABEL" is not one of its values (did you mean UNAVAILABLE?)',
    `c.yaml:7:55: upstreams.a.retry.statuses[2]: 14 is not one of its values (write ${names.join(", ")})`,
    'c.yaml:7:76: upstreams.a.retry.initialBackoff: "0s" is too little (at least 1ms)',
    "c.yaml:7:80: upstreams.a.retry.backoff: is not a key here (known keys: attempts, statuses, initialBackoff, maxBackoff)",
    "c.yaml:8:26: upstreams.a.hedging.attempts: 6 is out of range (write a number from 1 to 5)",
    'c.yaml:8:36: upstreams.a.hedging.delay: "0s" is too little (at least 1ms)',
  ]);
});
