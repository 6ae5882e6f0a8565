/**
 * Runs the built gateway (`dist/main.js`) as a process of its own, as its users do.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

/** One line of the process's log. */
export type LogLine = Readonly<Record<string, unknown>>;

/** A finished run of a command. */
export interface Run {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const MAIN = resolve("dist/main.js");

/** Runs `sluice` with `args` to its end. */
export async function runSluice(
  args: readonly string[],
  options: { readonly cwd?: string } = {},
): Promise<Run> {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ["ignore", "pipe", "pipe"], ...options });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => {
    stdout += String(chunk);
  });
  child.stderr.on("data", (chunk) => {
    stderr += String(chunk);
  });
  await once(child, "close");
  return { exitCode: child.exitCode, stdout, stderr };
}

/** A gateway that serves. */
export class GatewayProcess {
  readonly child: ChildProcess;
  readonly log: LogLine[] = [];
  stderr = "";
  readonly #waiting = new Set<() => void>();

  constructor(child: ChildProcess) {
    this.child = child;
    if (child.stdout === null || child.stderr === null) throw new Error("the gateway's output is not piped");
    createInterface({ input: child.stdout }).on("line", (line) => {
      this.log.push(parseLine(line));
      for (const wake of this.#waiting) wake();
    });
    child.stderr.on("data", (chunk) => {
      this.stderr += String(chunk);
    });
    child.on("close", () => {
      for (const wake of this.#waiting) wake();
    });
  }

  /** Starts a gateway with `args`; resolves when it listens. Rejects, with its output, if it ends before that. */
  static async start(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<GatewayProcess> {
    const child = spawn(process.execPath, [MAIN, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...environment },
    });
    const gateway = new GatewayProcess(child);
    await gateway.logged((line) => line.msg === "admin listening");
    return gateway;
  }

  /** `http://host:port` of the n-th listener. */
  url(index = 0): string {
    const address = this.log.filter((line) => line.msg === "listening")[index]?.address;
    return `http://${String(address)}`;
  }

  get adminUrl(): string {
    return `http://${String(this.log.find((line) => line.msg === "admin listening")?.address)}`;
  }

  /** Resolves with the first line, past or to come, that fits. */
  async logged(fits: (line: LogLine) => boolean): Promise<LogLine> {
    for (;;) {
      const found = this.log.find(fits);
      if (found !== undefined) return found;
      if (this.child.exitCode !== null || this.child.signalCode !== null) {
        throw new Error(
          `the gateway ended with ${this.child.exitCode}: ${this.stderr}${JSON.stringify(this.log)}`,
        );
      }
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waiting.delete(wake);
          resolve();
        };
        this.#waiting.add(wake);
      });
    }
  }

  /** Sends a signal and waits for the end. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const closed = once(this.child, "close");
      this.child.kill(signal);
      await closed;
    }
    return this.child.exitCode;
  }
}

/** Writes files into a folder of their own; `remove` deletes it. */
export async function temporaryFiles(
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<{ readonly folder: string; path(name: string): string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-test-"));
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return {
    folder,
    path: (name) => join(folder, name),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Starts a gateway from a config object (JSON is YAML); ports are free ones, the access log is on. */
export async function startGateway(
  config: Readonly<Record<string, unknown>>,
  environment: NodeJS.ProcessEnv = {},
): Promise<GatewayProcess> {
  const whole = {
    listeners: [{ address: "127.0.0.1:0" }],
    admin: { address: "127.0.0.1:0" },
    ...config,
  };
  const files = await temporaryFiles({ "sluice.yaml": JSON.stringify(whole) });
  try {
    return await GatewayProcess.start(["serve", "--config", files.path("sluice.yaml")], environment);
  } finally {
    await files.remove();
  }
}

function parseLine(line: string): LogLine {
  try {
    const value: unknown = JSON.parse(line);
    // A JSON object's members can be read by name, whatever they are.
    return typeof value === "object" && value !== null ? (value as LogLine) : { text: line };
  } catch {
    return { text: line };
  }
}
