import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Code } from "../../../../src/status/index.ts";
import { redactQuery } from "../../../../src/telemetry/access/index.ts";
import {
  type AccessFormat,
  AccessLog,
  type AccessRecord,
  DEFAULT_ACCESS_FIELDS,
  jsonAccessFormat,
  parseAccessTemplate,
  RedactedNames,
  templateAccessFormat,
} from "../../../../src/telemetry/index.ts";
import { record } from "../records.ts";

const TIME = Date.UTC(2026, 0, 2, 3, 4, 5, 6);
const RULES = { query: new RedactedNames(["token", "sec*"]), headers: new RedactedNames(["authorization"]) };
const HEADERS = ["user-agent", "curl/8", "x-a", "1", "authorization", "Bearer geheim", "x-a", "2"];

function jsonOf(fields: Partial<AccessRecord>, names: readonly string[] = DEFAULT_ACCESS_FIELDS): object {
  const line = jsonAccessFormat(names, RULES)(record(fields), TIME);
  assert.equal(line.indexOf("\n"), line.length - 1, "one line");
  // Every line is a JSON object.
  return JSON.parse(line) as object;
}

function template(text: string): AccessFormat {
  const { parts, fault } = parseAccessTemplate(text);
  assert.equal(fault, undefined);
  return templateAccessFormat(parts ?? [], RULES);
}

describe("a line of JSON", () => {
  const LINE = {
    level: "info",
    time: "2026-01-02T03:04:05.006Z",
    requestId: "id-1",
    listener: "127.0.0.1:8080",
    peer: "192.0.2.1",
    method: "GET",
    path: "/v1/shelves/1",
    route: "/v1/{name=shelves/*}",
    rpc: "library.v1.LibraryService.GetShelf",
    upstream: "library",
    status: 200,
    grpcStatus: "OK",
    durationMs: 20.123,
    upstreamMs: 12,
    transcodeMs: 0.2,
    bytesIn: 3,
    bytesOut: 40,
    msg: "request",
  };

  test("has every field of a request that succeeded, and no more", () => {
    const line = jsonOf({ durationMs: 20.123456, upstreamMs: 12.0004, transcodeMs: 0.2 });
    assert.deepEqual(line, LINE);
    assert.deepEqual(Object.keys(line), Object.keys(LINE), "in this order");
  });

  test("has the trace, the reason and the unknown fields of a request that has them", () => {
    const line = jsonOf({
      traceId: "t",
      reason: "DEADLINE",
      unknownFields: ["/x"],
      code: Code.DEADLINE_EXCEEDED,
    });
    assert.deepEqual(line, {
      ...LINE,
      durationMs: 20,
      traceId: "t",
      grpcStatus: "DEADLINE_EXCEEDED",
      reason: "DEADLINE",
      unknownFields: ["/x"],
    });
  });

  test("has the fields that were chosen, in their order", () => {
    const names = [
      "status",
      "query",
      "header.user-agent",
      "header.x-a",
      "header.authorization",
      "header.x-none",
    ];
    const line = jsonOf({ query: "a=1&token=geheim", headers: HEADERS }, names);
    assert.deepEqual(line, {
      level: "info",
      time: LINE.time,
      status: 200,
      query: "a=1&token=[redacted]",
      "header.user-agent": "curl/8",
      "header.x-a": "1, 2",
      "header.authorization": "[redacted]",
      msg: "request",
    });
  });

  test("cannot be given a second line by what a client sends", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (path) => {
        assert.ok("path" in jsonOf({ path }));
      }),
    );
    const forged = '/a\n{"level":"error"}\r\u2028\u0000';
    assert.deepEqual(jsonOf({ path: forged }, ["path"]), {
      level: "info",
      time: LINE.time,
      path: forged,
      msg: "request",
    });
  });
});

describe("a line by a template", () => {
  const rows: readonly [template: string, fields: Partial<AccessRecord>, line: string][] = [
    ["{method} {path} {status} {durationMs}ms", {}, "GET /v1/shelves/1 200 20ms"],
    ["{time} {{{peer}}}", {}, "2026-01-02T03:04:05.006Z {192.0.2.1}"],
    ["{reason} {traceId} {unknownFields}", {}, "- - -"],
    ["{unknownFields}", { unknownFields: ["/a", "/b"] }, "/a,/b"],
    ['"{header.user-agent}"', { headers: HEADERS }, '"curl/8"'],
    ["{header.authorization}", { headers: HEADERS }, "[redacted]"],
    ["{header.authorization}", {}, "-"],
    ["{query}", { query: "x=1&secret_key=2" }, "x=1&secret_key=[redacted]"],
    ['"{header.user-agent}"', { headers: ["user-agent", 'a" b\\'] }, '"a\\" b\\\\"'],
    ["{path}", { path: "/a\r\nb\u0000\u007f\u0085\u2028" }, "/a\\u000d\\u000ab\\u0000\\u007f\\u0085\\u2028"],
    ["{path}", { path: "/ä€😀" }, "/ä€😀"],
  ];
  for (const [text, fields, line] of rows) {
    test(`${text} gives ${line}`, () => {
      assert.equal(template(text)(record(fields), TIME), `${line}\n`);
    });
  }

  test("holds nothing that ends a line, or the quotes around it, whatever a client sends", () => {
    const write = template('"{path}" "{query}" "{header.x}"');
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const line = write(record({ path: text, query: text, headers: ["x", text] }), TIME);
        assert.match(
          line,
          /^"(?:[^"\\\p{Cc}\u2028\u2029]|\\.)*" "(?:[^"\\\p{Cc}\u2028\u2029]|\\.)*" "(?:[^"\\\p{Cc}\u2028\u2029]|\\.)*"\n$/u,
        );
      }),
    );
  });

  test("of any text is read or refused, never thrown", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[{}a-z.]*$/), (text) => {
        const { parts, fault } = parseAccessTemplate(text);
        assert.ok((parts === undefined) !== (fault === undefined));
      }),
    );
  });
});

describe("redaction of a query", () => {
  const names = new RedactedNames(["token", "api_key", "x-amz-*"]);
  const rows: readonly [query: string, redacted: string][] = [
    ["", ""],
    ["a=1&b=2", "a=1&b=2"],
    ["token=geheim", "token=[redacted]"],
    ["a=1&TOKEN=geheim&b=2", "a=1&TOKEN=[redacted]&b=2"],
    ["token=geheim&token=geheim", "token=[redacted]&token=[redacted]"],
    ["token=geheim=geheim", "token=[redacted]"],
    ["%74oken=geheim", "%74oken=[redacted]"],
    ["+token=geheim", "+token=[redacted]"],
    ["user.token=geheim", "user.token=[redacted]"],
    ["m[token]=geheim", "m[token]=[redacted]"],
    ["m%5Btoken%5D=geheim", "m%5Btoken%5D=[redacted]"],
    ["X-Amz-Signature=geheim", "X-Amz-Signature=[redacted]"],
    ["%zz=1&api_key=geheim", "%zz=1&api_key=[redacted]"],
    ["tokens=1&mytoken=2", "tokens=1&mytoken=2"],
    ["token", "token"],
    ["a=token", "a=token"],
  ];
  for (const [query, redacted] of rows) {
    test(query || "of nothing", () => assert.equal(redactQuery(query, names), redacted));
  }
});

describe("sampling of the access log", () => {
  const good = record();
  const rows: readonly [
    what: string,
    fields: AccessRecord,
    ratio: number,
    errors: "always" | "sampled",
    chance: number,
    lines: number,
  ][] = [
    ["all", good, 1, "sampled", 0.999, 1],
    ["none", good, 0, "always", 0, 0],
    ["one within the share", good, 0.5, "always", 0.49, 1],
    ["one beyond the share", good, 0.5, "always", 0.5, 0],
    ["an HTTP error", record({ httpStatus: 404 }), 0, "always", 0.9, 1],
    ["a stream that failed after its head", record({ code: Code.INTERNAL }), 0, "always", 0.9, 1],
    ["an error that is sampled as any", record({ httpStatus: 500 }), 0, "sampled", 0, 0],
  ];
  for (const [what, fields, ratio, errors, chance, expected] of rows) {
    test(`${what}: ${expected} lines`, () => {
      const lines: string[] = [];
      const log = new AccessLog({
        format: template("{method}"),
        sampling: { ratio, errors },
        lines: { write: (line) => lines.push(line) },
        now: () => TIME,
        random: () => chance,
      });
      log.requestStarted();
      log.requestFinished(fields);
      assert.equal(lines.length, expected);
    });
  }
});
