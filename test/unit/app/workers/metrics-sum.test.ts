import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MetricsSum } from "../../../../src/app/workers/metrics-sum.ts";
import { Code } from "../../../../src/status/index.ts";
import { Meters } from "../../../../src/telemetry/index.ts";
import { record } from "../../telemetry/records.ts";

/** One family, as prom-client writes it. */
function family(name: string, kind: string, ...samples: readonly string[]): string {
  return `# HELP ${name} What it says.\n# TYPE ${name} ${kind}\n${samples.map((line) => `${line}\n`).join("")}`;
}

/** The samples of one name, as they are written. */
function samplesOf(text: string, name: string): readonly string[] {
  return text.split("\n").filter((line) => line.startsWith(name));
}

describe("two workers", () => {
  /** What each of them says, and what is said of both. */
  const cases: readonly [what: string, name: string, kind: string, a: string, b: string, both: string][] = [
    ["counters are added", "sluice_x_total", "counter", "3", "4", "7"],
    ["amounts are added", "sluice_requests_in_flight", "gauge", "3", "4", "7"],
    ["memory is added", "process_resident_memory_bytes", "gauge", "100", "50", "150"],
    ["a connection is each one's own", "sluice_upstream_connections", "gauge", "1", "2", "3"],
    ["endpoints are the same for all", "sluice_upstream_endpoints", "gauge", "3", "2", "3"],
    ["the worst health counts", "sluice_upstream_endpoint_healthy", "gauge", "1", "0", "0"],
    [
      "the certificate that ends first",
      "sluice_upstream_tls_certificate_expiry_seconds",
      "gauge",
      "9",
      "8",
      "8",
    ],
    ["the longest delay counts", "nodejs_eventloop_lag_max_seconds", "gauge", "0.5", "0.25", "0.5"],
    ["the start is the first one's", "process_start_time_seconds", "gauge", "20", "10", "10"],
    ["a version is a version", "nodejs_version_info", "gauge", "1", "1", "1"],
    [
      "one that has measured nothing does not spoil it",
      "nodejs_eventloop_lag_p99_seconds",
      "gauge",
      "Nan",
      "0.1",
      "0.1",
    ],
    ["infinity stays", "sluice_x", "gauge", "+Inf", "1", "+Inf"],
  ];
  for (const [what, name, kind, a, b, both] of cases) {
    test(`${what}: ${name}`, () => {
      const sum = new MetricsSum().render("", [
        family(name, kind, `${name}{a="x y"} ${a}`),
        family(name, kind, `${name}{a="x y"} ${b}`),
      ]);
      assert.equal(sum, family(name, kind, `${name}{a="x y"} ${both}`));
    });
  }

  test("series of one alone stay as they are", () => {
    const sum = new MetricsSum().render("", [
      family("sluice_x_total", "counter", 'sluice_x_total{a="1"} 1'),
      family("sluice_x_total", "counter", 'sluice_x_total{a="2"} 2'),
    ]);
    assert.deepEqual(samplesOf(sum, "sluice_x_total"), [
      'sluice_x_total{a="1"} 1',
      'sluice_x_total{a="2"} 2',
    ]);
  });

  test("what Meters writes is added, histograms bucket by bucket", async () => {
    const texts: string[] = [];
    for (const count of [2, 3]) {
      const meters = new Meters();
      for (let i = 0; i < count; i++) {
        meters.requestStarted();
        meters.requestFinished(record({ durationMs: 20, httpStatus: 404, code: Code.NOT_FOUND }));
      }
      meters.requestStarted();
      texts.push(await meters.render());
    }
    const [first = ""] = texts;
    const sum = new MetricsSum().render(first, texts);
    const of = (name: string): readonly number[] =>
      samplesOf(sum, name).map((line) => Number(line.slice(line.lastIndexOf(" "))));
    assert.deepEqual(of("sluice_requests_total"), [5]);
    assert.deepEqual(of("sluice_requests_in_flight"), [2]);
    assert.deepEqual(of("sluice_request_duration_seconds_count"), [5]);
    assert.deepEqual(
      of("sluice_request_duration_seconds_bucket"),
      [0, 0, 0, 0, ...Array.from({ length: 11 }, () => 5)],
      "0.02 s is in the bucket up to 0.025",
    );
    const names = sum.split("\n").filter((line) => line.startsWith("# TYPE "));
    assert.equal(new Set(names).size, names.length, "no family is there twice");
    assert.deepEqual(
      new Set(names),
      new Set(first.split("\n").filter((line) => line.startsWith("# TYPE "))),
      "and none is lost",
    );
  });
});

describe("the primary", () => {
  const own = [
    family("sluice_requests_total", "counter", "sluice_requests_total 100"),
    family("process_resident_memory_bytes", "gauge", "process_resident_memory_bytes 10"),
    family("sluice_workers", "gauge", 'sluice_workers{state="serving"} 1'),
    family("sluice_schema_changes_total", "counter", "sluice_schema_changes_total 5"),
  ].join("\n");

  test("adds what every process has, alone tells of the control plane, and counts no requests", () => {
    const worker = own.replace("100", "7");
    const sum = new MetricsSum().render(own, [worker]);
    assert.deepEqual(samplesOf(sum, "sluice_requests_total"), ["sluice_requests_total 7"]);
    assert.deepEqual(samplesOf(sum, "process_resident_memory_bytes"), ["process_resident_memory_bytes 20"]);
    assert.deepEqual(samplesOf(sum, "sluice_workers"), ['sluice_workers{state="serving"} 1']);
    assert.deepEqual(samplesOf(sum, "sluice_schema_changes_total"), ["sluice_schema_changes_total 5"]);
  });
});

describe("a worker that has ended", () => {
  const text = (count: number): string =>
    [
      family("sluice_requests_total", "counter", `sluice_requests_total{a="1"} ${count}`),
      family("sluice_requests_in_flight", "gauge", "sluice_requests_in_flight 9"),
      family("sluice_d_seconds", "histogram", `sluice_d_seconds_bucket{le="+Inf"} ${count}`),
    ].join("\n");

  test("stays in counters and histograms, and takes its gauges along", () => {
    const sum = new MetricsSum();
    sum.retire(text(5));
    sum.retire(text(2));
    sum.retire("");
    const all = sum.render("", [text(1)]);
    assert.deepEqual(samplesOf(all, "sluice_requests_total"), ['sluice_requests_total{a="1"} 8']);
    assert.deepEqual(samplesOf(all, "sluice_requests_in_flight"), ["sluice_requests_in_flight 9"]);
    assert.deepEqual(samplesOf(all, "sluice_d_seconds_bucket"), ['sluice_d_seconds_bucket{le="+Inf"} 8']);
    assert.equal(sum.render("", [text(1)]), all, "reading changes nothing");
  });

  test("leaves at most 50,000 series, of which those that are there go on counting", () => {
    const sum = new MetricsSum();
    const endpoints = (from: number): string =>
      family(
        "sluice_upstream_picks_total",
        "counter",
        ...Array.from({ length: 30_000 }, (_, i) => `sluice_upstream_picks_total{endpoint="${from + i}"} 1`),
      );
    sum.retire(endpoints(0));
    sum.retire(endpoints(30_000));
    sum.retire(endpoints(0));
    const lines = samplesOf(sum.render("", []), "sluice_upstream_picks_total");
    assert.equal(lines.length, 50_000);
    assert.equal(lines[0], 'sluice_upstream_picks_total{endpoint="0"} 2');
    assert.equal(lines.at(-1), 'sluice_upstream_picks_total{endpoint="49999"} 1');
  });
});
