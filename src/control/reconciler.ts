/**
 * Keeps the gateway's snapshot in step with the config and with the schemas of its upstreams.
 *
 * It stands on a **footing**: a config, what is served of each upstream, and the forms of upstreams that are not served
 * yet, since their schema has not come or waits to be confirmed. A new config, or a new schema, makes a new footing; that
 * is planned, compiled, and published by one assignment, or dropped whole. What is out of use then is retired.
 *
 *     apply(config) --> open what is new --> wait a moment for schemas --+
 *     a follower found another schema -----------------------------------+--> plan -> compile -> publish -> retire
 *     confirm(upstream, digest) -----------------------------------------+
 *
 * One of these runs at a time. An upstream whose new form fails (its address, its TLS files, its schema) goes on in the
 * old one, and the others change all the same.
 */
import type { Config, ServiceConfig, UpstreamConfig } from "../config/index.ts";
import type { RoutingSnapshot } from "../gateway/index.ts";
import { formatProblem, type Problem } from "../status/index.ts";
import { Breakages, type HeldSchema } from "./breakages.ts";
import { type CompiledSnapshot, type CompileInput, compileInputFor } from "./compile-input.ts";
import { isSameConfig, unitDigest } from "./config-digest.ts";
import { atMost } from "./pause.ts";
import { ProblemLog } from "./problem-log.ts";
import type { RoutedBy } from "./route-table.ts";
import type { FollowerParts } from "./schema-follower.ts";
import {
  type Footing,
  isSamePlan,
  nextAfter,
  type Plan,
  pendingOn,
  planFor,
  problemsOf,
  routingOf,
  type ServedUpstream,
  type UpstreamForm,
  unitsOf,
  withoutHeld,
} from "./served-upstream.ts";
import { type OpenUnit, type PartsOfUnit, UnitPool, type UpstreamUnit } from "./unit-pool.ts";
import { changeLines, diffLines, diffPlans, MAX_CHANGE_LINES, type UpstreamDiff } from "./upstream-diff.ts";

/** A service-config document as it is now. */
export interface LoadedServiceConfig {
  /** Undefined where the config names none. */
  readonly serviceConfig: ServiceConfig | undefined;
  readonly problems: readonly Problem[];
}

/** What the reconciler works with. */
export interface ReconcilerParts extends Omit<FollowerParts, PartsOfUnit | "onChange"> {
  readonly openUnit: OpenUnit;
  readonly loadServiceConfig: (config: Config, upstream: UpstreamConfig) => Promise<LoadedServiceConfig>;
  readonly compile: (input: CompileInput) => Promise<CompiledSnapshot>;
  readonly publish: (snapshot: RoutingSnapshot) => void;
  /** How long a new config may wait for the schemas of its new upstreams; Infinity waits for all of them. */
  readonly patienceMs: (config: Config) => number;
}

/** What became of a config. */
export interface Applied {
  /** `refused`: under `strict` it has problems, and everything is as it was. */
  readonly result: "applied" | "unchanged" | "refused";
  /** Of the snapshot that serves now. */
  readonly revision: number;
  /** What is otherwise than before, a line each, not every one of very many. */
  readonly changes: readonly string[];
  readonly problems: readonly Problem[];
}

/** The time between two tries to open an upstream that could not be opened: its TLS files may come yet. */
const REOPEN_MS = 5000;

/** Discovers, compiles, publishes, retires. */
export class Reconciler {
  readonly #parts: ReconcilerParts;
  readonly #pool: UnitPool;
  readonly #breakages: Breakages;
  readonly #stop = new AbortController();
  readonly #problemLog: ProblemLog;
  #footing: Footing | undefined;
  #openProblems: readonly Problem[] = [];
  #compileProblems: readonly Problem[] = [];
  #table: RoutedBy = { routes: [], listeners: [] };
  #pending: readonly string[] = [];
  #revision = 0;
  #turn: Promise<unknown> = Promise.resolve();
  #isDue = false;

  constructor(parts: ReconcilerParts) {
    this.#parts = parts;
    this.#breakages = new Breakages(parts.log, parts.now);
    this.#problemLog = new ProblemLog(parts.log);
    this.#pool = new UnitPool({ ...parts, onChange: () => this.#schedule() });
  }

  /** Of the snapshot that serves; 0 before the first. */
  get revision(): number {
    return this.#revision;
  }

  /** Upstreams whose schema may still come. */
  get pending(): readonly string[] {
    return this.#pending;
  }

  /** Upstreams whose schema is known. */
  get known(): readonly string[] {
    return [...(this.#footing?.served.keys() ?? [])];
  }

  /** What is served of each upstream, and what may be next. */
  get footing(): Footing | undefined {
    return this.#footing;
  }

  /** The units that serve, and of upstreams that are not served yet those that are tried; none before the first config. */
  *units(): Generator<UpstreamUnit> {
    if (this.#footing === undefined) return;
    const { served, next } = this.#footing;
    for (const [name, { live }] of next) if (!served.has(name)) yield live.unit;
    for (const { live } of served.values()) yield live.unit;
  }

  /** How many units are out of use and have requests under way. */
  get retiring(): number {
    return this.#pool.retiring;
  }

  /** Every problem of upstreams, schemas and rules known so far. */
  get problems(): readonly Problem[] {
    const { served, next } = this.#footing ?? {};
    const found = [...(next?.values() ?? []), ...(served?.values() ?? [])].map(
      ({ live }) => live.follower.found,
    );
    const ofSchemas = found.flatMap((each) => each?.problems ?? []);
    return [...this.#openProblems, ...ofSchemas, ...this.#compileProblems];
  }

  /** The schemas that wait to be confirmed. */
  get held(): ReadonlyMap<string, HeldSchema> {
    return this.#breakages.held;
  }

  /** By upstream: how many changes of its schema were published, and the lines of the last ones. */
  get schemaChanges(): Breakages["published"] {
    return this.#breakages.published;
  }

  /**
   * Serves `config` from now on. Waits for the first try of every new upstream, no longer than the patience; those that
   * are away are tried on in the background.
   */
  apply(config: Config): Promise<Applied> {
    return this.#inTurn(() => this.#apply(config));
  }

  /** Reads the sources of all upstreams now, no longer than the patience; what has changed is then published by itself. */
  async look(): Promise<void> {
    if (this.#footing === undefined) return;
    const looks = [...unitsOf(this.#footing)].map(({ follower }) => follower.look());
    await this.#patiently(this.#footing.config, looks);
  }

  /** Lets a schema be served that waits for it; `unknown` where it is not the one that waits. */
  confirm(upstream: string, digest: string): Promise<Applied | "unknown"> {
    return this.#inTurn(async () =>
      this.#breakages.confirm(upstream, digest) ? await this.#settle() : "unknown",
    );
  }

  /** Ends every attempt under way, and closes the units once their calls have ended. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#turn.catch(() => undefined);
    await this.#pool.close();
  }

  /** One after the other. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  /** A follower has news. Of several that wait one is enough. */
  #schedule(): void {
    if (this.#isDue || this.#stop.signal.aborted) return;
    this.#isDue = true;
    this.#inTurn(() => this.#settle()).catch((error: unknown) => {
      this.#parts.log.error({ err: error }, "no new snapshot could be made; the last good one serves on");
    });
  }

  async #settle(): Promise<Applied> {
    this.#isDue = false;
    const footing = this.#footing;
    if (footing === undefined || this.#stop.signal.aborted) return this.#outcome("unchanged", [], []);
    return await this.#commit(footing, this.#openProblems);
  }

  async #apply(given: Config): Promise<Applied> {
    const running = this.#footing;
    // What is the same keeps its identity, and with it all that was made of it.
    const sameAs = new Map(running?.config.upstreams.map((upstream) => [upstream.name, upstream]));
    const upstreams = given.upstreams.map((upstream) => {
      const earlier = sameAs.get(upstream.name);
      return earlier !== undefined && isSameConfig(earlier, upstream) ? earlier : upstream;
    });
    const config = { ...given, upstreams };
    if (running === undefined) this.#pending = upstreams.map(({ name }) => name);
    const served = new Map<string, ServedUpstream>();
    const next = new Map<string, UpstreamForm>();
    const problems: Problem[] = [];
    const firstTries: Promise<void>[] = [];
    let isWhole = true;
    for (const upstream of upstreams) {
      const { name } = upstream;
      const serving = running?.served.get(name);
      const waiting = running?.next.get(name);
      const document = await this.#serviceConfigOf(config, upstream, serving ?? waiting);
      problems.push(...document.problems);
      const { serviceConfig } = document;
      const digest = unitDigest(upstream);
      if (serving?.live.digest === digest) {
        served.set(name, { ...serving, config: upstream, serviceConfig });
        continue;
      }
      // Until the new form has shown that it is one, or for good where it is none.
      if (serving !== undefined) served.set(name, serving);
      if (waiting?.live.digest === digest) {
        next.set(name, { ...waiting, config: upstream, serviceConfig });
        continue;
      }
      const { live, problems: faults } = await this.#pool.open(config, upstream);
      problems.push(...faults);
      isWhole &&= live !== undefined;
      if (live === undefined) continue;
      next.set(name, { config: upstream, serviceConfig, live });
      firstTries.push(live.firstTry);
    }
    await this.#patiently(config, firstTries);
    const applied = await this.#commit({ config, served, next }, problems);
    if (!isWhole && this.#footing?.config === config) void this.#reopenLater(config);
    return applied;
  }

  /** Applies `config` once more, unless another one has come by then. */
  async #reopenLater(config: Config): Promise<void> {
    try {
      await this.#parts.pause(REOPEN_MS, this.#stop.signal);
      await this.#inTurn(async () => {
        if (this.#footing?.config === config) await this.#apply(config);
      });
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.#parts.log.error({ err: error }, "an upstream could not be tried again");
    }
  }

  /** The document as it is now; the one before where that was sound and this is not. */
  async #serviceConfigOf(
    config: Config,
    upstream: UpstreamConfig,
    earlier: UpstreamForm | undefined,
  ): Promise<LoadedServiceConfig> {
    const loaded = await this.#parts.loadServiceConfig(config, upstream);
    const kept = earlier?.serviceConfig;
    if (kept === undefined || loaded.serviceConfig === undefined) return loaded;
    const isWorse = kept.problems.length === 0 && loaded.problems.length > 0;
    const staysSame = isWorse || isSameConfig(kept, loaded.serviceConfig);
    return staysSame ? { ...loaded, serviceConfig: kept } : loaded;
  }

  /** Waits for all of `work`, as long as `config` lets it. */
  #patiently(config: Config, work: readonly Promise<void>[]): Promise<void> {
    const { pause, patienceMs } = this.#parts;
    return atMost(work, pause, patienceMs(config), this.#stop.signal);
  }

  async #commit(footing: Footing, openProblems: readonly Problem[]): Promise<Applied> {
    const { config } = footing;
    const running = this.#footing;
    let plan = planFor(footing);
    let compiled = await this.#compile(footing, plan);
    let diffs = this.#diffsOf(plan, compiled);
    const held = this.#breakages.hold(plan, diffs);
    if (held.size > 0) {
      plan = withoutHeld(footing, plan, held);
      compiled = await this.#compile(footing, plan);
      diffs = this.#diffsOf(plan, compiled);
    }
    if (this.#stop.signal.aborted) return this.#outcome("unchanged", [], []);
    const problems = [...openProblems, ...problemsOf(plan), ...(compiled?.problems ?? this.#compileProblems)];
    // A config is refused for what is wrong under it, whether or not a route would change.
    const isNews = compiled !== undefined || footing !== running;
    if (running !== undefined && isNews && config.strict && problems.length > 0) {
      this.#fallBack(footing, problems);
      return this.#outcome("refused", [], problems);
    }
    const changes = running === undefined ? [] : changeLines(running.served, plan, diffs);
    const isUnchanged = compiled === undefined && isSameConfig(running?.config, config);
    this.#stand({ config, served: plan, next: nextAfter(footing, plan) }, openProblems);
    if (compiled !== undefined) this.#publish(compiled, diffs);
    this.#problemLog.tell(this.problems);
    return this.#outcome(isUnchanged ? "unchanged" : "applied", changes, problems);
  }

  /** Undefined where it would be the snapshot that serves now. */
  async #compile(footing: Footing, plan: Plan): Promise<CompiledSnapshot | undefined> {
    if (this.#isServed(footing, plan)) return undefined;
    return await this.#parts.compile(compileInputFor(footing, plan, this.#revision + 1));
  }

  /** Whether `plan` is what the snapshot was made of that serves now. */
  #isServed(footing: Footing, plan: Plan): boolean {
    const running = this.#footing;
    return (
      running !== undefined &&
      isSamePlan(running.served, plan) &&
      isSameConfig(routingOf(running.config), routingOf(footing.config)) &&
      isSameConfig(this.#pending, pendingOn(footing, plan))
    );
  }

  /** Stays where it is: units that were opened for `footing` alone go. */
  #fallBack(footing: Footing, problems: readonly Problem[]): void {
    const kept = this.#footing === undefined ? new Set() : unitsOf(this.#footing);
    for (const live of unitsOf(footing)) if (!kept.has(live)) this.#pool.retire(live);
    const lines = problems.map(formatProblem);
    this.#parts.log.error(
      { problems: lines },
      "not served, since strict allows no problem; the last good snapshot stays",
    );
  }

  /** The differences to what is served now; none where nothing was compiled. */
  #diffsOf(plan: Plan, compiled: CompiledSnapshot | undefined): readonly UpstreamDiff[] {
    if (compiled === undefined) return [];
    return diffPlans(this.#footing?.served, plan, this.#table, compiled.snapshot);
  }

  /** Takes the new footing, and retires what it does not need. */
  #stand(footing: Footing, openProblems: readonly Problem[]): void {
    const before = this.#footing === undefined ? new Set<never>() : unitsOf(this.#footing);
    const after = unitsOf(footing);
    this.#footing = footing;
    this.#openProblems = openProblems;
    this.#pending = pendingOn(footing, footing.served);
    for (const live of before) if (!after.has(live)) this.#pool.retire(live);
  }

  #publish({ snapshot, problems }: CompiledSnapshot, diffs: readonly UpstreamDiff[]): void {
    const { publish, log } = this.#parts;
    this.#revision = snapshot.revision;
    this.#compileProblems = problems;
    this.#table = snapshot;
    publish(snapshot);
    for (const diff of diffs) {
      for (const change of diffLines(diff, MAX_CHANGE_LINES))
        log.info({ upstream: diff.upstream, change }, "changed");
    }
    this.#breakages.onPublished(diffs);
    log.info({ revision: snapshot.revision, routes: snapshot.routes.length }, "serving");
  }

  #outcome(result: Applied["result"], changes: readonly string[], problems: readonly Problem[]): Applied {
    return { result, revision: this.#revision, changes, problems };
  }
}
