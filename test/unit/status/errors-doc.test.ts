import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { codeName, gatewayStatus, httpStatusOf, REASONS, type Reason } from "../../../src/status/index.ts";

const rows = readFileSync("docs/errors.md", "utf8")
  .split("\n")
  .filter((line) => /^\| `[A-Z_]+` \|/.test(line))
  .map((line) => line.split("|").map((cell) => cell.trim().replaceAll("`", "")));

describe("docs/errors.md lists the reasons as the code has them", () => {
  test("every reason once, in the order of the list", () => {
    assert.deepEqual(
      rows.map((row) => row[1]),
      Object.keys(REASONS),
    );
  });

  for (const [reason, { code, what }] of Object.entries(REASONS)) {
    test(reason, () => {
      // The keys of REASONS are Reasons by its type.
      const httpStatus = httpStatusOf(gatewayStatus(reason as Reason, ""), {});
      const row = rows.find((cells) => cells[1] === reason);
      assert.deepEqual(row?.slice(2, 5), [String(httpStatus), codeName(code), what]);
    });
  }
});
