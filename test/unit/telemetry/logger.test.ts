import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type AccessRecord,
  combineObservers,
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
