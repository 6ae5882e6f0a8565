/** Upstreams as processes: starts test/support/upstream-program.ts, signals it, and reads what it wrote down. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { Moments } from "./moments.ts";
import type { UpstreamProgramOptions } from "./upstream-program.ts";

const PROGRAM = fileURLToPath(new URL("upstream-program.js", import.meta.url));

/** One line of the journal. */
export interface JournalEntry {
  readonly event: "begin" | "end" | "cancel";
  readonly id: string;
}

/** A running upstream, or one that has ended; its journal stays. */
export class UpstreamProcess {
  readonly journal: JournalEntry[] = [];
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #closed: Promise<unknown>;
  readonly #moments: Moments;
  #address = "";

  private constructor(options: UpstreamProgramOptions, moments: Moments) {
    this.#moments = moments;
    const child = spawn(process.execPath, [PROGRAM, JSON.stringify(options)], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#child = child;
    // The lines of a process that was killed come before this.
    const lines = createInterface({ input: child.stdout });
    this.#closed = Promise.all([once(child, "close"), once(lines, "close")]);
    child.stdin.on("error", () => undefined);
    lines.on("line", (line) => this.#onLine(line));
    void this.#closed.then(() => moments.changed());
  }

  /**
   * Starts an upstream, at a free port of 127.0.0.1 by default; resolves when it listens. `moments` hears of every line of
   * its journal.
   */
  static async start(
    options: Partial<UpstreamProgramOptions> = {},
    moments: Moments = new Moments(),
  ): Promise<UpstreamProcess> {
    const upstream = new UpstreamProcess({ address: "127.0.0.1:0", delayMs: 0, ...options }, moments);
    await moments.until(() => upstream.#address !== "" || upstream.hasEnded);
    if (upstream.#address === "") throw new Error("the upstream ended before it listened");
    return upstream;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  get address(): string {
    return this.#address;
  }

  /** How many calls began. */
  get begun(): number {
    return this.journal.filter(({ event }) => event === "begin").length;
  }

  command(line: "release" | "goaway" | "shutdown"): void {
    this.#child.stdin.write(`${line}\n`);
  }

  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#child.kill(signal);
  }

  /** Lets calls end, and with the last one the process. */
  async shutDown(): Promise<void> {
    this.command("shutdown");
    await this.#closed;
  }

  /** Ends the process at once, stopped or not; the journal is complete then. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#closed;
  }

  #onLine(line: string): void {
    const space = line.indexOf(" ");
    const event = line.slice(0, space);
    const rest = line.slice(space + 1);
    if (event === "listening") this.#address = rest;
    else if (event === "begin" || event === "end" || event === "cancel")
      this.journal.push({ event, id: rest });
    this.#moments.changed();
  }
}
