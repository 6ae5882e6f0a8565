/**
 * A reconciler over sources whose readings end as a test likes, with all pauses in the test's hand, and all that it says.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createErrorRenderer } from "../../../src/app/error-renderer.ts";
import type { Config } from "../../../src/config/index.ts";
import {
  type Applied,
  type CompileInput,
  Reconciler,
  type ReconcilerParts,
  type SchemaCache,
  TimeSlices,
  type UpstreamUnit,
} from "../../../src/control/index.ts";
import type { RoutingSnapshot } from "../../../src/gateway/index.ts";
import { readDescriptorSet, type SchemaFiles, type SchemaSource } from "../../../src/schema/index.ts";
import { type Problem, refuse, type StatusError } from "../../../src/status/index.ts";
import { createReflectiveFactory } from "../../../src/transcode/index.ts";
import { UpstreamRetries } from "../../../src/upstream/index.ts";
import { FakeChannel } from "../../support/fake-channel.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { compileSnapshot } from "../../support/in-one-go.ts";
import { configOf } from "./compile.ts";

/** What a source says whose upstream is away. */
export const AWAY: StatusError = refuse("UPSTREAM_UNREACHABLE", "nobody is at home");

/** The files of a descriptor set, each time anew. */
export function filesOf(path: string, problems: readonly Problem[] = []): SchemaFiles {
  return { files: readDescriptorSet(readFileSync(path)), problems };
}

/** The echo service. */
export function echo(problems: readonly Problem[] = []): SchemaFiles {
  return filesOf("test/fixtures/echo/echo.binpb", problems);
}

/** The library service. */
export function library(): SchemaFiles {
  return filesOf("descriptors/library.binpb");
}

/** One reading that a test ends as it likes. */
export interface Try {
  readonly signal: AbortSignal;
  succeed(files: SchemaFiles): void;
  fail(error: Error): void;
}

/** A source whose readings wait for the test. */
class ScriptedSource implements SchemaSource {
  readonly name = "scripted";
  readonly tries: Try[] = [];
  /** What its fingerprint is now. */
  print = "";
  /** Given at once, instead of waiting for the test. */
  answer: (() => SchemaFiles) | undefined;

  load(signal: AbortSignal): Promise<SchemaFiles> {
    return new Promise((succeed, fail) => {
      signal.addEventListener("abort", () => fail(AWAY));
      this.tries.push({ signal, succeed, fail });
      if (this.answer !== undefined) succeed(this.answer());
    });
  }

  fingerprint(): Promise<string> {
    return Promise.resolve(this.print);
  }

  /** The reading under way. */
  get now(): Try {
    const last = this.tries.at(-1);
    assert.ok(last);
    return last;
  }
}

/** A unit that was opened, and what became of it. */
export interface OpenedForTest {
  readonly upstream: string;
  readonly address: string;
  readonly source: ScriptedSource;
  readonly channel: FakeChannel;
  isClosed: boolean;
}

/** The time between two looks of a follower. */
const LOOK_MS = 2000;

/** The bench. */
export class Bench {
  /** Every unit, in the order of its opening. */
  readonly opened: OpenedForTest[] = [];
  /** What the warm-up of an upstream waits for. */
  readonly warmUps: Record<string, Promise<void>> = {};
  /** Caches by upstream. */
  readonly caches: Record<string, SchemaCache> = {};
  /** Upstreams that cannot be opened, with the problem. */
  readonly unopenable: Record<string, Problem> = {};
  readonly published: RoutingSnapshot[] = [];
  readonly compiled: CompileInput[] = [];
  readonly pauses: { ms: number; end: () => void }[] = [];
  readonly lines: { level: string; fields: Record<string, unknown>; text: string }[] = [];
  readonly reconciler: Reconciler;
  compileProblems: readonly Problem[] = [];
  /** Milliseconds since the epoch. */
  now = 1_000_000;

  constructor(parts: Partial<ReconcilerParts> = {}) {
    const say =
      (level: string) =>
      (fields: Record<string, unknown>, text: string): void => {
        this.lines.push({ level, fields, text });
      };
    const [trace, debug, info] = [say("trace"), say("debug"), say("info")];
    const [warn, error, fatal] = [say("warn"), say("error"), say("fatal")];
    this.reconciler = new Reconciler({
      openUnit: async (_config, { name, addresses }) => {
        const problem = this.unopenable[name];
        if (problem !== undefined) return { unit: undefined, problems: [problem] };
        return { unit: this.#unit(name, addresses[0]?.address ?? ""), problems: [] };
      },
      loadServiceConfig: async () => ({ serviceConfig: undefined, problems: [] }),
      compile: async (input) => this.#compile(input),
      publish: (snapshot) => {
        this.published.push(snapshot);
      },
      // The Logger's methods are overloaded; the reconciler calls them with fields and a sentence alone.
      log: { level: "info", trace, debug, info, warn, error, fatal } as unknown as ReconcilerParts["log"],
      slices: () =>
        new TimeSlices(
          () => 0,
          () => Promise.resolve(),
        ),
      random: () => 0.5,
      now: () => this.now,
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
      patienceMs: () => Number.POSITIVE_INFINITY,
      ...parts,
    });
  }

  /** The pauses before further tries. */
  get retries(): readonly number[] {
    return this.pauses.map(({ ms }) => ms).filter((ms) => ms !== LOOK_MS);
  }

  /** The upstreams whose schemas went into each compilation. */
  get known(): readonly (readonly string[])[] {
    return this.compiled.map(({ schemas }) => [...schemas.keys()]);
  }

  /** Applies a config of these upstreams, in YAML. */
  apply(upstreams: string, more = ""): Promise<Applied> {
    return this.reconciler.apply(config(upstreams, more));
  }

  /** The last unit of an upstream. */
  unit(upstream: string): OpenedForTest {
    const unit = this.opened.filter((each) => each.upstream === upstream).at(-1);
    assert.ok(unit, upstream);
    return unit;
  }

  /** The source of the last unit of an upstream. */
  source(upstream: string): ScriptedSource {
    return this.unit(upstream).source;
  }

  /** Ends the last pause before another try, and lets everything happen that follows from it. */
  async wake(): Promise<void> {
    this.pauses
      .filter(({ ms }) => ms !== LOOK_MS)
      .at(-1)
      ?.end();
    await settle();
  }

  /** Lets every follower look once, and read again until it is sure. */
  async look(): Promise<void> {
    for (let i = 0; i < 3; i++) {
      for (const { end } of this.pauses.splice(0)) end();
      await settle();
    }
  }

  /** Starts with these upstreams, whose sources give `files`. */
  async serving(
    given: string,
    files: Readonly<Record<string, () => SchemaFiles>>,
    more = "",
  ): Promise<Applied> {
    const started = this.apply(given, more);
    await settle();
    for (const [name, answer] of Object.entries(files)) {
      this.source(name).answer = answer;
      this.source(name).now.succeed(answer());
    }
    return await started;
  }

  /** What an upstream's sources give from now on, which their fingerprint tells. */
  changes(upstream: string, answer: () => SchemaFiles): void {
    const source = this.source(upstream);
    source.answer = answer;
    source.print += "+";
  }

  said(text: string): readonly Record<string, unknown>[] {
    return this.lines.filter((line) => line.text === text).map(({ fields }) => fields);
  }

  /** The routes that serve now, as `METHOD template`. */
  get routes(): readonly string[] {
    return (this.published.at(-1)?.routes ?? []).map(
      ({ httpMethod, template }) => `${httpMethod} ${template}`,
    );
  }

  #unit(upstream: string, address: string): UpstreamUnit {
    const opened: OpenedForTest = {
      upstream,
      address,
      source: new ScriptedSource(),
      channel: new FakeChannel(),
      isClosed: false,
    };
    const clock = new FakeClock();
    const surroundings = { now: () => clock.now, random: () => 0, timers: clock };
    this.opened.push(opened);
    return {
      upstream,
      channel: opened.channel,
      retries: new UpstreamRetries(
        opened.channel,
        { percent: 20, minPerSecond: 10, keptBytes: 1 },
        surroundings,
      ),
      sources: [opened.source],
      tls: undefined,
      cache: this.caches[upstream],
      warmUp: () => this.warmUps[upstream] ?? Promise.resolve(),
      close: async () => {
        opened.isClosed = true;
      },
    };
  }

  #compile(input: CompileInput): ReturnType<typeof compileSnapshot> {
    this.compiled.push(input);
    const { config: given, schemas, units, serviceConfigs, pending, revision } = input;
    const compiled = compileSnapshot(
      {
        config: given,
        transcoders: createReflectiveFactory(),
        errorRenderer: createErrorRenderer,
        cors: () => undefined,
        channels: new Map([...units].map(([name, { channel }]) => [name, channel])),
        retries: new Map([...units].map(([name, { retries }]) => [name, retries])),
        serviceConfigs,
      },
      schemas,
      pending,
      revision,
    );
    return { ...compiled, problems: [...compiled.problems, ...this.compileProblems] };
  }
}

/** A config of these upstreams, in YAML; `more` stands beside them. */
export function config(upstreams: string, more = ""): Config {
  return configOf(`upstreams:\n${upstreams}\n${more}`);
}

/** Upstreams that are described by reflection, one a name; `address` and `more` are in all of them. */
export function upstreams(names: readonly string[], address = "host:1", more = ""): string {
  return names
    .map((name) => `  ${name}: { address: "${address}", schema: { reflection: true }${more} }`)
    .join("\n");
}

/** Lets every promise that can settle do so. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}
