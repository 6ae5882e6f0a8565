import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { acceptedCodings } from "../../../../src/protocol/coding/accept-encoding.ts";
import type { ReplyCoding } from "../../../../src/protocol/coding/content-coding.ts";

const OFFERS: readonly ReplyCoding[] = ["br", "gzip"];

type Row = readonly [field: string, coding: ReplyCoding | undefined, refusesPlain?: "refuses plain"];

const CASES: readonly Row[] = [
  ["gzip", "gzip"],
  ["x-gzip", "gzip"],
  ["GZip", "gzip"],
  ["gzip, deflate, br", "br"],
  ["gzip;q=1, br;q=0.9", "gzip"],
  ["gzip ; q=0.5 , br ; q=0.501", "br"],
  ["br;q=0, gzip", "gzip"],
  ["br;q=0, gzip;q=0.000", undefined],
  ["*", "br"],
  ["*;q=0.5, gzip", "gzip"],
  ["br;q=0, *", "gzip"],
  ["zstd, deflate, compress", undefined],
  ["identity", undefined],
  ["identity, gzip;q=0.5", undefined],
  ["identity;q=0.5, gzip", "gzip"],
  ["identity, gzip", "gzip"],
  ["identity;q=0, gzip", "gzip", "refuses plain"],
  ["*;q=0, gzip", "gzip", "refuses plain"],
  ["*;q=0, identity;q=0.1, gzip;q=0.2", "gzip"],
  ["*;q=0", undefined, "refuses plain"],
  ["", undefined],
  [" , ,", undefined],
  ["gzip;q=2", undefined],
  ["gzip;q=0.1234", undefined],
  ["gzip;q=-1", undefined],
  ["gzip;level=1", undefined],
  ["gzip;", undefined],
];

describe("of br and gzip, the dearest first", () => {
  for (const [field, coding, refuses] of CASES) {
    test(`${JSON.stringify(field)} gets ${coding ?? "plain bytes"}`, () => {
      const expected = { coding, refusesPlain: refuses !== undefined };
      assert.deepEqual(acceptedCodings(["accept-encoding", field], OFFERS), expected);
    });
  }

  test("a client that says nothing gets plain bytes", () => {
    const expected = { coding: undefined, refusesPlain: false };
    assert.deepEqual(acceptedCodings(["accept", "gzip"], OFFERS), expected);
  });

  test("several fields count as one", () => {
    const headers = ["accept-encoding", "br;q=0.1", "x", "br", "accept-encoding", "gzip;q=0.2"];
    assert.equal(acceptedCodings(headers, OFFERS).coding, "gzip");
  });
});

test("whatever the field says, a coding comes out only if the field holds its name or a star", () => {
  const item = fc.oneof(
    fc.constantFrom("gzip", "br", "*", "identity", "x-gzip", ";q=0", ";q=1", "q=", ",", " ", "=", "0.5"),
    fc.string({ maxLength: 4 }),
  );
  fc.assert(
    fc.property(fc.array(item, { maxLength: 12 }), (items) => {
      const field = items.join("");
      const { coding } = acceptedCodings(["accept-encoding", field], OFFERS);
      if (coding !== undefined) assert.ok(field.toLowerCase().includes(coding) || field.includes("*"));
    }),
  );
});
