import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Config } from "../../../src/config/index.ts";
import { type Applied, ConfigWatcher, Reloads, type ReloadsParts } from "../../../src/control/index.ts";
import { config, settle, upstreams } from "./reconciler-bench.ts";

const LOG = { level: "info", trace() {}, debug() {}, info() {}, warn() {}, error() {}, fatal() {} };
const APPLIED: Applied = { result: "applied", revision: 2, changes: [], problems: [] };

/** Reloads whose config is read when the test says so, and what was applied. */
class ReloadBench {
  readonly applied: Config[] = [];
  readonly reads: ((given: Awaited<ReturnType<ReloadsParts["read"]>>) => void)[] = [];
  readonly looks: number[] = [];
  outcome: () => Promise<Applied> = () => Promise.resolve(APPLIED);
  readonly reloads = new Reloads({
    config: config(upstreams(["a"])),
    read: () => new Promise((resolve) => this.reads.push(resolve)),
    reconciler: {
      revision: 1,
      look: async () => {
        this.looks.push(this.applied.length);
      },
      apply: (given) => {
        this.applied.push(given);
        return this.outcome();
      },
    },
    onApplied: () => undefined,
    log: LOG,
  });

  async read(more = ""): Promise<void> {
    await settle();
    this.reads.at(-1)?.({ config: config(upstreams(["a"]), more), problems: [] });
    await settle();
  }
}

describe("reloads", () => {
  test("run one at a time, and those that wait are one", async () => {
    const bench = new ReloadBench();
    const first = bench.reloads.reload("request");
    await settle();
    const others = [1, 2, 3].map(() => bench.reloads.reload("signal"));
    assert.equal(bench.reads.length, 1);
    await bench.read();
    await first;
    await bench.read();
    await Promise.all(others);
    assert.equal(bench.reads.length, 2, "it began after all three had asked");
    assert.deepEqual(bench.reloads.counts, { applied: 2, unchanged: 0, refused: 0 });
  });

  test("look at the schemas, except when a file of the config has changed", async () => {
    const bench = new ReloadBench();
    for (const cause of ["request", "signal", "file"] as const) {
      const reload = bench.reloads.reload(cause);
      await bench.read();
      await reload;
    }
    assert.deepEqual(bench.looks, [0, 1]);
  });

  test("refuse a config with a fault, and one that needs a restart, before anything is touched", async () => {
    const bench = new ReloadBench();
    const fault = { severity: "error", where: "sluice.yaml", what: "is empty", hint: "write it" } as const;
    const faulty = bench.reloads.reload("request");
    await settle();
    bench.reads.at(-1)?.({ config: undefined, problems: [fault] });
    assert.deepEqual(await faulty, { result: "refused", revision: 1, changes: [], problems: [fault] });
    const install = bench.reloads.reload("request");
    await bench.read("admin: { enabled: false }");
    assert.equal((await install).result, "refused");
    assert.equal(bench.applied.length, 0);
    assert.equal(bench.reloads.config.admin.enabled, true);
  });

  test("survive a fault of the gateway itself", async () => {
    const bench = new ReloadBench();
    bench.outcome = () => Promise.reject(new TypeError("boom"));
    const broken = bench.reloads.reload("request");
    await bench.read();
    const { result, problems } = await broken;
    assert.equal(result, "refused");
    assert.doesNotMatch(JSON.stringify(problems), /boom/);
    bench.outcome = () => Promise.resolve(APPLIED);
    const sound = bench.reloads.reload("request");
    await bench.read();
    assert.equal((await sound).result, "applied");
  });

  test("are refused once the gateway ends", async () => {
    const bench = new ReloadBench();
    await bench.reloads.close();
    assert.equal((await bench.reloads.reload("signal")).result, "refused");
    assert.equal(bench.reads.length, 0);
  });
});

describe("the watcher of the config", () => {
  class WatchBench {
    content: string | undefined = "one";
    isOn = true;
    reloads = 0;
    readonly pauses: (() => void)[] = [];
    readonly watcher = new ConfigWatcher({
      files: () => ["sluice.yaml"],
      read: new Map([["sluice.yaml", Buffer.from("one")]]),
      isOn: () => this.isOn,
      readFile: async () => {
        if (this.content === undefined) throw new Error("away");
        return Buffer.from(this.content);
      },
      onChange: async () => {
        this.reloads++;
      },
      log: LOG,
      pause: (_ms, signal) =>
        new Promise((resolve, reject) => {
          signal.addEventListener("abort", () => reject(new Error("aborted")));
          this.pauses.push(resolve);
        }),
    });

    /** Ends the pause under way. */
    async wake(): Promise<void> {
      this.pauses.at(-1)?.();
      await settle();
    }
  }

  test("tells of another content once two looks agree, and once alone", async () => {
    const bench = new WatchBench();
    bench.watcher.start();
    await settle();
    await bench.wake();
    assert.equal(bench.reloads, 0);
    bench.content = "tw";
    await bench.wake();
    bench.content = "two";
    await bench.wake();
    assert.equal(bench.reloads, 0, "it was still being written");
    for (let i = 0; i < 6; i++) await bench.wake();
    assert.equal(bench.reloads, 1);
    await bench.watcher.stop();
  });

  test("tells of what changed after it was read for the start, and before the watch began", async () => {
    const bench = new WatchBench();
    bench.content = "two";
    bench.watcher.start();
    for (let i = 0; i < 3; i++) await bench.wake();
    assert.equal(bench.reloads, 1);
    await bench.watcher.stop();
  });

  test("takes a file that is away for no change", async () => {
    const bench = new WatchBench();
    bench.watcher.start();
    await settle();
    bench.content = undefined;
    for (let i = 0; i < 4; i++) await bench.wake();
    bench.content = "one";
    for (let i = 0; i < 4; i++) await bench.wake();
    assert.equal(bench.reloads, 0);
    await bench.watcher.stop();
  });

  test("looks at nothing while it is switched off", async () => {
    const bench = new WatchBench();
    bench.isOn = false;
    bench.watcher.start();
    await settle();
    bench.content = "two";
    for (let i = 0; i < 4; i++) await bench.wake();
    assert.equal(bench.reloads, 0);
    await bench.watcher.stop();
  });
});
