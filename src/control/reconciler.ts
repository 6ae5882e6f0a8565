/**
 * Keeps the gateway's snapshot in step with the upstreams: discovers each schema, trying again with growing pauses while
 * an upstream is away, and publishes a new snapshot whenever one has come.
 *
 *   (each upstream)  discovering --schema--> known
 *                     ^      | unreachable
 *                     +-pause+
 */
import { setTimeout as pause } from "node:timers/promises";
import type { RoutingSnapshot } from "../gateway/index.ts";
import type { SchemaSet, SchemaSource } from "../schema/index.ts";
import { formatProblem, type Problem, StatusError } from "../status/index.ts";
import type { Logger } from "../telemetry/index.ts";
import { type Discovery, discover } from "./discover.ts";

/** An upstream to be discovered. */
export interface DiscoveryTarget {
  readonly upstream: string;
  readonly sources: readonly SchemaSource[];
}

/** A snapshot compiled from the schemas known so far. */
export interface CompiledSnapshot {
  readonly snapshot: RoutingSnapshot;
  readonly problems: readonly Problem[];
}

/** What the reconciler works with. */
export interface ReconcilerParts {
  readonly targets: readonly DiscoveryTarget[];
  /** Compiles the schemas by upstream. */
  compile(
    schemas: ReadonlyMap<string, SchemaSet>,
    pending: readonly string[],
    revision: number,
  ): CompiledSnapshot;
  publish(snapshot: RoutingSnapshot): void;
  readonly log: Logger;
  /** A number in [0, 1), for spreading retries. */
  random(): number;
}

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 10_000;

/** Discovers, compiles, publishes. */
export class Reconciler {
  readonly #parts: ReconcilerParts;
  readonly #schemas = new Map<string, SchemaSet>();
  readonly #discoveryProblems = new Map<string, readonly Problem[]>();
  /** Upstreams that need no further try: their schema is known, or their sources hold none. */
  readonly #settled = new Set<string>();
  readonly #reported = new Set<string>();
  readonly #stop = new AbortController();
  #compileProblems: readonly Problem[] = [];
  #revision = 0;
  #running: Promise<void> = Promise.resolve();

  constructor(parts: ReconcilerParts) {
    this.#parts = parts;
  }

  /** Upstreams whose schema may still come. */
  get pending(): readonly string[] {
    return this.#parts.targets
      .map(({ upstream }) => upstream)
      .filter((upstream) => !this.#settled.has(upstream));
  }

  /** Upstreams whose schema is known. */
  get known(): readonly string[] {
    return [...this.#schemas.keys()];
  }

  /** Every problem of the schemas and rules known so far. */
  get problems(): readonly Problem[] {
    return [...[...this.#discoveryProblems.values()].flat(), ...this.#compileProblems];
  }

  /** Tries every upstream once and publishes what came; those that are away are tried on in the background. */
  async start(): Promise<void> {
    const { targets } = this.#parts;
    const missing = await Promise.all(
      targets.map(async (target) => ((await this.#try(target)) ? [] : [target])),
    );
    this.#publish();
    this.#running = Promise.all(missing.flat().map((target) => this.#keepTrying(target))).then(
      () => undefined,
    );
  }

  /** Ends every attempt under way. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #keepTrying(target: DiscoveryTarget): Promise<void> {
    const { random } = this.#parts;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      // Half of the pause is random, so that many gateways do not come back at once.
      if (!(await this.#pause(pauseMs * (0.5 + random() / 2)))) return;
      if (!(await this.#try(target))) continue;
      if (!this.#stop.signal.aborted) this.#publish();
      return;
    }
  }

  /** Whether the pause passed undisturbed. */
  async #pause(ms: number): Promise<boolean> {
    try {
      await pause(ms, undefined, { signal: this.#stop.signal });
      return true;
    } catch {
      return false;
    }
  }

  /** Whether there is a schema now, or none to be waited for. */
  async #try({ upstream, sources }: DiscoveryTarget): Promise<boolean> {
    const { log } = this.#parts;
    try {
      const discovery: Discovery = await discover(sources, this.#stop.signal);
      this.#discoveryProblems.set(upstream, discovery.problems);
      this.#settled.add(upstream);
      if (discovery.schema === undefined) {
        log.error({ upstream }, "no schema: its sources hold no usable file");
        return true;
      }
      this.#schemas.set(upstream, discovery.schema);
      log.info({ upstream, services: discovery.schema.services.length }, "schema loaded");
      return true;
    } catch (error) {
      if (!this.#stop.signal.aborted) {
        const cause = error instanceof StatusError ? error.status.message : String(error);
        log.warn({ upstream, cause }, "schema not loaded; trying again");
      }
      return false;
    }
  }

  #publish(): void {
    const { compile, publish, log } = this.#parts;
    this.#revision++;
    const { snapshot, problems } = compile(this.#schemas, this.pending, this.#revision);
    this.#compileProblems = problems;
    publish(snapshot);
    for (const problem of this.problems) {
      const line = formatProblem(problem);
      if (!this.#reported.has(line))
        log[problem.severity === "error" ? "error" : "warn"]({ problem: line }, "problem");
      this.#reported.add(line);
    }
    log.info({ revision: snapshot.revision, routes: snapshot.routes.length }, "serving");
  }
}
