/**
 * Watches the files that the config is read from, and says when their content has become another one.
 *
 * Contents are compared every few seconds, which finds every way of replacing files, the symlinked folders of Kubernetes
 * among them. A change counts once two looks in a row agree: files may be looked at while they are written. A file that
 * cannot be read is no change; it may be on its way.
 */
import { createHash } from "node:crypto";
import type { Logger } from "../telemetry/index.ts";
import { type Pause, passes } from "./pause.ts";

/** The time between two looks, and between the two that have to agree. */
const LOOK_MS = 2000;
const SETTLE_MS = 200;

/** What the watcher works with. */
export interface ConfigWatcherParts {
  /** The files, which may be others after a reload. */
  readonly files: () => readonly string[];
  /** What was read of them for the config in force when this is made: what has changed since is a change. */
  readonly read: ReadonlyMap<string, Uint8Array>;
  /** Whether it is to look at all. */
  readonly isOn: () => boolean;
  /** Reads a file whole; rejects where it cannot. */
  readonly readFile: (path: string) => Promise<Uint8Array>;
  /** The files hold something else; resolves when that has been dealt with. */
  readonly onChange: () => Promise<unknown>;
  readonly log: Logger;
  readonly pause: Pause;
}

/** Looks from `start` to `stop`. */
export class ConfigWatcher {
  readonly #parts: ConfigWatcherParts;
  readonly #stop = new AbortController();
  #inForce: string | undefined;
  #isUnreadable = false;
  #running: Promise<void> = Promise.resolve();

  constructor(parts: ConfigWatcherParts) {
    this.#parts = parts;
  }

  /** Takes what was read, and of other files the content of now, for what is in force. */
  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { read, readFile } = this.#parts;
    this.#inForce = await this.#digest(async (file) => read.get(file) ?? (await readFile(file)));
    while (await this.#pause(LOOK_MS)) if (this.#parts.isOn()) await this.#look();
  }

  async #look(): Promise<void> {
    const digest = await this.#digest();
    if (digest === undefined || digest === this.#inForce) return;
    if (!(await this.#pause(SETTLE_MS)) || (await this.#digest()) !== digest) return;
    // Before the reload: what changes while it runs is a reason for another.
    this.#inForce = digest;
    await this.#parts.onChange();
  }

  /** Of all contents; undefined where one cannot be read now, which is told once. */
  async #digest(readFile = this.#parts.readFile): Promise<string | undefined> {
    const { files, log } = this.#parts;
    const hash = createHash("sha256");
    for (const file of files()) {
      try {
        const content = await readFile(file);
        hash.update(`${content.length} `).update(content);
      } catch (error) {
        const cause = error instanceof Error && "code" in error ? String(error.code) : String(error);
        if (!this.#isUnreadable)
          log.warn({ file, cause }, "the config cannot be looked at; what was read stays");
        this.#isUnreadable = true;
        return undefined;
      }
    }
    this.#isUnreadable = false;
    return hash.digest("hex");
  }

  /** Whether the pause passed undisturbed. */
  #pause(ms: number): Promise<boolean> {
    return passes(this.#parts.pause, ms, this.#stop.signal);
  }
}
