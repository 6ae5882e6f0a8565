/** Most cases are those of the W3C's own test suite for trace context, as data. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  formatTraceParent,
  parseTraceParent,
  readTraceContext,
  readTraceState,
} from "../../../../src/telemetry/index.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";

describe("a traceparent", () => {
  const valid: readonly [text: string, isSampled: boolean][] = [
    [`00-${TRACE}-${SPAN}-01`, true],
    [`00-${TRACE}-${SPAN}-00`, false],
    [`00-${TRACE}-${SPAN}-02`, false],
    [`00-${TRACE}-${SPAN}-ff`, true],
    [`01-${TRACE}-${SPAN}-01`, true],
    [`cc-${TRACE}-${SPAN}-01-what-the-future-will-be-like`, true],
    [`cc-${TRACE}-${SPAN}-01-`, true],
  ];
  for (const [text, isSampled] of valid) {
    test(`${text} is gone on with`, () => {
      assert.deepEqual(parseTraceParent(text), { traceId: TRACE, spanId: SPAN, isSampled });
    });
  }

  const invalid: readonly string[] = [
    "",
    "foo",
    `ff-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01-what-the-future-will-be-like`,
    `00-${TRACE}-${SPAN}-01-`,
    `00-${TRACE}-${SPAN}-01.`,
    `cc-${TRACE}-${SPAN}-01.what-the-future-will-not-be-like`,
    `.0-${TRACE}-${SPAN}-01`,
    `0-${TRACE}-${SPAN}-01`,
    `000-${TRACE}-${SPAN}-01`,
    `00-00000000000000000000000000000000-${SPAN}-01`,
    `00-${TRACE}-0000000000000000-01`,
    `00-.${TRACE.slice(1)}-${SPAN}-01`,
    `00-${TRACE.slice(1)}-${SPAN}-01`,
    `00-${TRACE}0-${SPAN}-01`,
    `00-${TRACE}-.${SPAN.slice(1)}-01`,
    `00-${TRACE}-${SPAN.slice(1)}-01`,
    `00-${TRACE}-${SPAN}-.0`,
    `00-${TRACE}-${SPAN}-0.`,
    `00-${TRACE}-${SPAN}-1`,
    `00-${TRACE}-${SPAN}-001`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${TRACE}-${SPAN.toUpperCase()}-01`,
    `00_${TRACE}_${SPAN}_01`,
    ` 00-${TRACE}-${SPAN}-01`,
  ];
  for (const text of invalid) {
    test(`${JSON.stringify(text)} starts a new trace`, () => {
      assert.equal(parseTraceParent(text), undefined);
      assert.equal(readTraceContext(["traceparent", text, "tracestate", "a=1"]), undefined);
    });
  }

  test("of any kind never throws, and what is taken is written the same again", () => {
    const near = fc
      .tuple(fc.constantFrom("00", "01", "ff", "0"), fc.stringMatching(/^[0-9a-f]{30,34}$/), fc.string())
      .map(([version, id, rest]) => `${version}-${id}-${SPAN}-0${rest}`);
    fc.assert(
      fc.property(fc.oneof(fc.string(), near), (text) => {
        const parent = parseTraceParent(text);
        if (parent !== undefined) assert.deepEqual(parseTraceParent(formatTraceParent(parent)), parent);
      }),
    );
  });

  test("that comes twice starts a new trace", () => {
    const field = ["traceparent", `00-${TRACE}-${SPAN}-01`];
    assert.equal(readTraceContext([...field, ...field]), undefined);
  });
});

describe("a tracestate", () => {
  const many = (count: number): string => Array.from({ length: count }, (_, i) => `k${i}=1`).join(",");
  const cases: readonly [text: string, passedOn: string][] = [
    ["foo=1", "foo=1"],
    ["foo=1,bar=2", "foo=1,bar=2"],
    ["foo=1 \t , \t bar=2, \t baz=3", "foo=1,bar=2,baz=3"],
    ["foo=1,", "foo=1"],
    [",,foo=1,,", "foo=1"],
    ["", ""],
    [" ", ""],
    ["fw529a3039@dt=FfIMEzgz", "fw529a3039@dt=FfIMEzgz"],
    ["0a_-*/=v", "0a_-*/=v"],
    ["foo=a b", "foo=a b"],
    ["foo=!$%&~", "foo=!$%&~"],
    ["foo=1,foo=2", ""],
    ["foo =1", ""],
    ["FOO=1", ""],
    ["foo.bar=1", ""],
    ["_foo=1", ""],
    ["@foo=1", ""],
    ["foo=bar=baz", ""],
    ["foo=", ""],
    ["=1", ""],
    ["foo", ""],
    ["foo=ä", ""],
    ["foo=\u0000", ""],
    [`${"z".repeat(256)}=1`, `${"z".repeat(256)}=1`],
    [`${"z".repeat(257)}=1`, ""],
    [`foo=${"1".repeat(256)}`, `foo=${"1".repeat(256)}`],
    [`foo=${"1".repeat(257)}`, ""],
    [many(32), many(32)],
    [many(33), ""],
  ];
  for (const [text, passedOn] of cases) {
    test(`${JSON.stringify(text.slice(0, 40))} (${text.length}) is ${passedOn === "" ? "dropped" : "passed on"}`, () => {
      assert.equal(readTraceState(text), passedOn);
    });
  }

  test("of several fields is one, in their order", () => {
    const headers = ["tracestate", "foo=1", "traceparent", `00-${TRACE}-${SPAN}-01`, "tracestate", "bar=2"];
    assert.equal(readTraceContext(headers)?.state, "foo=1,bar=2");
  });

  test("without a traceparent is nothing", () => {
    assert.equal(readTraceContext(["tracestate", "foo=1"]), undefined);
  });
});
