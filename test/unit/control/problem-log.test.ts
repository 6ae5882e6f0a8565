import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ProblemLog } from "../../../src/control/problem-log.ts";
import type { Problem } from "../../../src/status/index.ts";
import { createLogger } from "../../../src/telemetry/index.ts";

function problem(what: string, severity: Problem["severity"] = "warning"): Problem {
  return { severity, where: "a.B.C", what, hint: "" };
}

/** What each call of `tell` has logged: level, problem or number of those left out. */
function told(...calls: readonly (readonly Problem[])[]): unknown[][] {
  const lines: { level: string; problem?: string; untold?: number }[] = [];
  const log = new ProblemLog(createLogger("info", { write: (line) => lines.push(JSON.parse(line)) }));
  return calls.map((problems) => {
    log.tell(problems);
    return lines.splice(0).map(({ level, problem, untold }) => `${level} ${problem ?? untold}`);
  });
}

describe("the log of problems", () => {
  test("tells each once, at the level of its severity", () => {
    const [first, second] = told(
      [problem("one"), problem("two", "error"), problem("one")],
      [problem("two", "error"), problem("one"), problem("three")],
    );
    assert.deepEqual([first?.length, second?.length], [2, 1]);
    assert.match(String(first?.[0]), /^warn .*one/);
    assert.match(String(first?.[1]), /^error .*two/);
    assert.match(String(second?.[0]), /^warn .*three/);
  });

  test("tells one again that went away and came back", () => {
    assert.deepEqual(
      told([problem("one")], [], [problem("one")]).map((lines) => lines.length),
      [1, 0, 1],
    );
  });

  test("counts what nobody would read", () => {
    const many = Array.from({ length: 5_000 }, (_, i) => problem(`number ${i}`));
    const [first, second] = told(many, many);
    assert.equal(first?.length, 101);
    assert.equal(first?.at(-1), "warn 4900");
    assert.deepEqual(second, []);
  });
});
