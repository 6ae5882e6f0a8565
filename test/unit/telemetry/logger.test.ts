import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Code } from "../../../src/status/index.ts";
import {
  type AccessRecord,
  combineObservers,
  createAccessLog,
  createLogger,
  type LogLevel,
} from "../../../src/telemetry/index.ts";
import { record } from "./records.ts";

/** The log lines, whole, that `write` gives to a logger of `level`. */
function linesOf(level: LogLevel, write: (log: ReturnType<typeof createLogger>) => void): readonly object[] {
  const lines: object[] = [];
  write(
    createLogger(level, {
      write: (line) => {
        assert.ok(line.endsWith("\n"));
        assert.equal(line.indexOf("\n"), line.length - 1, "one line each");
        // Every line of the log is a JSON object.
        lines.push(JSON.parse(line) as object);
      },
    }),
  );
  return lines;
}

function accessLine(fields: Partial<AccessRecord>): Record<string, unknown> {
  const [line] = linesOf("info", (log) => createAccessLog(log).requestFinished(record(fields)));
  assert.ok(line);
  return { ...line };
}

describe("the log", () => {
  test("has the level's name, a time in UTC and the sentence", () => {
    const [line] = linesOf("info", (log) => log.warn({ upstream: "a" }, "gone"));
    const { time, ...rest } = { time: "", ...line };
    assert.deepEqual(rest, { level: "warn", upstream: "a", msg: "gone" });
    assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  const levels: readonly [level: LogLevel, written: readonly string[]][] = [
    ["trace", ["debug", "info", "error"]],
    ["info", ["info", "error"]],
    ["error", ["error"]],
    ["silent", []],
  ];
  for (const [level, written] of levels) {
    test(`at level ${level} has ${written.join(", ") || "nothing"}`, () => {
      const lines = linesOf(level, (log) => {
        log.debug({}, "debug");
        log.info({}, "info");
        log.error({}, "error");
      });
      assert.deepEqual(
        lines.map((line) => "msg" in line && line.msg),
        written,
      );
    });
  }
});

describe("the access log", () => {
  test("has every field of a request that succeeded, and no more", () => {
    const { time, ...line } = accessLine({ durationMs: 20.123456, upstreamMs: 12.0004, transcodeMs: 0.2 });
    assert.equal(typeof time, "string");
    assert.deepEqual(line, {
      level: "info",
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
    });
  });

  test("has the reason of the gateway's own errors", () => {
    const line = accessLine({ httpStatus: 504, code: Code.DEADLINE_EXCEEDED, reason: "DEADLINE" });
    assert.equal(line.status, 504);
    assert.equal(line.grpcStatus, "DEADLINE_EXCEEDED");
    assert.equal(line.reason, "DEADLINE");
  });

  test("names unknown fields where there are any", () => {
    assert.deepEqual(accessLine({ unknownFields: ["/x"] }).unknownFields, ["/x"]);
  });

  test("cannot be given a second line by what a client sends", () => {
    const forged = '/a\n{"level":"error"}\r\u2028\u0000';
    assert.equal(accessLine({ path: forged }).path, forged);
  });
});

test("combined observers are each told of everything, in order", () => {
  const told: string[] = [];
  const observer = (name: string) => ({
    requestStarted: (): void => void told.push(`${name} started`),
    requestFinished: ({ requestId }: AccessRecord): void => void told.push(`${name} finished ${requestId}`),
  });
  const both = combineObservers([observer("first"), observer("second")]);
  both.requestStarted();
  both.requestFinished(record());
  assert.deepEqual(told, ["first started", "second started", "first finished id-1", "second finished id-1"]);
});
