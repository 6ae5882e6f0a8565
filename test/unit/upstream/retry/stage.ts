/**
 * Repeated calls over a fake channel, on a fake clock.
 */
import { Code, gatewayStatus, OK, type Status, upstreamStatus } from "../../../../src/status/index.ts";
import {
  type Call,
  type CallListener,
  codeSet,
  type HedgingPolicy,
  type Metadata,
  type RepeatPolicy,
  type RetryPolicy,
  UpstreamRetries,
  type UpstreamRetriesOptions,
} from "../../../../src/upstream/index.ts";
import { type FakeCall, FakeChannel } from "../../../support/fake-channel.ts";
import { FakeClock } from "../../../support/fake-clock.ts";

export const RETRY: RetryPolicy = {
  kind: "retry",
  attempts: 3,
  codes: codeSet([Code.UNAVAILABLE]),
  commitsWith: "message",
  initialBackoffMs: 40,
  maxBackoffMs: 1000,
};

export const HEDGING: HedgingPolicy = {
  kind: "hedging",
  attempts: 3,
  codes: codeSet([Code.UNAVAILABLE]),
  delayMs: 50,
};

export const PLENTY: UpstreamRetriesOptions = { percent: 100, minPerSecond: 1000, keptBytes: 1024 };

export const UNAVAILABLE: Status = upstreamStatus(Code.UNAVAILABLE, "down");

export const UNREACHABLE: Status = gatewayStatus("UPSTREAM_UNREACHABLE", "no connection");

export const CLIENT_GONE: Status = gatewayStatus("CLIENT_GONE", "bye");

/** What a call's listener hears, a word each. */
export class Heard implements CallListener {
  readonly words: string[] = [];
  /** Repeated sendings: how often before, and after which code. */
  readonly repeats: [previousAttempts: number, afterCode: number][] = [];
  status: Status | undefined;
  trailers: Metadata = [];
  mayGoOn = true;
  /** Called with each word. */
  react: (word: string) => void = () => undefined;

  onHeaders(metadata: Metadata): void {
    this.#say(`headers ${metadata.join("=")}`);
  }

  onMessage(message: Uint8Array): boolean {
    this.#say(`message ${Buffer.from(message).toString()}`);
    return this.mayGoOn;
  }

  onDrain(): void {
    this.#say("drain");
  }

  onRepeat(previousAttempts: number, afterCode: number): void {
    this.repeats.push([previousAttempts, afterCode]);
  }

  onStatus(status: Status, trailers: Metadata): void {
    this.status = status;
    this.trailers = trailers;
    this.#say(`status ${status.reason ?? status.code}`);
  }

  #say(word: string): void {
    this.words.push(word);
    this.react(word);
  }
}

/** An upstream, a policy, and the calls made so far. */
export class Stage {
  readonly clock: FakeClock = new FakeClock();
  readonly upstream: FakeChannel = new FakeChannel();
  readonly heard: Heard = new Heard();
  readonly retries: UpstreamRetries;
  readonly #policy: RepeatPolicy;

  constructor(policy: RepeatPolicy, options: UpstreamRetriesOptions = PLENTY, random = 0.5) {
    const { clock } = this;
    const surroundings = { now: () => clock.now, random: () => random, timers: clock };
    this.retries = new UpstreamRetries(this.upstream, options, surroundings);
    this.#policy = policy;
  }

  /** Opens a call. */
  open(deadlineMs: number = Number.POSITIVE_INFINITY, listener: CallListener = this.heard): Call {
    return this.retries.channelFor(this.#policy).open("/t.S/Get", ["a", "b"], deadlineMs, listener);
  }

  /** Opens a call and sends its one message and its end. */
  call(deadlineMs?: number, message = "ping", listener?: CallListener): Call {
    const call = this.open(deadlineMs, listener);
    call.send(Buffer.from(message));
    call.halfClose();
    return call;
  }

  /** The attempts so far. */
  get attempts(): readonly FakeCall[] {
    return this.upstream.calls;
  }

  /** The n-th attempt, from 0. */
  attempt(n: number): FakeCall {
    const attempt = this.upstream.calls[n];
    if (attempt === undefined) throw new Error(`there is no attempt ${n}`);
    return attempt;
  }

  /** The upstream answers the n-th attempt. */
  answer(
    n: number,
    status: Status = OK,
    messages: readonly string[] = ["pong"],
    trailers: Metadata = [],
  ): void {
    const { listener } = this.attempt(n);
    listener.onHeaders(["n", String(n)]);
    for (const message of messages) listener.onMessage(Buffer.from(message));
    listener.onStatus(status, trailers);
  }

  /** The n-th attempt fails without a reply. */
  fail(n: number, status: Status = UNAVAILABLE, trailers: Metadata = []): void {
    this.attempt(n).listener.onStatus(status, trailers);
  }
}
