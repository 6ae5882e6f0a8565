import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { after, before, describe, test } from "node:test";
import { createPoster, encodeRequest, type PostOutcome } from "../../../../src/telemetry/otlp/index.ts";
import { type CollectorAnswer, OtlpCollector } from "../../../support/otlp-collector.ts";
import { quietPort } from "../../../support/quiet-port.ts";

const BODY = encodeRequest({ attributes: [], version: "1" }, []);

async function post(endpoint: string, timeoutMs: number, signal?: AbortSignal): Promise<PostOutcome> {
  const poster = createPoster({ endpoint, headers: ["x-key", "secret"], timeoutMs });
  try {
    return await poster.post(BODY, signal ?? new AbortController().signal);
  } finally {
    poster.close();
  }
}

describe("a request to a collector", { timeout: 20_000 }, () => {
  let collector: OtlpCollector | undefined;
  before(async () => {
    collector = await OtlpCollector.start();
  });
  after(() => collector?.close());

  const cases: readonly [what: string, answer: CollectorAnswer, outcome: PostOutcome][] = [
    ["200", { kind: "take" }, { kind: "accepted", rejectedSpans: 0, what: "" }],
    [
      "a partial success",
      { kind: "reject", spans: 3, message: "too\nold" },
      { kind: "accepted", rejectedSpans: 3, what: "too old" },
    ],
    [
      "a 200 that is no protobuf",
      { kind: "status", status: 200 },
      { kind: "accepted", rejectedSpans: 0, what: "" },
    ],
    [
      "a 200 of broken protobuf",
      { kind: "status", status: 200, headers: { "content-type": "application/x-protobuf" } },
      { kind: "accepted", rejectedSpans: 0, what: "" },
    ],
    ["400", { kind: "status", status: 400 }, { kind: "refused", what: "HTTP status 400: not now please" }],
    ["301", { kind: "status", status: 301 }, { kind: "refused", what: "HTTP status 301: not now please" }],
    ["500", { kind: "status", status: 500 }, { kind: "refused", what: "HTTP status 500: not now please" }],
    ...[429, 502, 503, 504].map((status): [string, CollectorAnswer, PostOutcome] => [
      String(status),
      { kind: "status", status },
      { kind: "unavailable", what: `HTTP status ${status}: not now please`, retryAfterMs: undefined },
    ]),
    [
      "503 with Retry-After",
      { kind: "status", status: 503, headers: { "retry-after": "7" } },
      { kind: "unavailable", what: "HTTP status 503: not now please", retryAfterMs: 7000 },
    ],
    [
      "503 with a date to retry after",
      { kind: "status", status: 503, headers: { "retry-after": "Fri, 20 Nov 2026 10:00:00 GMT" } },
      { kind: "unavailable", what: "HTTP status 503: not now please", retryAfterMs: undefined },
    ],
  ];
  for (const [what, answer, outcome] of cases) {
    test(`that answers ${what} is ${outcome.kind}`, async () => {
      assert.ok(collector);
      collector.answer = answer;
      assert.deepEqual(await post(collector.endpoint, 5000), outcome);
      assert.equal(collector.requests.at(-1)?.headers["content-type"], "application/x-protobuf");
      assert.equal(collector.requests.at(-1)?.headers["x-key"], "secret");
    });
  }

  test("that never answers is given up in time", async () => {
    assert.ok(collector);
    collector.answer = { kind: "hang" };
    assert.deepEqual(await post(collector.endpoint, 50), {
      kind: "unavailable",
      what: "no answer within 50 ms",
      retryAfterMs: undefined,
    });
  });

  test("is broken off by its signal", async () => {
    assert.ok(collector);
    collector.answer = { kind: "hang" };
    const end = new AbortController();
    const outcome = post(collector.endpoint, 60_000, end.signal);
    const count = collector.requests.length;
    await collector.until(() => (collector?.requests.length ?? 0) > count);
    end.abort();
    assert.equal((await outcome).kind, "unavailable");
  });

  test("that is not there is unavailable", async () => {
    const outcome = await post(`http://127.0.0.1:${await quietPort()}/v1/traces`, 5000);
    assert.equal(outcome.kind, "unavailable");
    assert.match(outcome.what, /ECONNREFUSED/);
  });

  test("that speaks no HTTP, or endlessly, does not harm", async () => {
    const answers = ["SSH-2.0-x\r\n", `HTTP/1.1 200 OK\r\n\r\n${"x".repeat(1024 * 1024)}`];
    const kinds: string[] = [];
    for (const answer of answers) {
      const server = createServer((socket) => {
        socket.on("error", () => socket.destroy());
        socket.end(answer);
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      const address = server.address();
      assert.ok(typeof address === "object" && address !== null);
      kinds.push((await post(`http://127.0.0.1:${address.port}`, 5000)).kind);
      server.close();
    }
    assert.deepEqual(kinds, ["unavailable", "accepted"]);
  });
});
