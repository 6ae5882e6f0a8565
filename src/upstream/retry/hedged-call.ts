/**
 * One call of which further copies go out while it has not been answered; the first answer is the call's.
 *
 * An answer is a message, an OK, or a failure that is fatal: the other copies are cancelled then. Any other failure sends
 * the next copy at once, or when the upstream's pushback says. The call fails with the last failure once no copy is under
 * way and none will follow.
 * Source: gRFC A6, "Hedging Policy" and "Summary of Retry and Hedging Logic".
 */
import { Code, gatewayStatus, type Status } from "../../status/index.ts";
import type { Call, CallListener, Metadata } from "../channel.ts";
import type { Expiring } from "../deadline-wheel.ts";
import { type HedgingPolicy, isRepeatable, pushbackOf } from "./repeat-policy.ts";
import type { RepeatScope } from "./repeat-scope.ts";
import type { RepeatableRequest } from "./repeatable-request.ts";
import { endWithHeld } from "./retrying-call.ts";

const NO_METADATA: Metadata = [];

/** What copies are cancelled with; nobody hears it but the upstream. */
const OUTRUN: Status = gatewayStatus("CLIENT_GONE", "another copy of the call was answered first");

/** A call; `Copy` listens to each of what it sends. */
export class HedgedCall implements Call, Expiring {
  readonly #scope: RepeatScope;
  readonly #policy: HedgingPolicy;
  readonly #request: RepeatableRequest;
  readonly #listener: CallListener;
  /** Under way. */
  #copies: Copy[] = [];
  /** Whose answer is the call's. */
  #chosen: Copy | undefined;
  #lastFailure: Failure | undefined;
  /** Whether the time for the next copy is set. */
  #isTimed = false;
  /** No more copies, for want of budget or because the upstream asked for it. */
  #isFrozen = false;
  #isOver = false;
  /** The wheel's: when the next copy goes out. */
  expiresAt = 0;
  wheelIndex = 0;

  constructor(scope: RepeatScope, policy: HedgingPolicy, request: RepeatableRequest, listener: CallListener) {
    this.#scope = scope;
    this.#policy = policy;
    this.#request = request;
    this.#listener = listener;
  }

  /** Opens the first copy. */
  open(): void {
    const first = new Copy(this);
    this.#copies.push(first);
    first.call = this.#request.open(first);
    this.#setTime(this.#policy.delayMs);
  }

  send(message: Uint8Array): boolean {
    if (this.#isOver) return true;
    this.#request.keep(message);
    // Further copies go out once the request is whole, so there is only one here.
    return this.#current?.call?.send(message) ?? true;
  }

  halfClose(): void {
    if (this.#isOver) return;
    this.#request.complete();
    this.#current?.call?.halfClose();
  }

  resume(): void {
    this.#chosen?.call?.resume();
  }

  cancel(status: Status): void {
    if (this.#isOver) return;
    this.#stopOthers(undefined);
    this.#end({ status, trailers: NO_METADATA, headers: undefined });
  }

  /** For the timers alone. */
  onExpired(): void {
    this.#isTimed = false;
    this.#sendNext(Code.OK);
    this.#endIfNothingIsLeft();
  }

  /** For the copies, as are those that follow. */
  onMessage(copy: Copy, message: Uint8Array): boolean {
    if (this.#isOver) return true;
    if (this.#chosen === undefined) {
      this.#choose(copy);
      const { headers } = copy;
      if (headers !== undefined) this.#listener.onHeaders(headers);
      // The listener may have cancelled, which ends a call at once.
      if (this.#hasEnded()) return true;
    }
    return this.#chosen === copy ? this.#listener.onMessage(message) : true;
  }

  onDrain(copy: Copy): void {
    if (!this.#isOver && copy === this.#current) this.#listener.onDrain();
  }

  onStatus(copy: Copy, status: Status, trailers: Metadata): void {
    if (this.#isOver) return;
    this.#copies = this.#copies.filter((other) => other !== copy);
    if (this.#chosen === copy) {
      this.#end({ status, trailers, headers: undefined });
      return;
    }
    if (this.#chosen !== undefined) return;
    const failure = { status, trailers, headers: copy.headers };
    if (status.code === Code.OK || !isRepeatable(status, this.#policy.codes)) {
      this.#choose(copy);
      this.#end(failure);
      return;
    }
    this.#lastFailure = failure;
    this.#follow(pushbackOf(trailers), status.code);
    this.#endIfNothingIsLeft();
  }

  get #current(): Copy | undefined {
    return this.#chosen ?? this.#copies[0];
  }

  /** What a failure means for the next copy. */
  #follow(pushback: number | "never" | undefined, failedWith: Code): void {
    this.#clearTime();
    if (!this.#mayGoOn()) return;
    if (pushback === "never") this.#isFrozen = true;
    else if (pushback === undefined) this.#sendNext(failedWith);
    else this.#setTime(Math.max(1, pushback));
  }

  #sendNext(afterCode: Code): void {
    if (!this.#mayGoOn()) return;
    const { budget, counts } = this.#scope;
    if (!budget.take()) {
      counts.refusals++;
      this.#isFrozen = true;
      return;
    }
    counts.hedges++;
    this.#listener.onRepeat?.(this.#request.attempts, afterCode);
    const copy = new Copy(this);
    this.#copies.push(copy);
    copy.call = this.#request.repeat(copy);
    this.#setTime(this.#policy.delayMs);
  }

  #mayGoOn(): boolean {
    if (this.#isOver || this.#isFrozen || this.#chosen !== undefined) return false;
    return this.#request.isWhole && this.#request.attempts < this.#policy.attempts;
  }

  /** The next copy goes out in `delayMs`, if there is one, and time for it. */
  #setTime(delayMs: number): void {
    const { now, timers } = this.#scope;
    const isLast = this.#request.attempts >= this.#policy.attempts;
    if (this.#isOver || this.#isFrozen || this.#isTimed || isLast) return;
    this.expiresAt = now() + delayMs;
    if (this.expiresAt >= this.#request.deadlineAt) return;
    this.#isTimed = true;
    timers.add(this);
  }

  #clearTime(): void {
    if (!this.#isTimed) return;
    this.#isTimed = false;
    this.#scope.timers.remove(this);
  }

  #choose(copy: Copy): void {
    this.#chosen = copy;
    this.#request.drop();
    this.#stopOthers(copy);
  }

  #stopOthers(chosen: Copy | undefined): void {
    this.#clearTime();
    const others = this.#copies.filter((copy) => copy !== chosen);
    this.#copies = chosen === undefined ? [] : [chosen];
    for (const other of others) other.stop();
  }

  #endIfNothingIsLeft(): void {
    const failure = this.#lastFailure;
    if (this.#isOver || this.#chosen !== undefined || failure === undefined) return;
    if (this.#copies.length === 0 && !this.#isTimed) this.#end(failure);
  }

  #hasEnded(): boolean {
    return this.#isOver;
  }

  #end({ status, trailers, headers }: Failure): void {
    this.#isOver = true;
    this.#request.drop();
    if (this.#request.attempts > 1) this.#scope.counts.countEnd(status.code);
    if (headers === undefined) this.#listener.onStatus(status, trailers);
    else endWithHeld(this.#listener, { headers, message: undefined }, status, trailers);
  }
}

/** How a copy ended. */
interface Failure {
  readonly status: Status;
  readonly trailers: Metadata;
  /** Those that have not been handed on. */
  readonly headers: Metadata | undefined;
}

/** One of the calls that a hedged call sends. */
class Copy implements CallListener {
  readonly #owner: HedgedCall;
  call: Call | undefined;
  headers: Metadata | undefined;
  #isStopped = false;

  constructor(owner: HedgedCall) {
    this.#owner = owner;
  }

  /** Cancels it; what it still says goes nowhere. */
  stop(): void {
    this.#isStopped = true;
    this.call?.cancel(OUTRUN);
  }

  onHeaders(metadata: Metadata): void {
    this.headers = metadata;
  }

  onMessage(message: Uint8Array): boolean {
    return this.#owner.onMessage(this, message);
  }

  onDrain(): void {
    if (!this.#isStopped) this.#owner.onDrain(this);
  }

  onStatus(status: Status, trailers: Metadata): void {
    if (!this.#isStopped) this.#owner.onStatus(this, status, trailers);
  }
}
