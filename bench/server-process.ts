/** A server under test as a child process: started on a port that is free, ready when it accepts connections. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";

const START_LIMIT_MS = 30_000;
const RETRY_MS = 50;
/** After SIGTERM a server gets this long, then SIGKILL. */
const STOP_LIMIT_MS = 3_000;
/** How much of its output is kept to explain a failure. */
const KEPT_OUTPUT = 4_000;

/** A server that accepts connections on 127.0.0.1. */
export class ServerProcess {
  readonly pid: number;
  readonly port: number;
  readonly #child: ChildProcess;
  #output = "";

  private constructor(child: ChildProcess, pid: number, port: number) {
    this.#child = child;
    this.pid = pid;
    this.port = port;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        this.#output = (this.#output + chunk.toString()).slice(-KEPT_OUTPUT);
      });
    }
  }

  /**
   * Runs `command` with the arguments that `args` makes for a free port.
   * @throws {Error} with the end of its output if it ends, or does not listen within 30 s.
   */
  static async start(
    command: string,
    args: (port: number) => readonly string[] | Promise<readonly string[]>,
  ): Promise<ServerProcess> {
    const port = await freePort();
    const child = spawn(command, await args(port), { stdio: ["ignore", "pipe", "pipe"] });
    child.on("error", () => undefined);
    // Not left behind by a benchmark that fails.
    const kill = (): void => void child.kill("SIGKILL");
    process.once("exit", kill);
    child.once("exit", () => process.off("exit", kill));
    if (child.pid === undefined) throw new Error(`${command} does not start`);
    const server = new ServerProcess(child, child.pid, port);
    try {
      await server.#listening();
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  async stop(): Promise<void> {
    if (this.hasEnded) return;
    const closed = once(this.#child, "close");
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), STOP_LIMIT_MS);
    await closed;
    clearTimeout(timer);
  }

  async #listening(): Promise<void> {
    const limit = performance.now() + START_LIMIT_MS;
    while (!(await accepts(this.port))) {
      if (this.hasEnded) throw new Error(`it ended at once: ${this.#output.trim()}`);
      if (performance.now() > limit) throw new Error(`it does not listen: ${this.#output.trim()}`);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (typeof address !== "object" || address === null) throw new Error("no port is free");
  return address.port;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
