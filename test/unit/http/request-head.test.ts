import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  CHUNKED,
  hasToken,
  isPlainMethod,
  isPlainTarget,
  readHeadFacts,
} from "../../../src/http/engines/common/index.ts";

for (const [headers, bodyLength, ambiguous] of [
  [[], 0, false],
  [["content-length", "0"], 0, false],
  [["content-length", "007"], 7, false],
  [["content-length", "999999999999999"], 999_999_999_999_999, false],
  [["transfer-encoding", "chunked"], CHUNKED, false],
  [["content-length", "1", "content-length", "1"], 1, true],
  [["content-length", ""], -1, true],
  [["content-length", "1 "], -1, true],
  [["content-length", "٣"], -1, true],
  [["content-length", "1000000000000000"], -1, true],
  [["transfer-encoding", "Chunked"], CHUNKED, true],
  [["transfer-encoding", "gzip, chunked"], CHUNKED, true],
  [["transfer-encoding", "chunked", "content-length", "1"], CHUNKED, true],
] as const) {
  test(`reads the framing of ${JSON.stringify(headers)}`, () => {
    const facts = readHeadFacts(headers);
    assert.equal(facts.ambiguous, ambiguous);
    if (!ambiguous) assert.equal(facts.bodyLength, bodyLength);
  });
}

test("reads a length exactly, or calls it ambiguous", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.bigInt({ min: 0n, max: 10n ** 20n }).map(String)), (value) => {
      const { bodyLength, ambiguous } = readHeadFacts(["content-length", value]);
      assert.equal(ambiguous, !/^[0-9]{1,15}$/.test(value));
      if (!ambiguous) assert.equal(bodyLength, Number(value));
    }),
  );
});

test("counts hosts and reads connection and te", () => {
  const facts = readHeadFacts([
    "host",
    "a",
    "host",
    "b",
    "connection",
    "Keep-Alive, Close",
    "te",
    "trailers;q=1",
  ]);
  assert.equal(facts.hosts, 2);
  assert.equal(facts.wantsClose, true);
  assert.equal(facts.takesTrailers, true);
  assert.equal(readHeadFacts(["connection", "closed", "te", "x"]).wantsClose, false);
});

for (const [list, expected] of [
  ["close", true],
  [" CLOSE\t", true],
  ["a,close", true],
  ["close;a=b", true],
  ["closed", false],
  ["a close", false],
  ["", false],
] as const) {
  test(`${expected ? "finds" : "does not find"} close in ${JSON.stringify(list)}`, () => {
    assert.equal(hasToken(list, "close"), expected);
  });
}

test("takes targets of visible ASCII from a slash on", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (target) => {
      assert.equal(isPlainTarget(target), /^\/[!-"$-~]*$/.test(target));
    }),
  );
});

test("takes methods of capital letters", () => {
  for (const method of ["GET", "M-SEARCH", "VERSION_CONTROL"]) assert.ok(isPlainMethod(method), method);
  for (const method of ["", "get", "GET ", "G\0T", "GÉT", "G".repeat(33)])
    assert.ok(!isPlainMethod(method), method);
});
