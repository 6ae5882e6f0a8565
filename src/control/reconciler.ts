/**
 * Keeps the gateway's snapshot in step with the upstreams: discovers each schema, trying again with growing pauses while
 * an upstream is away, and publishes a new snapshot whenever one has come.
 *
 *   (each upstream)  discovering --schema--> warming up --connected, or soon--> known
 *                     ^      | unreachable
 *                     +-pause+
 *
 * The first snapshot waits a moment for all of them, so that a start compiles once; an upstream that hangs does not
 * keep the others waiting longer than that.
 */
import type { RoutingSnapshot } from "../gateway/index.ts";
import type { SchemaSet, SchemaSource } from "../schema/index.ts";
import { formatProblem, type Problem, StatusError } from "../status/index.ts";
import type { Logger } from "../telemetry/index.ts";
import { type Discovery, discover } from "./discover.ts";

/** An upstream to be discovered. */
export interface DiscoveryTarget {
  readonly upstream: string;
  readonly sources: readonly SchemaSource[];
  /** Opens connections, so that the first calls find them open. Takes no longer than the upstream may; never rejects. */
  readonly warmUp: () => Promise<void>;
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
  readonly compile: (
    schemas: ReadonlyMap<string, SchemaSet>,
    pending: readonly string[],
    revision: number,
  ) => CompiledSnapshot;
  readonly publish: (snapshot: RoutingSnapshot) => void;
  readonly log: Logger;
  /** A number in [0, 1), for spreading retries. */
  readonly random: () => number;
  /** Resolves after `ms`; rejects once `signal` is aborted. */
  pause(ms: number, signal: AbortSignal): Promise<void>;
  /** How long the first snapshot may wait for the first try of every upstream; Infinity waits for all of them. */
  readonly patienceMs: number;
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
  #hasPublished = false;
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

  /**
   * Tries every upstream once, waits for that no longer than `patienceMs`, and publishes what came. Those that are away
   * are tried on in the background.
   */
  async start(): Promise<void> {
    const { targets, patienceMs } = this.#parts;
    const started = targets.map((target) => ({ target, firstTry: this.#try(target) }));
    const firstTries = Promise.all(started.map(({ firstTry }) => firstTry));
    this.#running = Promise.all(started.map((each) => this.#keepTrying(each.target, each.firstTry))).then(
      () => undefined,
    );
    const isOver = new AbortController();
    const patience = Number.isFinite(patienceMs) ? [this.#pause(patienceMs, isOver.signal)] : [];
    await Promise.race([firstTries, ...patience]);
    isOver.abort();
    this.#hasPublished = true;
    this.#publish();
  }

  /** Ends every attempt under way. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #keepTrying(target: DiscoveryTarget, firstTry: Promise<boolean>): Promise<void> {
    const { random } = this.#parts;
    let isSettled = await firstTry;
    for (let pauseMs = FIRST_PAUSE_MS; !isSettled; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      // Half of the pause is random, so that many gateways do not come back at once.
      if (!(await this.#pause(pauseMs * (0.5 + random() / 2), this.#stop.signal))) return;
      isSettled = await this.#try(target);
    }
    // What came before the first publication is part of it.
    if (this.#hasPublished && !this.#stop.signal.aborted) this.#publish();
  }

  /** Whether the pause passed undisturbed. */
  async #pause(ms: number, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#parts.pause(ms, signal);
      return true;
    } catch {
      return false;
    }
  }

  /** Whether there is a schema now, or none to be waited for. */
  async #try({ upstream, sources, warmUp }: DiscoveryTarget): Promise<boolean> {
    const { log } = this.#parts;
    try {
      const discovery: Discovery = await discover(sources, this.#stop.signal);
      this.#discoveryProblems.set(upstream, discovery.problems);
      if (discovery.schema === undefined) {
        this.#settled.add(upstream);
        log.error({ upstream }, "no schema: its sources hold no usable file");
        return true;
      }
      await warmUp();
      this.#settled.add(upstream);
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
