/**
 * What a call that is not repeated costs more for the sake of being repeatable: `node bench/micro/retries.ts [calls]`
 * (Node >= 22.18, or compiled).
 *
 * A channel without a network answers each call at once; it is called as it is, under a retry policy, and under a hedging
 * policy, side by side in turns; the best turn of each counts.
 */
import { OK } from "../../src/status/index.ts";
import {
  type Call,
  type CallListener,
  type CallOpener,
  codeSet,
  DeadlineWheel,
  type Metadata,
  type RepeatPolicy,
  UpstreamRetries,
} from "../../src/upstream/index.ts";

const TURNS = 7;
const MESSAGE = Buffer.alloc(100);
const HEADERS: Metadata = ["x-served-by", "a"];
const METADATA: Metadata = ["accept", "*/*", "x-request-id", "0123456789abcdef"];

/** Answers with headers and a message, then OK, once the end of the request has come. */
class AnsweredCall implements Call {
  readonly #listener: CallListener;

  constructor(listener: CallListener) {
    this.#listener = listener;
  }

  send(): boolean {
    return true;
  }

  halfClose(): void {
    this.#listener.onHeaders(HEADERS);
    this.#listener.onMessage(MESSAGE);
    this.#listener.onStatus(OK, []);
  }

  cancel(): void {
    // Every call has been answered.
  }

  resume(): void {
    // Nothing is held.
  }
}

const plain: CallOpener = {
  open: (_rpcPath, _metadata, _deadlineMs, listener) => new AnsweredCall(listener),
  retain: () => undefined,
  release: () => undefined,
};

/** The caller: as many fields as it needs to hear the answer. */
class Caller implements CallListener {
  #answers = 0;

  onHeaders(): void {
    this.#answers++;
  }

  onMessage(): boolean {
    this.#answers++;
    return true;
  }

  onDrain(): void {
    // One message is sent whole.
  }

  onStatus(): void {
    this.#answers++;
  }

  get answers(): number {
    return this.#answers;
  }
}

function repeating(policy: RepeatPolicy): CallOpener {
  const now = (): number => performance.now();
  const surroundings = { now, random: Math.random, timers: new DeadlineWheel(now) };
  const budget = { percent: 20, minPerSecond: 10, keptBytes: 64 * 2 ** 20 };
  return new UpstreamRetries(plain, budget, surroundings).channelFor(policy);
}

function nanosecondsPerCall(channel: CallOpener, calls: number): number {
  const from = process.cpuUsage();
  for (let i = 0; i < calls; i++) {
    const caller = new Caller();
    const call = channel.open("/bench.Echo/Unary", METADATA, 30_000, caller);
    call.send(MESSAGE);
    call.halfClose();
    if (caller.answers !== 3) throw new Error("a call was not answered");
  }
  const { user, system } = process.cpuUsage(from);
  return ((user + system) * 1000) / calls;
}

const calls = Number(process.argv[2] ?? 1_000_000);
const codes = codeSet([14]);
const channels: Readonly<Record<string, CallOpener>> = {
  plain,
  retry: repeating({
    kind: "retry",
    attempts: 3,
    codes,
    commitsWith: "status",
    initialBackoffMs: 25,
    maxBackoffMs: 1000,
  }),
  hedging: repeating({ kind: "hedging", attempts: 2, codes, delayMs: 50 }),
};
const best = new Map<string, number>();
for (let turn = 0; turn <= TURNS; turn++) {
  for (const [name, channel] of Object.entries(channels)) {
    const ns = nanosecondsPerCall(channel, calls);
    // The first turn warms up.
    if (turn > 0) best.set(name, Math.min(ns, best.get(name) ?? Number.POSITIVE_INFINITY));
  }
}
const base = best.get("plain") ?? 0;
for (const [name, ns] of best)
  console.log(`${name}: ${ns.toFixed(0)} ns a call, ${(ns - base).toFixed(0)} more`);
