import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema, MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import {
  BUILT_IN_ROUTE_OPTIONS,
  type RouteOptionsPatch,
  resolveRouteOptions,
} from "../../../src/config/index.ts";
import { repeatPolicyOf } from "../../../src/control/repeat-policy.ts";
import {
  type Idempotency,
  type MethodKind,
  readDescriptorSet,
  type SchemaSet,
} from "../../../src/schema/index.ts";
import { Code, upstreamStatus } from "../../../src/status/index.ts";
import { codeSet } from "../../../src/upstream/index.ts";
import { FakeChannel } from "../../support/fake-channel.ts";
import { buildSchema } from "../../support/in-one-go.ts";
import { compile, routeOf } from "./compile.ts";

const RETRY = {
  kind: "retry",
  attempts: 3,
  codes: codeSet([Code.UNAVAILABLE]),
  commitsWith: "status",
  initialBackoffMs: 25,
  maxBackoffMs: 1000,
};

describe("calls are repeated", () => {
  const rows: readonly [
    httpMethod: string,
    kind: MethodKind,
    idempotency: Idempotency,
    isRepeated: boolean,
  ][] = [
    ["GET", "unary", "unknown", true],
    ["HEAD", "unary", "unknown", true],
    ["GET", "server_streaming", "unknown", true],
    ["POST", "unary", "no_side_effects", true],
    ["POST", "unary", "idempotent", true],
    ["DELETE", "server_streaming", "idempotent", true],
    ["*", "unary", "idempotent", true],
    ["POST", "unary", "unknown", false],
    ["PUT", "unary", "unknown", false],
    ["PATCH", "unary", "unknown", false],
    ["DELETE", "unary", "unknown", false],
    ["*", "unary", "unknown", false],
    ["get", "unary", "unknown", false],
    ["REPORT", "unary", "unknown", false],
    ["GET", "client_streaming", "no_side_effects", false],
    ["GET", "bidi_streaming", "no_side_effects", false],
  ];
  for (const [httpMethod, kind, idempotency, isRepeated] of rows) {
    test(`${isRepeated ? "for" : "not for"} ${httpMethod} of a ${kind} method, idempotency ${idempotency}`, () => {
      const policy = repeatPolicyOf({ kind, idempotency }, httpMethod, BUILT_IN_ROUTE_OPTIONS);
      const commitsWith = kind === "unary" ? "status" : "message";
      assert.deepEqual(policy, isRepeated ? { ...RETRY, commitsWith } : undefined);
    });
  }

  const options: readonly [what: string, patch: RouteOptionsPatch, policy: unknown][] = [
    ["once with attempts: 1", { retry: { attempts: 1 } }, undefined],
    ["once where no failure counts", { retry: { statuses: [] } }, undefined],
    [
      "as the route says",
      { retry: { attempts: 5, statuses: [Code.ABORTED], initialBackoffMs: 1, maxBackoffMs: 2 } },
      { ...RETRY, attempts: 5, codes: codeSet([Code.ABORTED]), initialBackoffMs: 1, maxBackoffMs: 2 },
    ],
    [
      "by hedging rather than retries, with the failures of retries",
      { hedging: { attempts: 2 } },
      { kind: "hedging", attempts: 2, codes: codeSet([Code.UNAVAILABLE]), delayMs: 50 },
    ],
    [
      "by hedging without retries",
      { hedging: { attempts: 2, delayMs: 7 }, retry: { attempts: 1, statuses: [] } },
      { kind: "hedging", attempts: 2, codes: 0, delayMs: 7 },
    ],
  ];
  for (const [what, patch, expected] of options) {
    test(what, () => {
      const method = { kind: "unary", idempotency: "unknown" } as const;
      assert.deepEqual(repeatPolicyOf(method, "GET", resolveRouteOptions(patch)), expected);
    });
  }
});

describe("a route table", () => {
  const yaml = (more = ""): string =>
    `upstreams:\n  echo:\n    address: localhost:1\n    schema: { reflection: true }\n${more}`;

  test("gives the upstream's own channel to every route whose calls are sent once", () => {
    const own = new FakeChannel();
    const { snapshot } = compile({ yaml: yaml(), channels: { echo: own } });
    assert.ok(snapshot.routes.length > 50);
    for (const { httpMethod, method, channel } of snapshot.routes) {
      const mayRepeat = httpMethod === "GET" && ["unary", "server_streaming"].includes(method.kind);
      assert.equal(channel !== own, mayRepeat, `${httpMethod} of ${method.fullName}`);
    }
  });

  test("gives it to all where retries are off", () => {
    const own = new FakeChannel();
    const { snapshot } = compile({ yaml: yaml("    retry: { attempts: 1 }\n"), channels: { echo: own } });
    assert.ok(snapshot.routes.every(({ channel }) => channel === own));
  });

  test("knows methods that may run twice by their options", () => {
    const own = new FakeChannel();
    const schemas = { echo: echoWith("EchoField", MethodOptions_IdempotencyLevel.IDEMPOTENT) };
    const compiled = compile({ yaml: yaml(), channels: { echo: own }, schemas });
    assert.notEqual(routeOf(compiled, "POST", "/v1/body/message/a").channel, own);
    assert.equal(routeOf(compiled, "POST", "/v1/part/string").channel, own);
  });

  test("sends calls of one upstream within one budget", () => {
    const own = new FakeChannel();
    const budget = "    retryBudget: { percent: 0, minPerSecond: 0 }\n";
    const compiled = compile({ yaml: yaml(budget), channels: { echo: own } });
    const heard: number[] = [];
    const call = routeOf(compiled, "GET", "/v1/ping").channel.open("/a/B", [], 1000, {
      onHeaders: () => undefined,
      onMessage: () => true,
      onDrain: () => undefined,
      onStatus: ({ code }) => heard.push(code),
    });
    call.send(Buffer.from("a"));
    call.halfClose();
    own.call.listener.onStatus(upstreamStatus(Code.UNAVAILABLE, ""), []);
    assert.deepEqual(heard, [Code.UNAVAILABLE]);
  });
});

/** The echo service with one method marked. */
function echoWith(name: string, idempotencyLevel: MethodOptions_IdempotencyLevel): SchemaSet {
  const set = fromBinary(FileDescriptorSetSchema, readFileSync("test/fixtures/echo/echo.binpb"));
  for (const { options } of set.file
    .flatMap(({ service }) => service)
    .flatMap(({ method }) => method)
    .filter((method) => method.name === name)) {
    if (options !== undefined) options.idempotencyLevel = idempotencyLevel;
  }
  const files = readDescriptorSet(toBinary(FileDescriptorSetSchema, set));
  const { schema } = buildSchema([{ origin: "echo", files }]);
  if (schema === undefined) throw new Error("no schema");
  return schema;
}
