import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { deserialize, serialize } from "node:v8";
import {
  type FromWorker,
  readOrder,
  readReport,
  type ToWorker,
} from "../../../../src/app/workers/messages.ts";

const ADDRESS = { host: "::1", port: 8080 };
const BYTES = new Uint8Array([1, 2, 3]);

/** As the channel between processes does it. */
function sent(value: unknown): unknown {
  return deserialize(serialize(value));
}

const ORDERS: readonly ToWorker[] = [
  {
    kind: "start",
    worker: 2,
    document: { kind: "file", path: "sluice.yaml", bytes: BYTES },
    addresses: [ADDRESS],
    schemas: [{ upstream: "a", form: "f", descriptorSet: BYTES }],
    logLevel: "debug",
  },
  {
    kind: "start",
    worker: 1,
    document: {
      kind: "flags",
      flags: { upstream: "h:1", descriptors: ["a.binpb"], workers: "2" },
      directory: "/",
    },
    addresses: [],
    schemas: [],
    logLevel: "info",
  },
  { kind: "schemas", schemas: [{ upstream: "a", form: "f", descriptorSet: BYTES }] },
  { kind: "config", document: { kind: "file", path: "sluice.yaml", bytes: BYTES } },
  { kind: "ask", id: 7, about: "metrics" },
  { kind: "drain" },
];

const REPORTS: readonly FromWorker[] = [
  { kind: "hello" },
  { kind: "serving", listening: [{ address: ADDRESS, engine: "uws" }] },
  { kind: "failed", why: "no port" },
  { kind: "answer", id: 7, about: "readiness", ready: true, text: "ready" },
];

describe("what one process says the other reads", () => {
  for (const order of ORDERS)
    test(`to a worker: ${order.kind}`, () => assert.deepEqual(readOrder(sent(order)), order));
  for (const report of REPORTS)
    test(`from a worker: ${report.kind}`, () => assert.deepEqual(readReport(sent(report)), report));
});

test("flags that are not given stay away", () => {
  const flags = {
    upstream: "h:1",
    descriptors: undefined,
    listen: undefined,
    admin: undefined,
    workers: "2",
  };
  const order: ToWorker = {
    kind: "start",
    worker: 1,
    document: { kind: "flags", flags, directory: "/" },
    addresses: [],
    schemas: [],
    logLevel: "info",
  };
  assert.deepEqual(readOrder(sent(order)), order);
});

describe("anything else is refused by the field that is wrong", () => {
  const wrong: readonly [value: unknown, message: RegExp][] = [
    [undefined, /a message from the primary is malformed/],
    [{ kind: "dance" }, /malformed: kind: /],
    [{ kind: "ask", id: 1.5, about: "metrics" }, /malformed: id: /],
    [{ kind: "ask", id: 1, about: "love" }, /malformed: about: /],
    [
      { kind: "schemas", schemas: [{ upstream: "a", form: "f", descriptorSet: "text" }] },
      /malformed: schemas\.0\.descriptorSet: /,
    ],
    [{ ...ORDERS[0], addresses: [{ host: "h", port: 0 }] }, /malformed: addresses\.0\.port: /],
    [{ ...ORDERS[0], document: { kind: "file", path: "x" } }, /malformed: document\.bytes: /],
  ];
  for (const [value, message] of wrong) {
    test(JSON.stringify(value)?.slice(0, 80) ?? "nothing", () =>
      assert.throws(() => readOrder(value), message),
    );
  }
  test("a report, too", () =>
    assert.throws(() => readReport({ kind: "failed" }), /a message from a worker is malformed: why: /));
});
