/**
 * Load whose every request is accounted for: each has an id of its own, and what became of it at the gateway's client is
 * held against what the upstreams wrote down.
 */
import { Agent } from "node:http";
import { open } from "../../support/http-request.ts";
import type { Moments } from "../../support/moments.ts";
import type { UpstreamProcess } from "../../support/upstream-process.ts";

/** GET is bound idempotently, POST is not; both are the same RPC. */
export type Method = "GET" | "POST";

/** What became of one request. */
export interface Outcome {
  readonly method: Method;
  readonly id: string;
  /** The HTTP status; undefined if there was no whole reply. */
  readonly status: number | undefined;
  /** The gateway's reason, or "". */
  readonly reason: string;
  readonly tookMs: number;
}

/** What is asserted of a method's requests. */
export interface Tally {
  readonly requests: number;
  /** Those with another status than 200, by status and reason. */
  readonly failed: Readonly<Record<string, number>>;
  /** Those that upstreams began more than once. */
  readonly repeated: number;
  /** Those that got no reply, and those that got a good one though no upstream processed them. */
  readonly lost: number;
}

/** Requests to one gateway. */
export class Load {
  readonly outcomes: Outcome[] = [];
  readonly #url: string;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #moments: Moments;
  /** Every request without an outcome. */
  readonly #underWay = new Set<string>();
  #sent = 0;
  #loops: Promise<void>[] = [];
  #isRunning = false;

  /** `moments` hears of every outcome. */
  constructor(url: string, moments: Moments) {
    this.#url = url;
    this.#moments = moments;
  }

  /** How many requests were not answered with 200 so far. */
  get failures(): number {
    return this.outcomes.filter(({ status }) => status !== 200).length;
  }

  /** Sends one request, of an id that begins with `prefix`. */
  async send(method: Method, prefix = "call"): Promise<Outcome> {
    const id = `${prefix}-${method}-${this.#sent++}`;
    const from = performance.now();
    this.#underWay.add(id);
    const answer = await this.#exchange(method, id);
    this.#underWay.delete(id);
    const outcome = { method, id, ...answer, tookMs: performance.now() - from };
    this.outcomes.push(outcome);
    this.#moments.changed();
    return outcome;
  }

  /** Keeps so many requests of each method under way until `stop`. */
  start(ofEach: number): void {
    this.#isRunning = true;
    for (let i = 0; i < ofEach; i++) this.#loops.push(this.#loop("GET"), this.#loop("POST"));
  }

  /** Resolves with the outcomes that have come since the call, once they are `count`. */
  async next(count: number): Promise<readonly Outcome[]> {
    const from = this.outcomes.length;
    await this.#moments.until(() => this.outcomes.length >= from + count);
    return this.outcomes.slice(from);
  }

  /** Resolves when every request that is under way now has its outcome. */
  async settled(): Promise<void> {
    const now = [...this.#underWay];
    await this.#moments.until(() => now.every((id) => !this.#underWay.has(id)));
  }

  /** Resolves when everything that was sent has its outcome. */
  async stop(): Promise<void> {
    this.#isRunning = false;
    await Promise.all(this.#loops);
    this.#loops = [];
  }

  /** Sends nothing more, also where a test has failed, and closes the connections. */
  close(): void {
    this.#isRunning = false;
    this.#agent.destroy();
  }

  /** What became of all requests of `method`, against the journals of all upstreams that there were. */
  tally(method: Method, upstreams: readonly UpstreamProcess[]): Tally {
    const begun = new Map<string, number>();
    for (const { journal } of upstreams) {
      for (const { event, id } of journal) if (event === "begin") begun.set(id, (begun.get(id) ?? 0) + 1);
    }
    const outcomes = this.outcomes.filter((outcome) => outcome.method === method);
    const failed: Record<string, number> = {};
    for (const { status, reason } of outcomes) {
      if (status === 200 || status === undefined) continue;
      const key = `${status} ${reason}`;
      failed[key] = (failed[key] ?? 0) + 1;
    }
    return {
      requests: outcomes.length,
      failed,
      repeated: outcomes.filter(({ id }) => (begun.get(id) ?? 0) > 1).length,
      lost: outcomes.filter(({ id, status }) => status === undefined || (status === 200 && !begun.has(id)))
        .length,
    };
  }

  async #loop(method: Method): Promise<void> {
    while (this.#isRunning) await this.send(method);
  }

  async #exchange(method: Method, id: string): Promise<Pick<Outcome, "status" | "reason">> {
    try {
      const response = await (method === "GET"
        ? open(this.#url, `GET /v1/echo?stringValue=${id}`, {}, this.#agent)
        : open(this.#url, "POST /v1/echo", { body: JSON.stringify({ stringValue: id }) }, this.#agent));
      let body = "";
      for await (const chunk of response) body += String(chunk);
      const reason = /"reason":"(\w+)"/.exec(body)?.[1] ?? "";
      const isAnswer = response.statusCode !== 200 || body === `{"stringValue":"${id}"}`;
      return { status: isAnswer ? response.statusCode : undefined, reason };
    } catch {
      return { status: undefined, reason: "" };
    }
  }
}
