import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import {
  Code,
  codeOfHttpStatus,
  gatewayStatus,
  httpStatusOf,
  isCode,
  upstreamStatus,
} from "../../../src/status/index.ts";

interface CodeCase {
  readonly code: number | string;
  readonly name?: string;
  readonly http: number;
  readonly differs?: Readonly<Record<string, number>>;
}

// The file's shape is described in its own `about`.
const { codes } = JSON.parse(readFileSync("test/cases/errors.json", "utf8")) as {
  readonly codes: readonly CodeCase[];
};

// The last row is about numbers outside the table: the client adapter reads them as UNKNOWN.
const known = codes.filter(({ name }) => name !== undefined);

describe("a gRPC code has the HTTP status that google/rpc/code.proto gives", () => {
  for (const { code, name, http, differs } of known) {
    const others =
      differs === undefined
        ? ""
        : ` (${Object.entries(differs)
            .map(([who, status]) => `${who}: ${status}`)
            .join(", ")})`;
    test(`${name} is ${http}${others}`, () => {
      assert.ok(typeof code === "number" && isCode(code));
      assert.equal(httpStatusOf(upstreamStatus(code, ""), {}), http);
    });
  }

  test("every code is covered", () => {
    assert.deepEqual(
      known.map(({ code }) => code),
      Object.values(Code),
    );
  });
});

describe("an override replaces the status of a code", () => {
  const overrides = { [Code.FAILED_PRECONDITION]: 412, [Code.INVALID_ARGUMENT]: 422 };
  test("of an upstream's status", () => {
    assert.equal(httpStatusOf(upstreamStatus(Code.FAILED_PRECONDITION, ""), overrides), 412);
  });
  test("of the gateway's own", () => {
    assert.equal(httpStatusOf(gatewayStatus("JSON_INVALID", ""), overrides), 422);
  });
  test("but not where HTTP has a more exact word", () => {
    assert.equal(httpStatusOf(gatewayStatus("MEDIA_TYPE_UNSUPPORTED", ""), overrides), 415);
    assert.equal(httpStatusOf(gatewayStatus("METHOD_NOT_ALLOWED", ""), overrides), 405);
  });
});

describe("a reply that is not gRPC has the code that gRPC's own table gives", () => {
  const cases: readonly [http: number, code: number, answered: number][] = [
    [400, Code.INTERNAL, 500],
    [401, Code.UNAUTHENTICATED, 401],
    [403, Code.PERMISSION_DENIED, 403],
    [404, Code.UNIMPLEMENTED, 501],
    [429, Code.UNAVAILABLE, 502],
    [502, Code.UNAVAILABLE, 502],
    [503, Code.UNAVAILABLE, 502],
    [504, Code.UNAVAILABLE, 502],
    [418, Code.UNKNOWN, 500],
  ];
  for (const [http, code, answered] of cases) {
    test(`${http} becomes ${answered}`, () => {
      assert.equal(codeOfHttpStatus(http), code);
      const status = { ...gatewayStatus("UPSTREAM_PROTOCOL", ""), code: codeOfHttpStatus(http) };
      assert.equal(httpStatusOf(status, {}), answered);
    });
  }
});
