/**
 * Mutated HTTP requests over raw sockets against the running gateway: whatever comes, the process stays up, no connection
 * hangs, nothing internal shows, and the next good request is answered.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import fc from "fast-check";
import { describeGateway, INTERNALS, type Subject } from "../support/gateway-suite.ts";
import { jsonOf } from "../support/http-request.ts";
import { bytesOf, RawHttpClient } from "../support/raw-http.ts";

/** Requests that are right, as a start for mutations: heads and bodies of every kind of route. */
const SEEDS: readonly string[] = [
  "GET /v1/echo?stringValue=a&nested.int32Value=1&mapStringString[k]=v HTTP/1.1\r\nhost: x\r\n\r\n",
  'POST /v1/echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 18\r\n\r\n{"stringValue":""}',
  "POST /v1/echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
  "PUT /v1/blobs/a/b?tags=x HTTP/1.1\r\nhost: x\r\ncontent-type: a/b\r\ncontent-length: 3\r\n\r\n\0\x01\xff",
  "GET /v1/shelves/1/books/%2F:stat HTTP/1.1\r\nhost: x\r\ngrpc-timeout: 1S\r\nx-a-bin: AA==\r\n\r\n",
  'PATCH /v1/items/1 HTTP/1.1\r\nhost: x\r\ncontent-length: 31\r\n\r\n{"nested":{"timestampValue":0}}',
  "OPTIONS /v1/echo HTTP/1.1\r\nhost: x\r\norigin: https://a\r\naccess-control-request-method: GET\r\n\r\n",
  "GET /v1/count/3 HTTP/1.1\r\nhost: x\r\naccept: application/problem+json\r\n\r\n",
  "HEAD /v1/files/a/b/c HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
];

/** Pieces that parsers stumble over. */
const POISON: readonly string[] = [
  "\r\n",
  "\n",
  "\r",
  "\0",
  "\xff",
  "%",
  "%00",
  "%zz",
  "%2e%2e/",
  "/../",
  "//",
  "?",
  "&",
  "=",
  "[",
  "]",
  ":",
  ";",
  "{",
  "}",
  '"',
  "\\u0000",
  "__proto__",
  "constructor",
  "content-length: 1\r\n",
  "transfer-encoding: chunked\r\n",
  "connection: upgrade\r\nupgrade: websocket\r\n",
  "expect: 100-continue\r\n",
  "grpc-timeout: 1n\r\n",
  "-1",
  "99999999999999999999",
  "1e999",
  "HTTP/1.0",
  "HTTP/2.0",
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  "A".repeat(5000),
];

/** One change of a text: at a relative place, poison put in, a stretch cut out or doubled, or a byte set. */
const mutation = fc.record({
  place: fc.double({ min: 0, max: 1, noNaN: true }),
  kind: fc.constantFrom("insert", "cut", "double", "byte"),
  length: fc.integer({ min: 1, max: 12 }),
  poison: fc.constantFrom(...POISON),
  byte: fc.integer({ min: 0, max: 255 }),
});
type Mutation = typeof mutation extends fc.Arbitrary<infer Value> ? Value : never;

function mutate(text: string, { place, kind, length, poison, byte }: Mutation): string {
  const at = Math.floor(place * text.length);
  const head = text.slice(0, at);
  const tail = text.slice(at);
  switch (kind) {
    case "insert":
      return head + poison + tail;
    case "cut":
      return head + tail.slice(length);
    case "double":
      return head + tail.slice(0, length).repeat(2) + tail.slice(length);
    case "byte":
      return head + String.fromCharCode(byte) + tail.slice(1);
    default:
      return kind;
  }
}

const HTTP2_PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const hostile = fc
  .tuple(fc.constantFrom(...SEEDS), fc.array(mutation, { minLength: 1, maxLength: 4 }))
  .map(([seed, mutations]) => mutations.reduce(mutate, seed));

describeGateway("hostile requests", { config: { defaults: { deadline: "2s" } } }, (subject) => {
  const clients = new Set<RawHttpClient>();
  after(() => {
    for (const client of clients) client.close();
  });

  const runs = fc.asyncProperty(hostile, async (request) => {
    const received = await exchange(subject, clients, bytesOf(request));
    assert.doesNotMatch(received, INTERNALS);
    // Engine node speaks HTTP/2 with whoever begins with its preface: SETTINGS come first, of frame type 4.
    const speaksHttp2 = request.startsWith(HTTP2_PREFACE) && received.charCodeAt(3) === 4;
    if (received !== "" && !speaksHttp2) assert.match(received, /^HTTP\/1\.1 [1-5]\d\d /);
  });

  test("mutated requests get an answer or a closed connection, and nothing internal", async () => {
    await fc.assert(runs, { numRuns: 400 });
    await assertAlive(subject);
  });

  test("random bytes get an answer or a closed connection", async () => {
    const property = fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async (bytes) => {
      const received = await exchange(subject, clients, bytes);
      if (received !== "") assert.match(received, /^HTTP\/1\.1 [45]\d\d /);
    });
    await fc.assert(property, { numRuns: 100 });
    await assertAlive(subject);
  });

  test("random JSON to a method is 200 or a JSON error that is the client's fault", async () => {
    const property = fc.asyncProperty(jsonBody, async (body) => {
      const answer = await subject.send("POST /v1/echo", {
        headers: ["content-type", "application/json"],
        body,
      });
      assert.ok(answer.status === 200 || answer.status === 400, `${answer.status} ${answer.body.toString()}`);
      assert.equal(typeof jsonOf(answer), "object");
      assert.doesNotMatch(answer.body.toString(), /TypeError|RangeError|node:/);
    });
    await fc.assert(property, { numRuns: 300 });
  });

  test("random queries are 200 or a JSON error that is the client's fault", async () => {
    // A query takes masks in proto spelling, of which JSON cannot write all back: that reply would be the upstream's fault.
    const name = fc.constantFrom(
      ...FIELDS.filter((field) => field !== "fieldMaskValue"),
      "nested",
      "nested.",
      ".",
      "nested.nested.boolValue",
      "mapStringString[",
      "__proto__",
      "constructor.name",
    );
    const value = fc.oneof(
      fc.string(),
      fc.constantFrom("1", "-1", "true", "NaN", "1e400", "2020-01-01T00:00:00Z", "1s", "%", "\u0000"),
    );
    const pairs = fc.array(fc.tuple(name, value), { maxLength: 5 });
    const property = fc.asyncProperty(pairs, async (parameters) => {
      const query = parameters.map((pair) => pair.map(encode).join("=")).join("&");
      const answer = await subject.send(`GET /v1/echo?${query}`);
      assert.ok(answer.status === 200 || answer.status === 400, `${answer.status} ${answer.body.toString()}`);
      assert.doesNotMatch(answer.body.toString(), /TypeError|RangeError|node:/);
    });
    await fc.assert(property, { numRuns: 300 });
  });

  test("500 connections that send half a head do not keep a good request waiting", async () => {
    const half = await Promise.all(Array.from({ length: 500 }, () => RawHttpClient.connect(subject.port)));
    await Promise.all(half.map((client) => client.send("GET /v1/echo HTTP/1.1\r\nho")));
    await assertAlive(subject);
    for (const client of half) client.close();
  });

  test("the process is the same one, and blames itself for nothing", () => {
    assert.equal(subject.gateway.child.exitCode, null);
    assert.equal(subject.gateway.child.signalCode, null);
    assert.equal(subject.gateway.stderr, "");
    assert.deepEqual(
      subject.gateway.log.filter((line) => line.level === "error" || line.level === "fatal"),
      [],
    );
  });
});

const FIELDS: readonly string[] = [
  "int32Value",
  "uint64_value",
  "doubleValue",
  "boolValue",
  "stringValue",
  "bytesValue",
  "enumValue",
  "nested",
  "repeatedInt32",
  "mapInt32String",
  "oneofInt32",
  "oneofNested",
  "timestampValue",
  "durationValue",
  "fieldMaskValue",
  "structValue",
  "valueValue",
  "anyValue",
  "emptyValue",
  "nullValue",
  "int64Wrapper",
  "repeatedTimestamp",
  "mapStringMessage",
];

/** JSON whose members are often fields of the message, and whose values are anything. */
const jsonBody = fc.oneof(
  fc.json(),
  fc
    .dictionary(
      fc.oneof(fc.constantFrom(...FIELDS), fc.string(), fc.constant("@type")),
      fc.jsonValue({ maxDepth: 4 }),
    )
    .map((value) => JSON.stringify(value)),
);

/** What the gateway sends, until it closes: the client ends its side, so that no reply is waited for in vain. */
async function exchange(subject: Subject, clients: Set<RawHttpClient>, request: Uint8Array): Promise<string> {
  const client = await RawHttpClient.connect(subject.port);
  clients.add(client);
  await client.send(request);
  client.socket.end();
  const received = await client.closed();
  clients.delete(client);
  return received;
}

async function assertAlive(subject: Subject): Promise<void> {
  const answer = await subject.send("POST /v1/part/string", {
    headers: ["content-type", "application/json"],
    body: '{"stringValue":"alive"}',
  });
  assert.equal(jsonOf(answer), "alive");
}

/** Percent-encodes all but what shall reach the parser of queries as it is. */
function encode(text: string): string {
  return [...Buffer.from(text)]
    .map((byte) => {
      const c = String.fromCharCode(byte);
      return /[\w.[\]%-]/.test(c) ? c : `%${byte.toString(16).padStart(2, "0")}`;
    })
    .join("");
}
