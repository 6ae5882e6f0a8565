/** The upstream of the soak: a process that is killed, started again at its old address, and stopped for a while. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { quietPort } from "../support/quiet-port.ts";

const PROGRAM: string = fileURLToPath(new URL("./upstream-process.js", import.meta.url));

/** One upstream. */
export class SoakUpstream {
  readonly address: string;
  #child: ChildProcess;

  private constructor(address: string, child: ChildProcess) {
    this.address = address;
    this.#child = child;
  }

  static async start(): Promise<SoakUpstream> {
    const address = `127.0.0.1:${await quietPort()}`;
    return new SoakUpstream(address, await launch(address));
  }

  /** Ends it without a word, and starts another at the same address. */
  async restart(): Promise<void> {
    await this.stop();
    this.#child = await launch(this.address);
  }

  /** Nothing of it runs until `resume`; its sockets stay open. */
  pause(): void {
    this.#child.kill("SIGSTOP");
  }

  resume(): void {
    this.#child.kill("SIGCONT");
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }
}

async function launch(address: string): Promise<ChildProcess> {
  const child = fork(PROGRAM, [address], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  await once(child, "message");
  return child;
}
