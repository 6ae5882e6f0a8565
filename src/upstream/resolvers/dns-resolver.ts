/**
 * Names in DNS: every address of a name, of both families, is an endpoint.
 *
 *     idle --start--> resolving --answer--> resting --interval, or resolveNow after a while--> resolving ...
 *
 * Once there has been an answer, it stands until another one comes: a resolver that fails takes no endpoint away.
 */
import { lookup } from "node:dns/promises";
import type { SocketAddress } from "../address.ts";
import type { Resolver, ResolverListener } from "../resolver.ts";

/** A name is not looked up again before this, whoever asks. */
const MIN_INTERVAL_MS = 5000;

/** After a look-up that failed the next may follow this much later. */
const RETRY_MS = 500;

/** Gives the places that a name and a port stand for; rejects with the system's error. */
export type LookUp = (host: string, port: number) => Promise<readonly SocketAddress[]>;

/** What a resolver takes from its surroundings. */
export interface DnsSurroundings {
  readonly lookUp: LookUp;
  /** Milliseconds on a clock that never goes back. */
  readonly now: () => number;
  /** The name is looked up again this often; Infinity is only after a loss. */
  readonly intervalMs: number;
}

/** Looks up through the system's resolver, so that /etc/hosts and nsswitch count; addresses come in its order. */
export async function lookUp(host: string, port: number): Promise<readonly SocketAddress[]> {
  const found = await lookup(host, { all: true });
  return found.map(({ address }) => ({ kind: "tcp", host: address, port }));
}

/** The endpoints behind one name. */
export class DnsResolver implements Resolver {
  readonly #host: string;
  readonly #port: number;
  readonly #weight: number;
  readonly #surroundings: DnsSurroundings;
  #listener: ResolverListener | undefined;
  #isLookingUp = false;
  #hasAnswer = false;
  /** Not before this is the name looked up again. */
  #notBefore = 0;
  #timer: NodeJS.Timeout | undefined;

  /** The endpoints share `weight` among them. */
  constructor(host: string, port: number, weight: number, surroundings: DnsSurroundings) {
    this.#host = host;
    this.#port = port;
    this.#weight = weight;
    this.#surroundings = surroundings;
  }

  get isResolving(): boolean {
    return this.#isLookingUp && !this.#hasAnswer;
  }

  start(listener: ResolverListener): void {
    this.#listener = listener;
    this.resolveNow();
  }

  resolveNow(): void {
    const { now } = this.#surroundings;
    if (this.#listener === undefined || this.#isLookingUp || now() < this.#notBefore) return;
    this.#isLookingUp = true;
    this.#notBefore = now() + MIN_INTERVAL_MS;
    this.#surroundings.lookUp(this.#host, this.#port).then(
      (found) => this.#onAnswer(found),
      (error: NodeJS.ErrnoException) => this.#onFault(`${error.code ?? "ENOTFOUND"} ${error.message}`),
    );
  }

  stop(): void {
    this.#listener = undefined;
    clearTimeout(this.#timer);
  }

  #onAnswer(found: readonly SocketAddress[]): void {
    if (found.length === 0) {
      this.#onFault("ENOTFOUND");
      return;
    }
    this.#isLookingUp = false;
    this.#hasAnswer = true;
    this.#lookAgain();
    const weight = this.#weight / found.length;
    this.#listener?.onEndpoints(found.map((address) => ({ address, host: this.#host, weight })));
  }

  #onFault(fault: string): void {
    this.#isLookingUp = false;
    this.#notBefore = this.#surroundings.now() + RETRY_MS;
    this.#lookAgain();
    if (!this.#hasAnswer) this.#listener?.onFault(fault);
  }

  #lookAgain(): void {
    const { intervalMs } = this.#surroundings;
    clearTimeout(this.#timer);
    if (this.#listener === undefined || intervalMs === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(() => {
      // The timer has its own measure of time, and may be a little early on this one.
      this.#notBefore = 0;
      this.resolveNow();
    }, intervalMs).unref();
  }
}
