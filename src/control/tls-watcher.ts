/**
 * Keeps the TLS credentials of upstreams and listeners in step with their files, so that rotated certificates are taken up without a
 * restart.
 *
 *     in force --other content, sound--> in force
 *        |  ^
 *        |  +--the old content again---------------+
 *        +--other content, broken--> suspect --the same at the next look--> told once; the old material stays
 *
 * Files are read at every look and compared by content. That finds every way of replacing them (in place, by rename, by
 * the symlinked folders of Kubernetes, on network file systems), which notifications of the system do not. A certificate
 * and its key are two files: between the two writes they do not fit, hence the second look.
 */
import { formatProblem, type Problem } from "../status/index.ts";
import type { Logger } from "../telemetry/index.ts";
import { type Pause, passes } from "./pause.ts";

/** The time between two looks. */
const PERIOD_MS = 5000;

/** Whose files they are, for logs and metrics. */
export interface TlsOwner {
  readonly kind: "upstream" | "listener";
  /** Of an upstream its name, of a listener its address. */
  readonly name: string;
}

/** The files at one look. */
export interface TlsLook {
  /** Changes with what is in the files, or with why they cannot be read. */
  readonly digest: string;
  /** Puts them in force; with an `error` among the problems that it gives, the old ones stay. `nowMs` is since the epoch. */
  take(nowMs: number): readonly Problem[];
}

/** Files that are watched. */
export interface WatchedTls {
  readonly owner: TlsOwner;
  /** The digest of the files in force when the watch begins. */
  readonly digest: string;
  /** Reads the files; never rejects. */
  look(): Promise<TlsLook>;
}

/** What the watcher works with. */
export interface TlsWatcherParts {
  readonly targets: readonly WatchedTls[];
  readonly log: Logger;
  /** Files had changed: the new material is in use, or it is broken and the old one stays. */
  onReload(owner: TlsOwner, result: "success" | "failure"): void;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly pause: Pause;
}

interface Watched {
  readonly target: WatchedTls;
  inForce: string;
  suspect: string | undefined;
  told: string | undefined;
}

/** Looks at the files from `start` to `stop`. */
export class TlsWatcher {
  readonly #parts: TlsWatcherParts;
  readonly #watched: readonly Watched[];
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(parts: TlsWatcherParts) {
    this.#parts = parts;
    this.#watched = parts.targets.map((target) => ({
      target,
      inForce: target.digest,
      suspect: undefined,
      told: undefined,
    }));
  }

  start(): void {
    if (this.#watched.length > 0) this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** Looks at every file once. */
  async look(): Promise<void> {
    for (const watched of this.#watched) this.#compare(watched, await watched.target.look());
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (await passes(this.#parts.pause, PERIOD_MS, signal)) await this.look();
  }

  #compare(watched: Watched, files: TlsLook): void {
    const { digest } = files;
    if (digest === watched.inForce) {
      watched.suspect = undefined;
      watched.told = undefined;
      return;
    }
    const { owner } = watched.target;
    const subject = { [owner.kind]: owner.name };
    const { log, now } = this.#parts;
    const problems = files.take(now());
    if (!problems.some(({ severity }) => severity === "error")) {
      watched.inForce = digest;
      watched.suspect = undefined;
      watched.told = undefined;
      log.info(subject, "TLS files reloaded");
      for (const problem of problems) log.warn({ problem: formatProblem(problem) }, "problem");
      this.#parts.onReload(owner, "success");
      return;
    }
    if (watched.suspect !== digest) {
      watched.suspect = digest;
      return;
    }
    if (watched.told === digest) return;
    watched.told = digest;
    const told = { ...subject, problems: problems.map(formatProblem) };
    log.error(told, "TLS files not reloaded; the old ones stay in use");
    this.#parts.onReload(owner, "failure");
  }
}
