/**
 * Keeps the TLS credentials of upstreams in step with their files, so that rotated certificates are taken up without a
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
import type { TlsCredentials, TlsFault } from "../upstream/index.ts";
import type { TlsFiles } from "./tls-files.ts";

/** The time between two looks. */
const PERIOD_MS = 5000;

/** One upstream whose files are watched. */
export interface TlsTarget {
  readonly upstream: string;
  readonly credentials: TlsCredentials;
  /** The digest of the files that the credentials were made of. */
  readonly digest: string;
  /** Reads the files; never rejects. */
  read(): Promise<TlsFiles>;
  describe(fault: TlsFault): Problem;
}

/** What the watcher works with. */
export interface TlsWatcherParts {
  readonly targets: readonly TlsTarget[];
  readonly log: Logger;
  /** Files had changed: the new material is in use, or it is broken and the old one stays. */
  onReload(upstream: string, result: "success" | "failure"): void;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Resolves after `ms`; rejects once `signal` is aborted. */
  pause(ms: number, signal: AbortSignal): Promise<void>;
}

interface Watched {
  readonly target: TlsTarget;
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
    for (const watched of this.#watched) this.#compare(watched, await watched.target.read());
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await this.#parts.pause(PERIOD_MS, signal);
      } catch {
        return;
      }
      await this.look();
    }
  }

  #compare(watched: Watched, { material, faults, digest }: TlsFiles): void {
    if (digest === watched.inForce) {
      watched.suspect = undefined;
      watched.told = undefined;
      return;
    }
    const { target } = watched;
    const { log, now } = this.#parts;
    const found = material === undefined ? faults : target.credentials.replace(material, now());
    if (!found.some(({ severity }) => severity === "error")) {
      watched.inForce = digest;
      watched.suspect = undefined;
      watched.told = undefined;
      log.info({ upstream: target.upstream }, "TLS files reloaded");
      for (const fault of found) log.warn({ problem: formatProblem(target.describe(fault)) }, "problem");
      this.#parts.onReload(target.upstream, "success");
      return;
    }
    if (watched.suspect !== digest) {
      watched.suspect = digest;
      return;
    }
    if (watched.told === digest) return;
    watched.told = digest;
    const problems = found.map((fault) => formatProblem(target.describe(fault)));
    log.error({ upstream: target.upstream, problems }, "TLS files not reloaded; the old ones stay in use");
    this.#parts.onReload(target.upstream, "failure");
  }
}
