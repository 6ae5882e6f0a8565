/**
 * Follows the schema of one upstream: reads it, trying again with growing pauses while that cannot be done, and then
 * looks whether it has changed.
 *
 *     discovering --read, warm--> following --due, or a fingerprint changed--> reading --the same--> following
 *      ^      | unreachable          ^                                           |  |--another, sound--> told, following
 *      +-pause+                      +------fault: the last good one stays-------+
 *
 * What may have changed is asked of the sources (`SchemaSource.fingerprint`) every few seconds: contents of files, and
 * how often the upstream has been connected. Polling finds every way of replacing files (in place, by rename, by the
 * symlinked folders of Kubernetes, on network file systems), which notifications of the system do not. A schema is read
 * twice before it counts as another one: files may be read while they are written.
 */
import type { SchemaSource } from "../schema/index.ts";
import { formatProblem, type Problem, StatusError } from "../status/index.ts";
import type { Logger } from "../telemetry/index.ts";
import { type Discovery, digestOfFiles, type LoadedFiles, linkLoaded, loadFiles } from "./discover.ts";
import { type Pause, passes } from "./pause.ts";
import type { SchemaCache } from "./schema-cache.ts";
import type { TimeSlices } from "./time-slices.ts";

/** What an upstream's sources gave when they were last good. */
export interface FoundSchema extends Discovery {
  /** Of the files ({@link LoadedFiles}). */
  readonly digest: string;
  /** When they were read: milliseconds since the epoch. */
  readonly loadedAt: number;
  /** `cache`: they are those of an earlier start, since the sources could not be read. */
  readonly from: "sources" | "cache";
}

/** What the follower works with. */
export interface FollowerParts {
  readonly upstream: string;
  readonly sources: readonly SchemaSource[];
  /** Opens connections, so that the first calls find them open. Takes no longer than the upstream may; never rejects. */
  readonly warmUp: () => Promise<void>;
  /** What another follower has made of the files of this digest; undefined where none has. */
  readonly known: (digest: string) => FoundSchema | undefined;
  /** Where the last good schema is kept; undefined where it is not. */
  readonly cache: SchemaCache | undefined;
  /** How often the sources are read whatever their fingerprints say, a tenth more or less; Infinity is never. */
  readonly intervalMs: number;
  /** Another schema than before was found, or the reading of it failed, or does not any more. */
  readonly onChange: () => void;
  readonly log: Logger;
  readonly slices: () => TimeSlices;
  /** A number in [0, 1), for spreading what many gateways do. */
  readonly random: () => number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly pause: Pause;
}

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 10_000;

/** The time between two looks at the fingerprints. */
const LOOK_MS = 2000;

/** The time between the two readings that have to agree, and how often they may differ. */
const SETTLE_MS = 200;
const MAX_SETTLING = 10;

/** Follows from `start` to `stop`. */
export class SchemaFollower {
  readonly #parts: FollowerParts;
  readonly #stop = new AbortController();
  #found: FoundSchema | undefined;
  #fault: string | undefined;
  /** The digest of files that were looked into and not taken. */
  #refused: string | undefined;
  #fingerprint = "";
  #dueAt = 0;
  #retryMs = FIRST_PAUSE_MS;
  #reading: Promise<void> | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(parts: FollowerParts) {
    this.#parts = parts;
  }

  /** The last good schema; undefined until the first reading succeeded. */
  get found(): FoundSchema | undefined {
    return this.#found;
  }

  /** Why what the sources hold now is not what was found; undefined where it is. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** Begins; resolves after the first try. */
  start(): Promise<void> {
    const firstTry = this.look();
    this.#running = this.#run(firstTry);
    return firstTry;
  }

  /** Reads the sources now; resolves when that is done. */
  async look(): Promise<void> {
    // A reading under way may have begun before whatever made the caller ask.
    await this.#reading;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    await this.#reading;
  }

  /** Ends every attempt under way. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await this.#reading;
  }

  async #run(firstTry: Promise<void>): Promise<void> {
    await firstTry;
    const { now } = this.#parts;
    while (await this.#pause(this.#isDiscovering ? this.#nextRetryMs() : LOOK_MS)) {
      const isDue = this.#isDiscovering || now() >= this.#dueAt || (await this.#hasNewFingerprint());
      if (isDue && !this.#stop.signal.aborted) await this.look();
    }
  }

  /** Whether the sources have not been read yet. */
  get #isDiscovering(): boolean {
    return this.#found === undefined || this.#found.from === "cache";
  }

  /** Half of the pause is random, so that many gateways do not come back at once. */
  #nextRetryMs(): number {
    const pauseMs = this.#retryMs;
    this.#retryMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    return pauseMs * (0.5 + this.#parts.random() / 2);
  }

  /** Whether the pause passed undisturbed. */
  #pause(ms: number): Promise<boolean> {
    return passes(this.#parts.pause, ms, this.#stop.signal);
  }

  async #hasNewFingerprint(): Promise<boolean> {
    return (await this.#takeFingerprint()) !== this.#fingerprint;
  }

  async #takeFingerprint(): Promise<string> {
    const { signal } = this.#stop;
    const prints = this.#parts.sources.map(async (source) => (await source.fingerprint?.(signal)) ?? "");
    // A source that cannot tell is read at its interval all the same.
    return (await Promise.all(prints.map((print) => print.catch(() => "")))).join("\n");
  }

  async #read(): Promise<void> {
    // Before the files: what changes while they are read is a reason to read them again.
    this.#fingerprint = await this.#takeFingerprint();
    try {
      const loaded = await this.#loadSettled();
      this.#setDue(this.#parts.intervalMs);
      if (loaded.digest === this.#found?.digest) this.#confirm(this.#found);
      else if (loaded.digest !== this.#refused) await this.#take(loaded);
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      const cause = error instanceof StatusError ? error.status.message : String(error);
      await this.#useCache();
      if (!this.#isDiscovering) this.#setDue(this.#nextRetryMs());
      this.#beginFault(cause);
    }
  }

  #setDue(ms: number): void {
    const { now, random } = this.#parts;
    this.#dueAt = now() + ms * (0.9 + random() / 5);
  }

  /** Loads until two readings in a row are the same; the first ever, and one that is as before, count at once. */
  async #loadSettled(): Promise<LoadedFiles> {
    const load = (): Promise<LoadedFiles> =>
      loadFiles(this.#parts.sources, this.#stop.signal, this.#parts.slices());
    let loaded = await load();
    if (this.#found === undefined) return loaded;
    for (let tries = 0; tries < MAX_SETTLING; tries++) {
      if (loaded.digest === this.#found.digest || loaded.digest === this.#refused) return loaded;
      await this.#pause(SETTLE_MS);
      const again = await load();
      if (again.digest === loaded.digest) return again;
      loaded = again;
    }
    throw new Error("the schema reads differently each time");
  }

  async #take(loaded: LoadedFiles): Promise<void> {
    const { upstream, log, now, warmUp, cache, known, slices, onChange } = this.#parts;
    const discovery = known(loaded.digest) ?? (await linkLoaded(loaded, slices()));
    const earlier = this.#found;
    if (earlier !== undefined) {
      const fault = newFault(earlier, discovery);
      if (fault !== undefined) {
        this.#refused = loaded.digest;
        this.#beginFault(fault);
        return;
      }
    }
    if (discovery.schema === undefined) {
      log.error({ upstream }, "no schema: its sources hold no usable file");
      if (await this.#useCache()) {
        this.#beginFault("its sources hold no usable file");
        return;
      }
    } else {
      await warmUp();
    }
    if (this.#stop.signal.aborted) return;
    const { schema, problems } = discovery;
    this.#found = { schema, problems, digest: loaded.digest, loadedAt: now(), from: "sources" };
    this.#endFault();
    if (discovery.schema !== undefined) {
      log.info({ upstream, services: discovery.schema.services.length }, "schema loaded");
      // Nobody waits for it: what cannot be kept is told by the cache, and serves all the same.
      void cache?.store(loaded.sources);
    }
    onChange();
  }

  /** What was served may go on: it is what the sources hold. */
  #confirm(found: FoundSchema): void {
    if (found.from === "cache") this.#found = { ...found, from: "sources" };
    this.#endFault();
  }

  /** Takes what is kept of an earlier start, where nothing else is known; false where there is none. */
  async #useCache(): Promise<boolean> {
    const { cache, upstream, log, now, slices, onChange } = this.#parts;
    if (cache === undefined || this.#found !== undefined) return false;
    const files = await cache.load();
    if (files === undefined || this.#stop.signal.aborted) return false;
    const sources = [{ ...files, problems: [] }];
    const digest = await digestOfFiles(sources, slices());
    const discovery = await linkLoaded({ sources, digest }, slices());
    if (discovery.schema === undefined) return false;
    this.#found = { ...discovery, digest, loadedAt: now(), from: "cache" };
    log.warn(
      { upstream, from: files.origin },
      "the schema of an earlier start serves until the sources can be read",
    );
    onChange();
    return true;
  }

  #beginFault(fault: string): void {
    const { upstream, log, onChange } = this.#parts;
    if (this.#found === undefined) {
      log.warn({ upstream, cause: fault }, "schema not loaded; trying again");
    } else if (this.#fault !== fault) {
      log.warn({ upstream, cause: fault }, "schema not loaded; the last good one stays");
    }
    const isNews = this.#fault !== fault;
    this.#fault = fault;
    if (isNews) onChange();
  }

  #endFault(): void {
    this.#refused = undefined;
    this.#retryMs = FIRST_PAUSE_MS;
    if (this.#fault === undefined) return;
    this.#fault = undefined;
    this.#parts.onChange();
  }
}

/** Why `later` is worse than `earlier`: an error that was not there before; undefined where there is none. */
function newFault(earlier: Discovery, later: Discovery): string | undefined {
  const known = new Set(earlier.problems.map(formatProblem));
  const isNew = (problem: Problem): boolean =>
    problem.severity === "error" && !known.has(formatProblem(problem));
  const fault = later.problems.find(isNew);
  if (fault !== undefined) return formatProblem(fault);
  // A schema that was there and is gone says why in its problems, unless they are the ones that were there before.
  const isGone = earlier.schema !== undefined && later.schema === undefined;
  return isGone ? "its sources hold no usable file any more" : undefined;
}
