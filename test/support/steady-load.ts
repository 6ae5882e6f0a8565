/**
 * A steady load of small requests on kept-alive connections, and what became of each of them.
 */
import { Agent, get } from "node:http";
import { setTimeout as pause } from "node:timers/promises";

/** How to load. */
export interface LoadOptions {
  readonly url: string;
  readonly path: string;
  /** Each sends one request after the other. */
  readonly connections: number;
  /** The pause of a connection between a reply and its next request. */
  readonly thinkMs: number;
}

/** What became of the requests of one span of time. */
export interface LoadFigures {
  readonly requests: number;
  /** By what went wrong (`HTTP 503`, `ECONNRESET`), how often. */
  readonly failures: Readonly<Record<string, number>>;
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Loads from `start` to `stop`. */
export class SteadyLoad {
  readonly #options: LoadOptions;
  readonly #latencies: number[] = [];
  readonly #failures: Record<string, number> = {};
  #isOver = false;
  #clients: readonly Promise<void>[] = [];

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  start(): void {
    this.#clients = Array.from({ length: this.#options.connections }, () => this.#client());
  }

  /** The figures since the last call of this. */
  take(): LoadFigures {
    const sorted = this.#latencies.splice(0).sort((a, b) => a - b);
    const failures = { ...this.#failures };
    for (const name of Object.keys(this.#failures)) this.#failures[name] = 0;
    const at = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
    return {
      requests: sorted.length,
      failures: Object.fromEntries(Object.entries(failures).filter(([, count]) => count > 0)),
      medianMs: at(0.5),
      p99Ms: at(0.99),
      maxMs: at(1),
    };
  }

  /** Sends no more requests; resolves when those under way have ended. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#clients);
  }

  async #client(): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (!this.#isOver) {
      const startedAt = performance.now();
      const failure = await this.#request(agent);
      this.#latencies.push(performance.now() - startedAt);
      if (failure !== undefined) this.#failures[failure] = (this.#failures[failure] ?? 0) + 1;
      await pause(this.#options.thinkMs);
    }
    agent.destroy();
  }

  /** What went wrong; undefined where nothing did. */
  #request(agent: Agent): Promise<string | undefined> {
    const { url, path } = this.#options;
    return new Promise((resolve) => {
      const request = get(`${url}${path}`, { agent }, (reply) => {
        reply.resume();
        reply.on("error", (error) => resolve(`reply: ${codeOf(error)}`));
        reply.on("end", () => resolve(reply.statusCode === 200 ? undefined : `HTTP ${reply.statusCode}`));
      });
      request.on("error", (error) => resolve(codeOf(error)));
    });
  }
}

function codeOf(error: Error): string {
  return "code" in error ? String(error.code) : error.message;
}
