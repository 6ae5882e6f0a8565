import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import { curlCommand, curlExamples } from "../../../src/demo/index.ts";

const BASE_URL = "http://127.0.0.1:8080";

describe("curl examples", () => {
  for (const example of curlExamples(BASE_URL)) {
    it(`"${example.title}" names the gateway and survives a shell`, () => {
      assert.equal(example.args.filter((argument) => argument.startsWith(`${BASE_URL}/v1/`)).length, 1);
      const script = `curl() { printf '%s\\0' "$@"; }\n${curlCommand(example)}`;
      const { stdout, status } = spawnSync("sh", ["-c", script], { encoding: "utf8" });
      assert.equal(status, 0);
      // curl itself reads \n in the format of -w.
      const received = stdout.split("\0").slice(0, -1);
      assert.deepEqual(
        received,
        example.args.map((argument) => argument.replaceAll("\n", "\\n")),
      );
    });
  }

  it("have titles of their own", () => {
    const titles = curlExamples(BASE_URL).map((example) => example.title);
    assert.ok(titles.length > 6);
    assert.equal(new Set(titles).size, titles.length);
  });
});
