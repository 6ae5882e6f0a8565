import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Logger, SpanRecord } from "../../../../src/telemetry/index.ts";
import { type PostOutcome, SpanExporter } from "../../../../src/telemetry/otlp/index.ts";
import { decodeTraces } from "../../../support/otlp-collector.ts";

const TAKEN: PostOutcome = { kind: "accepted", rejectedSpans: 0, what: "" };
const DOWN: PostOutcome = { kind: "unavailable", what: "refused", retryAfterMs: undefined };

function span(name: string): SpanRecord {
  return {
    traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
    spanId: "00f067aa0ba902b7",
    parentSpanId: "",
    traceState: "",
    kind: "server",
    name,
    startMs: 1,
    endMs: 2,
    attributes: [],
    events: [],
    outcome: "unset",
    message: "",
  };
}

/** Lets everything run that waits for nothing but its turn. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** An exporter whose pauses and answers the test plays. */
class Bench {
  /** The names of the spans of each request. */
  readonly posted: string[][] = [];
  readonly pauses: number[] = [];
  readonly lines: string[] = [];
  readonly exporter: SpanExporter;
  isClosed = false;
  #resume: (() => void) | undefined;
  #answer: ((outcome: PostOutcome) => void) | undefined;

  constructor(queueBytes = 1024 * 1024) {
    const line = (fields: unknown, text?: string): void => {
      this.lines.push(`${text} ${JSON.stringify(fields)}`);
    };
    const log: Logger = {
      level: "info",
      trace: line,
      debug: line,
      info: line,
      warn: line,
      error: line,
      fatal: line,
    };
    this.exporter = new SpanExporter({
      poster: {
        post: (body, signal) => {
          this.posted.push(decodeTraces(body).spans.map(({ name }) => name));
          return new Promise((resolve) => {
            this.#answer = resolve;
            signal.addEventListener("abort", () => resolve(DOWN));
          });
        },
        close: () => {
          this.isClosed = true;
        },
      },
      resource: { attributes: [], version: "1" },
      intervalMs: 5000,
      queueBytes,
      log,
      name: "http://collector.test/v1/traces",
      random: () => 0.5,
      pause: (ms, signal) => {
        this.pauses.push(ms);
        return new Promise((resolve, reject) => {
          this.#resume = resolve;
          if (signal.aborted) reject(new Error("aborted"));
          signal.addEventListener("abort", () => reject(new Error("aborted")));
        });
      },
    });
  }

  /** The pause under way is over. */
  async wake(): Promise<void> {
    await settle();
    this.#resume?.();
    await settle();
  }

  async answer(outcome: PostOutcome): Promise<void> {
    this.#answer?.(outcome);
    await settle();
  }
}

describe("the exporter", () => {
  test("gathers spans for the interval, and sends them in one request", async () => {
    const bench = new Bench();
    bench.exporter.take(span("a"));
    bench.exporter.take(span("b"));
    assert.deepEqual([bench.pauses, bench.posted], [[5000], []]);
    await bench.wake();
    assert.deepEqual(bench.posted, [["a", "b"]]);
    bench.exporter.take(span("c"));
    await bench.answer(TAKEN);
    assert.deepEqual(bench.exporter.counts, { exported: 2, rejected: 0, failed: 0, dropped: 0 });
    await bench.wake();
    await bench.answer(TAKEN);
    assert.deepEqual(bench.posted, [["a", "b"], ["c"]]);
    assert.equal(bench.exporter.queuedBytes, 0);
    assert.deepEqual(bench.lines, []);
  });

  test("does not wait once a batch is full, and never sends more than one", async () => {
    const bench = new Bench(10 * 1024 * 1024);
    const long = "x".repeat(100_000);
    for (let i = 0; i < 5; i++) bench.exporter.take(span(`${i}${long}`));
    await settle();
    assert.equal(bench.posted.length, 1);
    assert.equal(bench.posted[0]?.length, 2);
    await bench.answer(TAKEN);
    assert.equal(bench.posted[1]?.length, 2);
    await bench.answer(TAKEN);
    // What is left is less than a batch, and waits.
    assert.equal(bench.posted.length, 2);
    await bench.wake();
    await bench.answer(TAKEN);
    assert.equal(bench.exporter.counts.exported, 5);
  });

  test("tries again with growing pauses while the collector is away, and says so once", async () => {
    const bench = new Bench();
    bench.exporter.take(span("a"));
    await bench.wake();
    for (let i = 0; i < 4; i++) {
      await bench.answer(DOWN);
      await bench.wake();
    }
    await bench.answer(DOWN);
    assert.deepEqual(bench.pauses, [5000, 750, 1500, 3000, 6000]);
    assert.deepEqual(bench.exporter.counts, { exported: 0, rejected: 0, failed: 1, dropped: 0 });
    bench.exporter.take(span("b"));
    await bench.wake();
    await bench.answer(TAKEN);
    assert.deepEqual(bench.lines, [
      'spans cannot be exported {"endpoint":"http://collector.test/v1/traces","cause":"refused"}',
      'spans are exported again {"endpoint":"http://collector.test/v1/traces"}',
    ]);
  });

  test("waits as long as the collector asks, but no longer than five minutes", async () => {
    const bench = new Bench();
    bench.exporter.take(span("a"));
    await bench.wake();
    await bench.answer({ ...DOWN, retryAfterMs: 17_000 });
    await bench.wake();
    await bench.answer({ ...DOWN, retryAfterMs: 86_400_000 });
    assert.deepEqual(bench.pauses, [5000, 17_000, 300_000]);
  });

  test("does not try again what the collector refuses", async () => {
    const bench = new Bench();
    bench.exporter.take(span("a"));
    await bench.wake();
    await bench.answer({ kind: "refused", what: "HTTP status 401" });
    assert.deepEqual(bench.exporter.counts, { exported: 0, rejected: 1, failed: 0, dropped: 0 });
    assert.equal(bench.posted.length, 1);
    assert.match(bench.lines[0] ?? "", /HTTP status 401/);
  });

  test("counts what the collector takes in part", async () => {
    const bench = new Bench();
    for (const name of ["a", "b", "c"]) bench.exporter.take(span(name));
    await bench.wake();
    await bench.answer({ kind: "accepted", rejectedSpans: 2, what: "too old" });
    assert.deepEqual(bench.exporter.counts, { exported: 1, rejected: 2, failed: 0, dropped: 0 });
    assert.match(bench.lines[0] ?? "", /2 spans were rejected: too old/);
  });

  test("drops and counts what does not fit into the queue", async () => {
    const bench = new Bench(200);
    for (let i = 0; i < 1000; i++) bench.exporter.take(span("a"));
    const kept = 1000 - bench.exporter.counts.dropped;
    assert.ok(bench.exporter.queuedBytes <= 300, `${bench.exporter.queuedBytes} bytes`);
    await bench.wake();
    assert.equal(bench.posted[0]?.length, kept);
    bench.exporter.take(span("b"));
    assert.equal(bench.exporter.counts.dropped, 1000 - kept + 1, "a batch under way still takes its room");
    await bench.answer(TAKEN);
    bench.exporter.take(span("b"));
    assert.equal(bench.exporter.counts.dropped, 1000 - kept + 1);
  });

  test("sends what is left when it is closed, and takes no more", async () => {
    const bench = new Bench();
    bench.exporter.take(span("a"));
    const closed = bench.exporter.close(1000);
    await settle();
    assert.deepEqual(bench.posted, [["a"]]);
    bench.exporter.take(span("b"));
    await bench.answer(TAKEN);
    await closed;
    assert.deepEqual(bench.exporter.counts, { exported: 1, rejected: 0, failed: 0, dropped: 1 });
    assert.equal(bench.isClosed, true);
  });

  test("gives up at its end when the time is over", async () => {
    const bench = new Bench();
    bench.exporter.take(span("a"));
    const closed = bench.exporter.close(1000);
    await bench.wake();
    await closed;
    assert.deepEqual(bench.exporter.counts, { exported: 0, rejected: 0, failed: 1, dropped: 0 });
    assert.deepEqual(bench.lines, [], "it says nothing of what it broke off itself");
  });

  test("closes at once where nothing was ever traced", async () => {
    const bench = new Bench();
    await bench.exporter.close(1000);
    assert.deepEqual(bench.posted, []);
    assert.equal(bench.isClosed, true);
  });

  test("has its counts as metrics", async () => {
    const bench = new Bench();
    bench.exporter.take(span("a"));
    const readings = bench.exporter.readings().map(({ name, read }) => [name, [...read()]]);
    assert.deepEqual(readings[0], [
      "sluice_trace_spans_total",
      [
        [["exported"], 0],
        [["rejected"], 0],
        [["failed"], 0],
        [["dropped"], 0],
      ],
    ]);
    assert.deepEqual(readings[1], ["sluice_trace_queue_bytes", [[[], bench.exporter.queuedBytes]]]);
    assert.ok(bench.exporter.queuedBytes > 0);
  });
});
