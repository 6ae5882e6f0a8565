import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ScalarType } from "@bufbuild/protobuf";
import fc from "fast-check";
import { decodeBase64, encodeBase64 } from "../../../src/transcode/text/base64.ts";
import { bodyFormatOf } from "../../../src/transcode/text/content-type.ts";
import { formatDuration, parseDuration } from "../../../src/transcode/text/duration-text.ts";
import { formatFieldMask, parseFieldMask } from "../../../src/transcode/text/field-mask-text.ts";
import { formatFloating, formatInt64 } from "../../../src/transcode/text/format-number.ts";
import { nearestName } from "../../../src/transcode/text/nearest-name.ts";
import { integerOf, isNumberText } from "../../../src/transcode/text/number-text.ts";
import { clip, quote } from "../../../src/transcode/text/quote.ts";
import { scalarFromText } from "../../../src/transcode/text/scalar-text.ts";
import { formatTimestamp, parseTimestamp } from "../../../src/transcode/text/timestamp-text.ts";

describe("an integer's text", () => {
  const integers: readonly (readonly [text: string, value: bigint | undefined])[] = [
    ["0", 0n],
    ["-0", 0n],
    ["0.000", 0n],
    ["0e999999999", 0n],
    ["1.0", 1n],
    ["-1.50e1", -15n],
    ["1e3", 1000n],
    ["1E+3", 1000n],
    ["120e-1", 12n],
    ["9007199254740993", 9007199254740993n],
    ["9007199254740993.0", 9007199254740993n],
    ["18446744073709551615", 18446744073709551615n],
    ["1844674407370955161.5e1", 18446744073709551615n],
    ["-9223372036854775808", -9223372036854775808n],
    ["0.5", undefined],
    ["1e-1", undefined],
    ["1e999999999", undefined],
    ["1e99999999999999999999999999", undefined],
    ["1e-99999999999999999999999999", undefined],
    [`1${"0".repeat(100_000)}`, undefined],
    [`1${"0".repeat(100_000)}e-100000`, 1n],
  ];
  for (const [text, value] of integers) {
    it(`${text.slice(0, 40)} is ${value ?? "no integer"}`, () => {
      assert.ok(isNumberText(text));
      assert.equal(integerOf(text), value);
    });
  }

  it("is read exactly, however it is spelled", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
        fc.nat({ max: 30 }),
        (value, zeros) => {
          assert.equal(integerOf(String(value)), value);
          assert.equal(integerOf(`${value}${"0".repeat(zeros)}e-${zeros}`), value);
          assert.equal(integerOf(`${value}.${"0".repeat(zeros + 1)}`), value);
        },
      ),
    );
  });

  it("has the form of a JSON number or is none", () => {
    for (const text of [
      "",
      "-",
      "+1",
      "01",
      "1.",
      ".1",
      "1e",
      "1e+",
      " 1",
      "1 ",
      "0x1",
      "1_0",
      "Infinity",
      "1n",
    ]) {
      assert.equal(isNumberText(text), false, text);
    }
  });
});

describe("a scalar's text", () => {
  const rows: readonly (readonly [type: ScalarType, text: string, value: unknown])[] = [
    [ScalarType.INT32, "-2147483648", -2147483648],
    [ScalarType.INT32, "2147483648", undefined],
    [ScalarType.UINT32, "4294967295", 4294967295],
    [ScalarType.UINT32, "-1", undefined],
    [ScalarType.INT64, "9223372036854775807", 9223372036854775807n],
    [ScalarType.INT64, "9223372036854775808", undefined],
    [ScalarType.FIXED64, "18446744073709551616", undefined],
    [ScalarType.INT32, "", undefined],
    [ScalarType.BOOL, "true", true],
    [ScalarType.BOOL, "false", false],
    [ScalarType.BOOL, "True", undefined],
    [ScalarType.BOOL, "1", undefined],
    [ScalarType.BOOL, "", undefined],
    [ScalarType.STRING, "", ""],
    [ScalarType.DOUBLE, "1e400", undefined],
    [ScalarType.DOUBLE, "-Infinity", Number.NEGATIVE_INFINITY],
    [ScalarType.DOUBLE, "infinity", undefined],
    [ScalarType.FLOAT, "3.4028236e38", undefined],
    [ScalarType.FLOAT, "3.4028235e38", 3.4028234663852886e38],
    [ScalarType.FLOAT, "0.1", Math.fround(0.1)],
  ];
  for (const [type, text, value] of rows) {
    it(`${ScalarType[type]} ${JSON.stringify(text)} is ${String(value)}`, () =>
      assert.equal(scalarFromText(type, text), value));
  }
});

describe("base64", () => {
  it("is read in both alphabets, padded or not", () => {
    for (const text of ["+/8=", "-_8=", "+/8", "-_8"])
      assert.deepEqual([...(decodeBase64(text) ?? [])], [251, 255]);
    assert.equal(decodeBase64("")?.length, 0);
  });

  it("is refused with other characters, wrong padding or an impossible length", () => {
    for (const text of ["a", "ab=", "a===", "ab==c", "a b=", "a\nbc", "ab*=", "====", "=", "abc==", "é"]) {
      assert.equal(decodeBase64(text), undefined, text);
    }
  });

  it("gives back what was written", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        assert.deepEqual(new Uint8Array(decodeBase64(encodeBase64(bytes)) ?? []), bytes);
      }),
    );
  });
});

describe("a timestamp", () => {
  const rows: readonly (readonly [text: string, seconds: bigint, nanos: number])[] = [
    ["1970-01-01T00:00:00Z", 0n, 0],
    ["0001-01-01T00:00:00Z", -62135596800n, 0],
    ["9999-12-31T23:59:59.999999999Z", 253402300799n, 999999999],
    ["1969-12-31T23:59:59.5Z", -1n, 500000000],
    ["2024-02-29T12:00:00+01:30", 1709202600n, 0],
    ["2000-02-29T00:00:00-23:59", 951868740n, 0],
    ["0000-12-31T23:30:00-00:30", -62135596800n, 0],
  ];
  for (const [text, seconds, nanos] of rows) {
    // Year 0000 is refused even where its offset would carry it into 0001.
    const isYearZero = text.startsWith("0000");
    it(`${text} is ${isYearZero ? "refused" : "read"}`, () =>
      assert.deepEqual(parseTimestamp(text), isYearZero ? undefined : { seconds, nanos }));
  }

  const refused = [
    "2024-02-30T00:00:00Z",
    "2023-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "2024-04-31T00:00:00Z",
    "2024-00-01T00:00:00Z",
    "2024-13-01T00:00:00Z",
    "2024-01-00T00:00:00Z",
    "2024-01-01T24:00:00Z",
    "2024-01-01T00:60:00Z",
    "2024-01-01T00:00:60Z",
    "2024-01-01t00:00:00Z",
    "2024-01-01T00:00:00z",
    "2024-01-01 00:00:00Z",
    "2024-01-01T00:00:00",
    "2024-01-01T00:00:00.Z",
    "2024-01-01T00:00:00.1234567890Z",
    "2024-01-01T00:00:00+0100",
    "2024-01-01T00:00:00+24:00",
    "2024-01-01T00:00:00+01:60",
    "2024-01-01T00:00:00Zx",
    "2024-1-1T00:00:00Z",
    "0001-01-01T00:00:00+00:01",
    "9999-12-31T23:59:59-00:01",
    "10000-01-01T00:00:00Z",
    "-001-01-01T00:00:00Z",
    "0000-01-01T00:00:00Z",
    "",
  ];
  for (const text of refused)
    it(`refuses ${JSON.stringify(text)}`, () => assert.equal(parseTimestamp(text), undefined));

  it("agrees with Date on every second, both ways", () => {
    fc.assert(
      fc.property(fc.integer({ min: -62135596800, max: 253402300799 }), (seconds) => {
        const text = new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
        assert.deepEqual(parseTimestamp(text), { seconds: BigInt(seconds), nanos: 0 });
        assert.equal(formatTimestamp(BigInt(seconds), 0), text);
      }),
    );
  });

  it("is written with 0, 3, 6 or 9 digits of fraction, and not at all outside its range", () => {
    assert.equal(formatTimestamp(0n, 10_000_000), "1970-01-01T00:00:00.010Z");
    assert.equal(formatTimestamp(0n, 1_000), "1970-01-01T00:00:00.000001Z");
    assert.equal(formatTimestamp(-1n, 1), "1969-12-31T23:59:59.000000001Z");
    assert.equal(formatTimestamp(253402300800n, 0), undefined);
    assert.equal(formatTimestamp(0n, -1), undefined);
    assert.equal(formatTimestamp(2n ** 62n, 0), undefined);
  });
});

describe("a duration", () => {
  it("is read and written back", () => {
    for (const text of [
      "0s",
      "1s",
      "-1s",
      "0.500s",
      "-0.000000001s",
      "315576000000s",
      "-315576000000.500s",
    ]) {
      const value = parseDuration(text);
      assert.ok(value !== undefined, text);
      assert.equal(formatDuration(value.seconds, value.nanos), text);
    }
    assert.deepEqual(parseDuration("-1.5s"), { seconds: -1n, nanos: -500000000 });
  });

  it("is refused malformed or out of range", () => {
    const refused = [
      "",
      "s",
      "-s",
      "1",
      "1 s",
      "+1s",
      "1.s",
      ".5s",
      "1.1234567890s",
      "1e3s",
      "1m",
      "1S",
      "--1s",
    ];
    for (const text of [...refused, "315576000001s", "-315576000001s", `${"9".repeat(1000)}s`]) {
      assert.equal(parseDuration(text), undefined, text);
    }
  });

  it("is not written out of range or with mixed signs", () => {
    assert.equal(formatDuration(315576000001n, 0), undefined);
    assert.equal(formatDuration(1n, -1), undefined);
    assert.equal(formatDuration(-1n, 1), undefined);
    assert.equal(formatDuration(0n, 1_000_000_000), undefined);
  });
});

describe("a field mask", () => {
  it("has lowerCamelCase paths in JSON, and takes proto names besides in a query", () => {
    assert.deepEqual(parseFieldMask("user.displayName,photo", "json"), ["user.display_name", "photo"]);
    assert.equal(parseFieldMask("user.display_name", "json"), undefined);
    assert.deepEqual(parseFieldMask("user.display_name,photoUrl", "any"), ["user.display_name", "photo_url"]);
    assert.deepEqual(parseFieldMask("", "json"), []);
    for (const text of [",", "a,", "a..b", ".a", "a."])
      assert.equal(parseFieldMask(text, "any"), undefined, text);
  });

  it("is written only where it could be read back", () => {
    assert.equal(formatFieldMask(["user.display_name", "a"]), "user.displayName,a");
    for (const path of ["fooBar", "foo__bar", "foo_", "foo_3_bar"])
      assert.equal(formatFieldMask([path]), undefined, path);
  });
});

describe("numbers, written", () => {
  it("have the fewest digits that read back to the same value", () => {
    assert.equal(formatFloating(ScalarType.FLOAT, Math.fround(0.1)), "0.1");
    assert.equal(formatFloating(ScalarType.FLOAT, Math.fround(16777216)), "16777216");
    assert.equal(formatFloating(ScalarType.DOUBLE, 0.1), "0.1");
    assert.equal(formatFloating(ScalarType.DOUBLE, -0), "-0");
    assert.equal(formatFloating(ScalarType.DOUBLE, Number.NaN), '"NaN"');
    assert.equal(formatFloating(ScalarType.FLOAT, Number.NEGATIVE_INFINITY), '"-Infinity"');
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
        assert.ok(Object.is(Math.fround(Number(formatFloating(ScalarType.FLOAT, value))), value));
      }),
    );
  });

  it("are strings for 64-bit integers, or bare where a float64 holds them", () => {
    assert.equal(formatInt64(9007199254740991n, "string"), '"9007199254740991"');
    assert.equal(formatInt64(-9007199254740991n, "number-if-safe"), "-9007199254740991");
    assert.equal(formatInt64(9007199254740992n, "number-if-safe"), '"9007199254740992"');
  });
});

describe("the nearest name", () => {
  const names = ["title", "author", "pageCount", "id"];
  for (const [name, nearest] of [
    ["titel", "title"],
    ["Title", "title"],
    ["page_count", "pageCount"],
    ["pagecount", "pageCount"],
    ["ids", "id"],
    ["publisher", undefined],
    ["", undefined],
    ["x".repeat(100_000), undefined],
  ] as const) {
    it(`of "${name.slice(0, 20)}" is ${nearest ?? "none"}`, () =>
      assert.equal(nearestName(name, names), nearest));
  }
});

describe("a content type", () => {
  for (const [contentType, format] of [
    ["", "json"],
    ["application/json", "json"],
    ["Application/JSON; charset=UTF-8", "json"],
    ['application/json; charset="utf-8"', "json"],
    ["application/json;charset=iso-8859-1", undefined],
    ["application/merge-patch+json", "json"],
    ["application/x-www-form-urlencoded", "form"],
    ["application/x-www-form-urlencoded; charset=latin1", undefined],
    ["text/plain", undefined],
    ["application/jsonx", undefined],
    ["+json", undefined],
    ["multipart/form-data; boundary=x", undefined],
  ] as const) {
    it(`"${contentType}" is ${format ?? "not read"}`, () => assert.equal(bodyFormatOf(contentType), format));
  }
});

describe("shown text", () => {
  it("is bounded and never cuts a surrogate pair", () => {
    assert.equal(clip("ab😀", 3), "ab…");
    assert.equal(clip("ab😀", 4), "ab😀");
    assert.equal(quote('a"\n'), '"a\\"\\n"');
    assert.ok(quote("x".repeat(1 << 20)).length < 100);
  });
});
