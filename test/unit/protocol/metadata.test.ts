import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { compileHeaderRules, type HeaderRuleOptions } from "../../../src/protocol/index.ts";
import { requestMetadata } from "../../../src/protocol/rest/index.ts";
import { chosenHttpStatus, pushReplyHeaders } from "../../../src/protocol/rest/reply-headers.ts";
import { StatusError } from "../../../src/status/index.ts";
import { FakeExchange } from "../../support/fake-exchange.ts";

const ALL: HeaderRuleOptions = { allow: ["*"], deny: [], rename: {}, prefix: "" };

/** The metadata of a request, without what the gateway adds to each. */
function metadataOf(headers: readonly string[], options: Partial<HeaderRuleOptions> = {}): readonly string[] {
  const exchange = new FakeExchange({ headers, peer: "" });
  const metadata = requestMetadata(exchange, compileHeaderRules({ ...ALL, ...options }), 0, "id");
  return metadata.filter(
    (_, i) => !["x-request-id", "x-forwarded-proto"].includes(metadata[i - (i % 2)] ?? ""),
  );
}

describe("request headers become metadata", () => {
  const cases: readonly [what: string, headers: readonly string[], metadata: readonly string[]][] = [
    ["an ordinary header crosses", ["authorization", "Bearer x"], ["authorization", "Bearer x"]],
    ["repeated headers stay apart", ["x-a", "1", "x-a", "2"], ["x-a", "1", "x-a", "2"]],
    [
      "hop-by-hop headers stay",
      ["connection", "close", "keep-alive", "1", "te", "trailers", "upgrade", "h2c", "proxy-connection", "x"],
      [],
    ],
    [
      "headers that Connection names stay",
      ["connection", "X-Hop, close", "x-hop", "1", "x-b", "2"],
      ["x-b", "2"],
    ],
    [
      "host, expect and accept-encoding stay",
      ["host", "h", "expect", "100-continue", "accept-encoding", "br"],
      ["x-forwarded-host", "h"],
    ],
    ["content-* stays", ["content-type", "a/b", "content-length", "3", "content-foo", "x"], []],
    ["grpc-* stays", ["grpc-timeout", "1S", "grpc-status", "0"], []],
    ["a name that gRPC forbids does not cross", ["x!y", "1", "x y", "2"], []],
    [
      "a value that is not printable ASCII does not cross",
      ["x-a", "ä", "x-b", "a\tb", "x-c", "ok"],
      ["x-c", "ok"],
    ],
    ["a binary header is normalised", ["x-a-bin", "-_8"], ["x-a-bin", "+/8="]],
    [
      "binary values in one header come apart",
      ["x-a-bin", "AAE=, AAI"],
      ["x-a-bin", "AAE=", "x-a-bin", "AAI="],
    ],
  ];
  for (const [what, headers, expected] of cases) {
    test(what, () => assert.deepEqual(metadataOf(headers), expected));
  }

  for (const value of ["a", "a b", "AAE=AAE=", "===", "ä"]) {
    test(`a binary header of ${JSON.stringify(value)} is refused`, () => {
      assert.throws(
        () => metadataOf(["x-a-bin", value]),
        (error) => error instanceof StatusError && error.status.reason === "HEADER_INVALID",
      );
    });
  }
});

describe("rules decide which headers cross, and how they are called", () => {
  const cases: readonly [
    what: string,
    options: Partial<HeaderRuleOptions>,
    headers: readonly string[],
    expected: readonly string[],
  ][] = [
    ["allow by name", { allow: ["x-a"] }, ["x-a", "1", "x-b", "2"], ["x-a", "1"]],
    ["allow by prefix", { allow: ["x-*"] }, ["x-a", "1", "y", "2"], ["x-a", "1"]],
    ["deny wins over allow", { deny: ["x-s*"] }, ["x-secret", "1", "x-b", "2"], ["x-b", "2"]],
    ["rename", { rename: { "x-a": "a" } }, ["x-a", "1"], ["a", "1"]],
    ["rename into a reserved name does not cross", { rename: { "x-a": "grpc-timeout" } }, ["x-a", "1S"], []],
    [
      "a prefix is taken off",
      { prefix: "grpc-metadata-" },
      ["grpc-metadata-foo", "1", "bar", "2"],
      ["foo", "1", "bar", "2"],
    ],
    [
      "a prefix does not smuggle a reserved name",
      { prefix: "grpc-metadata-" },
      ["grpc-metadata-grpc-timeout", "1S"],
      [],
    ],
  ];
  for (const [what, options, headers, expected] of cases) {
    test(what, () => assert.deepEqual(metadataOf(headers, options), expected));
  }

  test("reply metadata gets the prefix unless it is renamed", () => {
    const headers: string[] = [];
    const rules = compileHeaderRules({ ...ALL, prefix: "grpc-metadata-", rename: { etag: "etag" } });
    pushReplyHeaders(headers, ["etag", "1", "x-a", "2"], rules);
    assert.deepEqual(headers, ["etag", "1", "grpc-metadata-x-a", "2"]);
  });
});

describe("headers that are set", () => {
  const set = { "x-tenant": "public", "x-none": "" };
  test("take the place of whatever would cross under their names", () => {
    const options = { ...ALL, set, prefix: "grpc-metadata-", rename: { "x-other": "x-tenant" } };
    const sent = ["x-tenant", "a", "grpc-metadata-x-tenant", "b", "x-other", "c", "x-none", "d"];
    assert.deepEqual(metadataOf(sent, options), ["x-none", "d", "x-tenant", "public"]);
    const headers: string[] = [];
    const rules = compileHeaderRules({ ...ALL, set, rename: { "x-other": "x-tenant" } });
    pushReplyHeaders(headers, ["x-tenant", "a", "x-other", "b", "x-none", "c"], rules);
    assert.deepEqual(headers, ["x-none", "c"]);
    assert.deepEqual(rules.fixed, ["x-tenant", "public"]);
  });
});

describe("reply metadata becomes headers", () => {
  test("reserved names are dropped, binary values stay base64", () => {
    const headers: string[] = [];
    pushReplyHeaders(
      headers,
      [
        "content-type",
        "application/grpc",
        "grpc-encoding",
        "gzip",
        "date",
        "x",
        "transfer-encoding",
        "chunked",
        "x-http-code",
        "201",
        "x-a",
        "1",
        "x-b-bin",
        "AAE=",
      ],
      compileHeaderRules(ALL),
    );
    assert.deepEqual(headers, ["x-a", "1", "x-b-bin", "AAE="]);
  });

  const statuses: readonly [value: string, status: number][] = [
    ["201", 201],
    ["302", 302],
    ["399", 399],
    ["400", 200],
    ["199", 200],
    ["101", 200],
    ["x", 200],
    ["", 200],
    ["2e2", 200],
  ];
  for (const [value, status] of statuses) {
    test(`an upstream that chooses ${JSON.stringify(value)} gets ${status}`, () => {
      assert.equal(chosenHttpStatus(["x-http-code", value]), status);
    });
  }
});
