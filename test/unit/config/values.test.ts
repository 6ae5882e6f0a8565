import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseListenAddress, parseUpstreamAddress } from "../../../src/config/addresses.ts";
import { nearestName, resolveRouteOptions, selectorMatches } from "../../../src/config/index.ts";
import { parseDuration, parseSize } from "../../../src/config/quantities.ts";

const DURATIONS = {
  "0": 0,
  "0s": 0,
  "250ms": 250,
  "5s": 5_000,
  "1m30s": 90_000,
  "2h": 7_200_000,
  "1h2m3s4ms": 3_723_004,
  "90m": 5_400_000,
  "576h": 2_073_600_000,
} as const;

for (const [text, ms] of Object.entries(DURATIONS)) {
  test(`${text} is a duration of ${ms} ms`, () => assert.equal(parseDuration(text).value, ms));
}

for (const value of [
  "",
  " 5s",
  "5",
  "5 s",
  "1.5s",
  "-1s",
  "+1s",
  "5d",
  "1s1m",
  "1s1s",
  "577h",
  "1e3s",
  "5S",
  5,
  true,
  {},
]) {
  test(`${JSON.stringify(value)} is no duration`, () => {
    assert.equal(parseDuration(value).value, undefined);
    assert.ok(parseDuration(value).complaint?.hint);
  });
}

const SIZES = {
  "0": 0,
  "65536": 65_536,
  "10B": 10,
  "4MiB": 4_194_304,
  "32KiB": 32_768,
  "1GB": 1_000_000_000,
  "1GiB": 1_073_741_824,
  "2KB": 2_000,
  "3MB": 3_000_000,
} as const;

for (const [text, bytes] of Object.entries(SIZES)) {
  test(`${text} is a size of ${bytes} bytes`, () => assert.equal(parseSize(text).value, bytes));
}

for (const value of [
  "",
  "4 MiB",
  "4mib",
  "1.5MiB",
  "-1",
  "2GiB",
  "1TB",
  "0x10",
  -1,
  1.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  null,
]) {
  test(`${String(value) || "empty text"} is no size`, () => assert.equal(parseSize(value).value, undefined));
}

test("numbers are sizes in bytes", () => assert.equal(parseSize(4096).value, 4096));

test("durations and sizes never throw and never leave their range", () => {
  const texts = fc.oneof(
    fc.string(),
    fc.stringMatching(/^\d{1,16}(h|m|s|ms|B|KB|KiB|MiB|GiB)?$/),
    fc.double(),
  );
  fc.assert(
    fc.property(texts, (value) => {
      const ms = parseDuration(value).value ?? 0;
      const bytes = parseSize(value).value ?? 0;
      assert.ok(ms >= 0 && ms < 2 ** 31);
      assert.ok(bytes >= 0 && bytes < 2 ** 31);
    }),
  );
});

test("addresses to listen on", () => {
  assert.deepEqual(parseListenAddress(":8080").value, { host: "0.0.0.0", port: 8080 });
  assert.deepEqual(parseListenAddress("[::1]:0").value, { host: "::1", port: 0 });
  assert.deepEqual(parseListenAddress("a-b.c:65535").value, { host: "a-b.c", port: 65_535 });
  for (const value of [
    "",
    ":",
    "a:",
    "a b:1",
    "a:-1",
    "a:1 ",
    "-a:1",
    "[::1",
    "a:1:2",
    "a:1\n",
    "unix:x",
    "unix://host/x",
    `unix:/${"x".repeat(107)}`,
    80,
    null,
  ]) {
    assert.equal(parseListenAddress(value).value, undefined, JSON.stringify(value));
  }
  assert.deepEqual(parseListenAddress("unix:/run/a.sock").value, { path: "/run/a.sock", mode: 0o660 });
});

test("addresses of upstreams", () => {
  assert.equal(parseUpstreamAddress("h:1").value, "h:1");
  assert.equal(parseUpstreamAddress("[fe80::1]:50051").value, "[fe80::1]:50051");
  assert.equal(parseUpstreamAddress("unix:/run/x.sock").value, "unix:/run/x.sock");
  assert.equal(parseUpstreamAddress("unix:///run/x.sock").value, "unix:/run/x.sock");
  const long = `unix:/${"x".repeat(107)}`;
  for (const value of [
    "h",
    "h:0",
    ":1",
    "unix:",
    "unix:x",
    "unix://h/x",
    "https://h:1",
    "unix:/\0",
    long,
    1,
    undefined,
  ]) {
    assert.equal(parseUpstreamAddress(value).value, undefined, JSON.stringify(value));
  }
});

test("selectors select one method, everything below a prefix, or everything", () => {
  const table = [
    ["*", "a.B.C", true],
    ["a.*", "a.B.C", true],
    ["a.B.*", "a.B.C", true],
    ["a.B.C", "a.B.C", true],
    ["a.B", "a.B.C", false],
    ["a.B.*", "a.Bx.C", false],
    ["b.*", "a.B.C", false],
    ["a.B.C.*", "a.B.C", false],
  ] as const;
  for (const [selector, method, expected] of table) {
    assert.equal(selectorMatches(selector, method), expected, `${selector} on ${method}`);
  }
});

test("the nearest name is near, whatever its case and separators", () => {
  const known = ["maxDepth", "pretty", "int64", "body"];
  const table = { max_depth: "maxDepth", MAXDEPTH: "maxDepth", prety: "pretty", bdoy: "body", in64: "int64" };
  for (const [name, expected] of Object.entries(table))
    assert.equal(nearestName(name, known), expected, name);
  for (const name of ["", "colour", "x".repeat(1000)])
    assert.equal(nearestName(name, known), undefined, name);
});

test("route options cascade: later patches win, nested ones by key", () => {
  const options = resolveRouteOptions(
    { deadlineMs: 1, idleTimeoutMs: 1, json: { pretty: true, maxDepth: 5 }, cache: { control: "public" } },
    { deadlineMs: 2, maxRequestBodyBytes: 2, json: { maxDepth: 6 }, cors: { enabled: true, maxAgeMs: 1 } },
    { deadlineMs: 3, unknownFields: "ignore", responseHeaders: { set: { a: "1", b: "2" } } },
    { deadlineMs: 4, json: { int64: "number-if-safe" }, responseHeaders: { set: { b: "" } } },
    { unknownFields: "report", deadlineMs: undefined, cors: { maxAgeMs: 2 }, cache: { vary: ["a"] } },
  );
  assert.deepEqual(options.cors, { enabled: true, maxAgeMs: 2 });
  assert.deepEqual(options.cache, { control: "public", errors: "", vary: ["a"] });
  assert.deepEqual(options.responseHeaders.set, { a: "1", b: "" });
  assert.equal(options.deadlineMs, 4);
  assert.equal(options.idleTimeoutMs, 1);
  assert.equal(options.maxRequestBodyBytes, 2);
  assert.equal(options.unknownFields, "report");
  assert.deepEqual(options.json, {
    emitDefaults: true,
    enumsAsNumbers: false,
    int64: "number-if-safe",
    protoFieldNames: false,
    pretty: true,
    prettyPrintParameter: false,
    maxDepth: 6,
  });
});

test("options of streams merge by key, those of events too", () => {
  const options = resolveRouteOptions(
    { stream: { format: "sse", sse: { idField: "a.b", heartbeatMs: 1000 } }, etag: "weak" },
    { stream: { envelope: "grpc-gateway", sse: { event: "tick", heartbeatMs: Number.POSITIVE_INFINITY } } },
  );
  assert.deepEqual(options.stream, {
    format: "sse",
    envelope: "grpc-gateway",
    sse: {
      event: "tick",
      idField: "a.b",
      lastEventIdField: "",
      heartbeatMs: Number.POSITIVE_INFINITY,
      retryMs: 3000,
    },
  });
  assert.equal(options.etag, "weak");
});

test("mappings merge by key and lists replace each other", () => {
  const options = resolveRouteOptions(
    {
      requestHeaders: { allow: ["a"], rename: { a: "b", c: "d" } },
      retry: { attempts: 5, statuses: [14, 10] },
      hedging: { delayMs: 7 },
      responseHeaders: { rename: { x: "y" } },
      errors: { format: "problem", statusByCode: { 9: 412, 5: 410 } },
    },
    {
      requestHeaders: { allow: ["z"], rename: { c: "e" }, prefix: "p-" },
      errors: { statusByCode: { 5: 404 } },
      retry: { statuses: [8], maxBackoffMs: 5 },
      hedging: { attempts: 2 },
    },
  );
  assert.deepEqual(options.retry, { attempts: 5, statuses: [8], initialBackoffMs: 25, maxBackoffMs: 5 });
  assert.deepEqual(options.hedging, { attempts: 2, delayMs: 7 });
  assert.deepEqual(options.requestHeaders, {
    allow: ["z"],
    deny: [],
    rename: { a: "b", c: "e" },
    prefix: "p-",
    set: {},
  });
  assert.deepEqual(options.responseHeaders, {
    allow: ["*"],
    deny: [],
    rename: { x: "y" },
    prefix: "",
    set: {},
  });
  assert.deepEqual(options.errors, { format: "problem", statusByCode: { 9: 412, 5: 404 } });
});
