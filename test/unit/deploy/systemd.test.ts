import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, it } from "node:test";

const FILE = "deploy/systemd/sluice.service";
const text: string = readFileSync(FILE, "utf8");

function value(name: string): string | undefined {
  return new RegExp(`^${name}=(.*)$`, "m").exec(text)?.[1];
}

describe("the systemd unit", () => {
  it("is one that systemd understands", (t) => {
    if (spawnSync("systemd-analyze", ["--version"]).status !== 0) {
      t.skip("systemd-analyze is not installed");
      return;
    }
    mkdirSync(".cache", { recursive: true });
    const folder = mkdtempSync(resolve(".cache/systemd-"));
    try {
      // It looks whether programs exist, and Node may be elsewhere here.
      const unit = join(folder, "sluice.service");
      writeFileSync(unit, text.replaceAll("/usr/bin/node", process.execPath));
      const { stdout, stderr, status } = spawnSync("systemd-analyze", ["verify", unit], { encoding: "utf8" });
      // Other units of the machine are complained of too.
      const complaints = `${stdout}${stderr}`.split("\n").filter((line) => line.includes("sluice.service"));
      assert.deepEqual(complaints, []);
      assert.equal(status, 0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("stops the first process alone, and waits longer than a drain takes by default", () => {
    assert.equal(value("KillMode"), "mixed");
    assert.equal(value("TimeoutStopSec"), "45s");
    assert.match(readFileSync("config/sluice.yaml", "utf8"), /drainTimeout: 30s/);
  });

  it("reloads by the signal that the gateway reloads on", () => {
    assert.equal(value("ExecReload"), "/bin/kill -HUP $MAINPID");
  });

  it("starts the gateway without root", () => {
    assert.match(
      value("ExecStart") ?? "",
      /^\/usr\/bin\/node \/opt\/sluice\/dist\/main\.js serve --config \S+$/,
    );
    assert.equal(value("DynamicUser"), "yes");
    assert.equal(value("NoNewPrivileges"), "yes");
  });
});
