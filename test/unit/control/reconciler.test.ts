import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createRegistry, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, file_google_protobuf_empty } from "@bufbuild/protobuf/wkt";
import { Reconciler, type ReconcilerParts } from "../../../src/control/index.ts";
import type { RoutingSnapshot } from "../../../src/gateway/index.ts";
import { readDescriptorFile, type SchemaFiles, type SchemaSource } from "../../../src/schema/index.ts";
import { type Problem, refuse } from "../../../src/status/index.ts";
import { compile } from "./compile.ts";

const AWAY = refuse("UPSTREAM_UNREACHABLE", "nobody is at home");
const PROBLEM: Problem = { severity: "warning", where: "api.binpb", what: "is odd", hint: "look at it" };

/** A file, as a source gives it. */
function found(problems: readonly Problem[] = []): SchemaFiles {
  const file = { ...file_google_protobuf_empty.proto, name: "own.proto", package: "own" };
  return { files: [readDescriptorFile(toBinary(FileDescriptorProtoSchema, file))], problems };
}

/** One try that a test ends as it likes. */
interface Try {
  readonly signal: AbortSignal;
  succeed(files: SchemaFiles): void;
  fail(error: Error): void;
}

/** A source whose tries wait for the test. */
class ScriptedSource implements SchemaSource {
  readonly name = "scripted";
  readonly tries: Try[] = [];

  load(signal: AbortSignal): Promise<SchemaFiles> {
    return new Promise((succeed, fail) => {
      signal.addEventListener("abort", () => fail(AWAY));
      this.tries.push({ signal, succeed, fail });
    });
  }

  /** The try under way. */
  get now(): Try {
    const last = this.tries.at(-1);
    assert.ok(last);
    return last;
  }
}

/** A reconciler, the pauses that it asks for, and all that it says. */
class Bench {
  readonly sources: Record<string, ScriptedSource>;
  /** What the warm-up of an upstream waits for. */
  readonly warmUps: Record<string, Promise<void>> = {};
  readonly published: RoutingSnapshot[] = [];
  readonly known: string[][] = [];
  readonly pauses: { ms: number; end: () => void }[] = [];
  readonly lines: { level: string; fields: Record<string, unknown>; text: string }[] = [];
  readonly reconciler: Reconciler;
  compileProblems: readonly Problem[] = [];

  constructor(upstreams: readonly string[], parts: Partial<ReconcilerParts> = {}) {
    this.sources = Object.fromEntries(upstreams.map((upstream) => [upstream, new ScriptedSource()]));
    const say =
      (level: string) =>
      (fields: Record<string, unknown>, text: string): void => {
        this.lines.push({ level, fields, text });
      };
    const [trace, debug, info] = [say("trace"), say("debug"), say("info")];
    const [warn, error, fatal] = [say("warn"), say("error"), say("fatal")];
    const empty = compile({
      yaml: "upstreams: { a: { address: a:1, schema: { reflection: true } } }",
      schemas: {},
    });
    this.reconciler = new Reconciler({
      targets: Object.entries(this.sources).map(([upstream, source]) => ({
        upstream,
        sources: [source],
        warmUp: () => this.warmUps[upstream] ?? Promise.resolve(),
      })),
      compile: (schemas, pendingUpstreams, revision) => {
        this.known.push([...schemas.keys()]);
        const snapshot = { ...empty.snapshot, pendingUpstreams, revision, registry: createRegistry() };
        return { snapshot, problems: this.compileProblems };
      },
      publish: (snapshot) => {
        this.published.push(snapshot);
      },
      // The Logger's methods are overloaded; the reconciler calls them with fields and a sentence alone.
      log: { level: "info", trace, debug, info, warn, error, fatal } as unknown as ReconcilerParts["log"],
      random: () => 0.5,
      pause: (ms, signal) =>
        new Promise((resolve, reject) => {
          const onAbort = (): void => reject(new Error("aborted"));
          if (signal.aborted) onAbort();
          signal.addEventListener("abort", onAbort);
          const end = (): void => {
            signal.removeEventListener("abort", onAbort);
            resolve();
          };
          this.pauses.push({ ms, end });
        }),
      patienceMs: Number.POSITIVE_INFINITY,
      ...parts,
    });
  }

  source(upstream: string): ScriptedSource {
    const source = this.sources[upstream];
    assert.ok(source);
    return source;
  }

  /** Ends the last pause and lets everything happen that follows from it. */
  async wake(): Promise<void> {
    this.pauses.at(-1)?.end();
    await settle();
  }

  said(text: string): readonly Record<string, unknown>[] {
    return this.lines.filter((line) => line.text === text).map(({ fields }) => fields);
  }
}

/** Lets every promise that can settle do so. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

describe("the first snapshot", () => {
  test("waits for the first try of every upstream and is published once", async () => {
    const bench = new Bench(["a", "b"]);
    const started = bench.reconciler.start();
    bench.source("a").now.succeed(found());
    await settle();
    assert.equal(bench.published.length, 0);
    bench.source("b").now.succeed(found());
    await started;
    assert.deepEqual(bench.known, [["a", "b"]]);
    assert.deepEqual(
      bench.published.map(({ revision }) => revision),
      [1],
    );
    assert.deepEqual(bench.reconciler.known, ["a", "b"]);
    assert.deepEqual(bench.reconciler.pending, []);
    await bench.reconciler.stop();
  });

  test("waits until the upstreams whose schemas it has are warm, and for no other", async () => {
    const bench = new Bench(["a", "b", "away"]);
    let warm: () => void = () => undefined;
    bench.warmUps.a = new Promise((resolve) => {
      warm = resolve;
    });
    bench.warmUps.away = new Promise(() => undefined);
    const started = bench.reconciler.start();
    bench.source("a").now.succeed(found());
    bench.source("b").now.succeed(found());
    bench.source("away").now.fail(AWAY);
    await settle();
    assert.equal(bench.published.length, 0);
    assert.deepEqual(bench.reconciler.known, ["b"]);
    warm();
    await started;
    assert.deepEqual(bench.known, [["b", "a"]]);
    assert.deepEqual(bench.published[0]?.pendingUpstreams, ["away"]);
    await bench.reconciler.stop();
  });

  test("comes without an upstream that is away, which is pending", async () => {
    const bench = new Bench(["a", "b"]);
    const started = bench.reconciler.start();
    bench.source("a").now.succeed(found());
    bench.source("b").now.fail(AWAY);
    await started;
    assert.deepEqual(bench.known, [["a"]]);
    assert.deepEqual(bench.published[0]?.pendingUpstreams, ["b"]);
    assert.deepEqual(bench.said("schema not loaded; trying again"), [
      { upstream: "b", cause: "nobody is at home" },
    ]);
    await bench.reconciler.stop();
  });

  test("does not wait longer than its patience for an upstream that hangs", async () => {
    const bench = new Bench(["a", "hanging"], { patienceMs: 1234 });
    const started = bench.reconciler.start();
    bench.source("a").now.succeed(found());
    await settle();
    assert.deepEqual(
      bench.pauses.map(({ ms }) => ms),
      [1234],
    );
    await bench.wake();
    await started;
    assert.deepEqual(bench.known, [["a"]]);
    bench.source("hanging").now.succeed(found());
    await settle();
    assert.deepEqual(bench.known.at(-1), ["a", "hanging"], "what comes later is published when it comes");
    assert.deepEqual(
      bench.published.map(({ revision }) => revision),
      [1, 2],
    );
    await bench.reconciler.stop();
  });
});

describe("an upstream that is away", () => {
  test("is tried again with growing pauses, up to ten seconds", async () => {
    const bench = new Bench(["a"]);
    const started = bench.reconciler.start();
    bench.source("a").now.fail(AWAY);
    await started;
    await settle();
    for (let i = 0; i < 8; i++) {
      await bench.wake();
      bench.source("a").now.fail(AWAY);
      await settle();
    }
    const pauses = bench.pauses.map(({ ms }) => ms);
    const whole = [200, 400, 800, 1600, 3200, 6400, 10_000, 10_000, 10_000];
    assert.deepEqual(
      pauses,
      whole.map((ms) => ms * 0.75),
      "half of it random, here in the middle",
    );
    assert.equal(bench.published.length, 1, "nothing new, nothing published");
    await bench.reconciler.stop();
  });

  for (const [random, factor] of [
    [0, 0.5],
    [0.999, 0.9995],
  ] as const) {
    test(`waits ${factor} of the pause where chance says ${random}`, async () => {
      const bench = new Bench(["a"], { random: () => random });
      const started = bench.reconciler.start();
      bench.source("a").now.fail(AWAY);
      await started;
      await settle();
      assert.deepEqual(
        bench.pauses.map(({ ms }) => ms),
        [200 * factor],
      );
      await bench.reconciler.stop();
    });
  }

  test("is published when its schema comes, and not tried any more", async () => {
    const bench = new Bench(["a", "b"]);
    const started = bench.reconciler.start();
    bench.source("a").now.succeed(found());
    bench.source("b").now.fail(AWAY);
    await started;
    await settle();
    await bench.wake();
    bench.source("b").now.succeed(found());
    await settle();
    assert.deepEqual(bench.known, [["a"], ["a", "b"]]);
    assert.deepEqual(
      bench.published.map(({ pendingUpstreams }) => pendingUpstreams),
      [["b"], []],
    );
    assert.equal(bench.pauses.length, 1);
    assert.equal(bench.source("a").tries.length, 1, "those that are known are left alone");
    assert.equal(bench.source("b").tries.length, 2);
    await bench.reconciler.stop();
  });

  test("is tried again after a fault that is not a status", async () => {
    const bench = new Bench(["a"]);
    const started = bench.reconciler.start();
    bench.source("a").now.fail(new TypeError("boom"));
    await started;
    await settle();
    assert.equal(bench.pauses.length, 1);
    assert.match(String(bench.said("schema not loaded; trying again")[0]?.cause), /boom/);
    await bench.reconciler.stop();
  });
});

describe("an upstream whose sources hold nothing usable", () => {
  test("is neither known nor pending: trying again would not help", async () => {
    const bench = new Bench(["a"]);
    const started = bench.reconciler.start();
    bench.source("a").now.succeed({ files: [], problems: [PROBLEM] });
    await started;
    await settle();
    assert.deepEqual(bench.reconciler.known, []);
    assert.deepEqual(bench.reconciler.pending, []);
    assert.equal(bench.pauses.length, 0);
    assert.equal(bench.lines.filter(({ level }) => level === "error").length, 1);
    assert.deepEqual(bench.reconciler.problems[0], PROBLEM);
    await bench.reconciler.stop();
  });
});

describe("problems", () => {
  test("of sources and of rules are told once, however often a snapshot is made", async () => {
    const bench = new Bench(["a", "b"]);
    bench.compileProblems = [{ severity: "error", where: "x.yaml:1:1", what: "bad rule", hint: "mend it" }];
    const started = bench.reconciler.start();
    bench.source("a").now.succeed(found([PROBLEM]));
    bench.source("b").now.fail(AWAY);
    await started;
    await settle();
    await bench.wake();
    bench.source("b").now.succeed(found());
    await settle();
    assert.equal(bench.published.length, 2);
    const told = bench.lines.filter(({ text }) => text === "problem");
    assert.deepEqual(
      told.map(({ level, fields }) => `${level} ${String(fields.problem)}`),
      [
        "warn api.binpb: is odd (look at it)",
        "warn scripted: no service is declared (give the descriptors of the protos that declare the services, with all imports)",
        "error x.yaml:1:1: bad rule (mend it)",
      ],
    );
    await bench.reconciler.stop();
  });
});

describe("stop", () => {
  test("ends a pause", async () => {
    const bench = new Bench(["a"]);
    const started = bench.reconciler.start();
    bench.source("a").now.fail(AWAY);
    await started;
    await settle();
    await bench.reconciler.stop();
    assert.equal(bench.source("a").tries.length, 1);
  });

  test("ends a try, without a word about its failure", async () => {
    const bench = new Bench(["a"]);
    const started = bench.reconciler.start();
    bench.source("a").now.fail(AWAY);
    await started;
    await settle();
    await bench.wake();
    const told = bench.lines.length;
    await bench.reconciler.stop();
    assert.equal(bench.source("a").now.signal.aborted, true);
    assert.equal(bench.lines.length, told);
    assert.equal(bench.published.length, 1);
  });
});
