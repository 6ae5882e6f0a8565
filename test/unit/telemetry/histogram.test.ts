import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Histogram } from "../../../src/telemetry/histogram.ts";

describe("a histogram", () => {
  test("is written as Prometheus reads it: cumulated buckets, sum, count", () => {
    const histogram = new Histogram("t_seconds", "For the test.", ["a", "b"], [0.1, 1]);
    const series = histogram.series(["x", "y"]);
    for (const value of [0, 0.1, 0.25, 1, 1.5, 2]) series.observe(value);
    assert.equal(
      histogram.render(),
      [
        "# HELP t_seconds For the test.",
        "# TYPE t_seconds histogram",
        't_seconds_bucket{le="0.1",a="x",b="y"} 2',
        't_seconds_bucket{le="1",a="x",b="y"} 4',
        't_seconds_bucket{le="+Inf",a="x",b="y"} 6',
        't_seconds_sum{a="x",b="y"} 4.85',
        't_seconds_count{a="x",b="y"} 6',
        "",
      ].join("\n"),
    );
  });

  test("has one series for the same label values, whoever asks", () => {
    const histogram = new Histogram("t", "t", ["a"], [1]);
    assert.equal(histogram.series(["x"]), histogram.series(["x"]));
    assert.notEqual(histogram.series(["x"]), histogram.series(["y"]));
  });

  test("does not show series that were never fed", () => {
    const histogram = new Histogram("t", "t", ["a"], [1]);
    histogram.series(["x"]);
    assert.equal(histogram.render(), "# HELP t t\n# TYPE t histogram\n");
  });

  const values: readonly [value: string, label: string][] = [
    ['a"b', 'a="a\\"b"'],
    ["a\\b", 'a="a\\\\b"'],
    ["a\nb", 'a="a\\nb"'],
    ['"} 1\n', 'a="\\"} 1\\n"'],
  ];
  for (const [value, label] of values) {
    test(`keeps the label value ${JSON.stringify(value)} within its line`, () => {
      const histogram = new Histogram("t", "t", ["a"], []);
      histogram.series([value]).observe(1);
      assert.ok(histogram.render().includes(`t_count{${label}} 1\n`), histogram.render());
    });
  }
});
