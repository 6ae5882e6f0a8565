import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { StreamFormat } from "../../../src/protocol/index.ts";
import { mediaRanges, namedWeight, preferredType } from "../../../src/protocol/rest/accept.ts";
import { chooseStreamType } from "../../../src/protocol/rest/index.ts";

const NDJSON = "application/x-ndjson";
const JSONL = "application/jsonl";
const SEQ = "application/json-seq";
const SSE = "text/event-stream";
const ARRAY = "application/json";

/** The Accept fields of a request, the route's format, and the media type that wins. */
const CASES: readonly [accept: readonly string[], format: StreamFormat, chosen: string][] = [
  [[], "ndjson", NDJSON],
  [[], "json", ARRAY],
  [[], "json-seq", SEQ],
  [[], "sse", SSE],
  [[""], "sse", SSE],
  [["*/*"], "json", ARRAY],
  [["text/event-stream"], "ndjson", SSE],
  [["application/json"], "ndjson", ARRAY],
  [["application/json-seq"], "ndjson", SEQ],
  [["application/jsonl"], "ndjson", JSONL],
  [["application/x-ndjson"], "sse", NDJSON],
  [["APPLICATION/X-NDJSON"], "json", NDJSON],
  [["  text/event-stream ;q=1 "], "ndjson", SSE],
  // Weights.
  [["application/json;q=0.5, text/event-stream"], "json", SSE],
  [["application/json;q=0.5, text/event-stream;q=0.49"], "ndjson", ARRAY],
  [["application/json;q=0, */*"], "json", NDJSON],
  [["application/json;Q=0.1, text/event-stream;q=0.1;x=y"], "ndjson", ARRAY],
  [["text/event-stream; q=0.001"], "ndjson", SSE],
  // The most exact range counts for a type.
  [["application/*;q=0.9, application/x-ndjson;q=0.1, text/event-stream;q=0.5"], "ndjson", JSONL],
  [["*/*;q=0.9, text/*;q=0.1"], "sse", NDJSON],
  [["text/*"], "ndjson", SSE],
  [["application/*"], "sse", NDJSON],
  [["application/*"], "json", ARRAY],
  // A type that is named wins over one that a wildcard covers.
  [["application/json, text/plain, */*"], "ndjson", ARRAY],
  [["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"], "ndjson", NDJSON],
  // Of several that are named alike, the route's own; else the first on offer.
  [["text/event-stream, application/json"], "json", ARRAY],
  [["text/event-stream, application/json"], "sse", SSE],
  [["application/json, text/event-stream"], "ndjson", SSE],
  // Several fields count as one.
  [["application/json;q=0.2", "text/event-stream;q=0.3"], "ndjson", SSE],
  // Nothing that there is: the route's own form, not 406.
  [["image/png"], "ndjson", NDJSON],
  [["*/*;q=0"], "json", ARRAY],
  [["application/json;q=0"], "json", ARRAY],
  // Parameters.
  [["application/json;charset=UTF-8"], "ndjson", ARRAY],
  [['application/json;charset="utf-8"'], "ndjson", ARRAY],
  [["application/json;charset=latin1"], "ndjson", NDJSON],
  [['application/json;profile="a,b;q=0\\"", text/event-stream;q=0.1'], "ndjson", SSE],
  // Malformed ranges are passed over, the others count.
  [["application, text/event-stream"], "ndjson", SSE],
  [["*/json, text/event-stream"], "ndjson", SSE],
  [[",,; ,text/event-stream,,"], "ndjson", SSE],
  [["application/json;q=2, text/event-stream;q=0.1"], "ndjson", SSE],
  [["application/json;q=x, text/event-stream;q=0.1"], "ndjson", SSE],
  [["application/json;q=0.1234, text/event-stream;q=0.1"], "ndjson", SSE],
  [["application/json;q=1.001, text/event-stream;q=0.1"], "ndjson", SSE],
  [['application/json;x="unfinished, text/event-stream'], "ndjson", NDJSON],
];

describe("the form of a stream", () => {
  for (const [accept, format, chosen] of CASES) {
    test(`Accept ${JSON.stringify(accept)} on a route of ${format} is ${chosen}`, () => {
      const headers = accept.flatMap((value) => ["accept", value]);
      assert.equal(chooseStreamType(["host", "a", ...headers], format).mediaType, chosen);
    });
  }
});

describe("media ranges", () => {
  test("of any text are read without a fault, and weigh 0 to 1", () => {
    const pieces = fc.constantFrom(...'*/,;= q="\\\t.01aé'.split(""), "q=", "text/event-stream", "*/*");
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 40 }), (parts) => {
        for (const { type, subtype, weight } of mediaRanges(["accept", parts.join("")])) {
          assert.ok(weight >= 0 && weight <= 1);
          assert.notEqual(type, "");
          assert.notEqual(subtype, "");
        }
      }),
    );
  });

  test("written from parts are read back, in any spacing and order of parameters", () => {
    const token = fc.constantFrom("a", "b", "x-c", "d+e", "f.g");
    const range = fc.record({ type: token, subtype: token, weight: fc.integer({ min: 0, max: 1000 }) });
    const space = fc.constantFrom("", " ", "\t ", "  ");
    fc.assert(
      fc.property(fc.array(range, { minLength: 1, maxLength: 6 }), space, (ranges, gap) => {
        const text = ranges
          .map(({ type, subtype, weight }) => `${type}/${subtype}${gap};${gap}q=${weight / 1000}`)
          .join(`${gap},${gap}`);
        assert.deepEqual(
          mediaRanges(["accept", text]),
          ranges.map(({ type, subtype, weight }) => ({ type, subtype, weight: weight / 1000 })),
        );
      }),
    );
  });

  test("name a type only without wildcards", () => {
    const ranges = mediaRanges(["accept", "*/*, application/*;q=0.5, a/b;q=0.2, c/d;q=0"]);
    assert.equal(namedWeight(ranges, "a/b"), 0.2);
    assert.equal(namedWeight(ranges, "c/d"), 0);
    assert.equal(namedWeight(ranges, "application/problem+json"), 0);
  });

  test("that accept nothing on offer prefer nothing", () => {
    assert.equal(preferredType(mediaRanges(["accept", "image/*"]), ["text/html"]), undefined);
    assert.equal(preferredType([], ["text/html"]), undefined);
  });
});
