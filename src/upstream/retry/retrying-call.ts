/**
 * One call that is sent again after it has failed, as its policy says.
 *
 *     sent --message--> committed --status--> over
 *      |  ^                                    ^
 *      |  +--pause is over-- pausing --cancel--+
 *      |                        ^              |
 *      +--failure, may repeat---+              |
 *      +--any other status, cancel-------------+
 *
 * Until a message has come, headers are held: the caller gets those of the attempt that it sees the end of. (gRFC A6
 * commits a call with its headers because it hands them on; nobody has seen these.) So is the one message of a unary
 * reply: an upstream that is killed between it and the status has failed like any other.
 */
import { Code, gatewayStatus, type Status } from "../../status/index.ts";
import type { Call, CallListener, Metadata } from "../channel.ts";
import type { Expiring } from "../deadline-wheel.ts";
import { backoffMs, isRepeatable, pushbackOf, type RetryPolicy } from "./repeat-policy.ts";
import type { RepeatScope } from "./repeat-scope.ts";
import type { RepeatableRequest } from "./repeatable-request.ts";

const NO_METADATA: Metadata = [];

/** A call; itself the listener of its attempts, since there is never more than one under way. */
export class RetryingCall implements Call, CallListener, Expiring {
  readonly #scope: RepeatScope;
  readonly #policy: RetryPolicy;
  readonly #request: RepeatableRequest;
  readonly #listener: CallListener;
  #attempt: Call | undefined;
  #headers: Metadata | undefined;
  #message: Uint8Array | undefined;
  #state: "sent" | "pausing" | "committed" | "over" = "sent";
  /** Retries since the upstream last named a pause: what the backoff grows with. */
  #backoffs = 0;
  #failedWith: Code = Code.OK;
  /** The wheel's: when the pause ends. */
  expiresAt = 0;
  wheelIndex = 0;

  constructor(scope: RepeatScope, policy: RetryPolicy, request: RepeatableRequest, listener: CallListener) {
    this.#scope = scope;
    this.#policy = policy;
    this.#request = request;
    this.#listener = listener;
  }

  /** Opens the first attempt. */
  open(): void {
    this.#attempt = this.#request.open(this);
  }

  send(message: Uint8Array): boolean {
    if (this.#state === "sent") this.#request.keep(message);
    return this.#attempt?.send(message) ?? true;
  }

  halfClose(): void {
    this.#request.complete();
    this.#attempt?.halfClose();
  }

  resume(): void {
    this.#attempt?.resume();
  }

  cancel(status: Status): void {
    if (this.#state === "over") return;
    if (this.#state === "pausing") {
      this.#scope.timers.remove(this);
      this.#end(status, NO_METADATA);
      return;
    }
    this.#request.drop();
    // Who cancels wants no more of the reply.
    this.#message = undefined;
    this.#attempt?.cancel(status);
  }

  /** For the attempts, as are those that follow. */
  onHeaders(metadata: Metadata): void {
    this.#headers = metadata;
  }

  onMessage(message: Uint8Array): boolean {
    if (this.#state === "sent") {
      if (this.#policy.commitsWith === "status" && this.#message === undefined) {
        this.#message = message;
        return true;
      }
      this.#state = "committed";
      this.#request.drop();
      const { headers, message: first } = this.#takeHeld();
      if (headers !== undefined) this.#listener.onHeaders(headers);
      // The listener may have cancelled, which ends a call at once.
      if (first !== undefined && !this.#isOver()) this.#listener.onMessage(first);
      if (this.#isOver()) return true;
    }
    return this.#listener.onMessage(message);
  }

  onDrain(): void {
    this.#listener.onDrain();
  }

  onStatus(status: Status, trailers: Metadata): void {
    if (status.code === Code.OK || !this.#pause(status, trailers)) this.#end(status, trailers);
  }

  /** For the timers alone. */
  onExpired(): void {
    const { counts } = this.#scope;
    this.#state = "sent";
    counts.countRetry(this.#failedWith);
    this.#listener.onRepeat?.(this.#request.attempts, this.#failedWith);
    this.#attempt = this.#request.repeat(this);
  }

  /** Starts the pause before the next attempt, if there is to be one. */
  #pause(status: Status, trailers: Metadata): boolean {
    const request = this.#request;
    const { attempts, codes } = this.#policy;
    if (!request.isWhole || request.attempts >= attempts || !isRepeatable(status, codes)) return false;
    const { now, timers, budget, counts } = this.#scope;
    const pauseMs = this.#pauseMs(trailers);
    if (pauseMs === undefined) return false;
    const expiresAt = now() + pauseMs;
    if (expiresAt >= request.deadlineAt) return false;
    if (!budget.take()) {
      counts.refusals++;
      return false;
    }
    this.#state = "pausing";
    this.#failedWith = status.code;
    this.#takeHeld();
    this.expiresAt = expiresAt;
    timers.add(this);
    return true;
  }

  /** Undefined if the upstream wants no retry. */
  #pauseMs(trailers: Metadata): number | undefined {
    const pushback = pushbackOf(trailers);
    if (pushback === "never") return undefined;
    if (pushback !== undefined) {
      this.#backoffs = 0;
      return Math.max(1, pushback);
    }
    this.#backoffs++;
    // Never none at all: an attempt is not opened from within the end of another.
    return Math.max(1, backoffMs(this.#policy, this.#backoffs, this.#scope.random));
  }

  #isOver(): boolean {
    return this.#state === "over";
  }

  #end(status: Status, trailers: Metadata): void {
    this.#state = "over";
    const request = this.#request;
    request.drop();
    if (request.attempts > 1) this.#scope.counts.countEnd(status.code);
    endWithHeld(this.#listener, this.#takeHeld(), status, trailers);
  }

  /** What was held is the caller's from now on, or nobody's. */
  #takeHeld(): HeldReply {
    const held = { headers: this.#headers, message: this.#message };
    this.#headers = undefined;
    this.#message = undefined;
    return held;
  }
}

/** What has come of a reply that nobody has seen. */
export interface HeldReply {
  readonly headers: Metadata | undefined;
  readonly message: Uint8Array | undefined;
}

/** Hands on what was held, and the end. A listener that throws gets its end nevertheless. */
export function endWithHeld(
  listener: CallListener,
  { headers, message }: HeldReply,
  status: Status,
  trailers: Metadata,
): void {
  try {
    if (headers !== undefined) listener.onHeaders(headers);
    if (message !== undefined) listener.onMessage(message);
  } catch (error) {
    process.emitWarning(error instanceof Error ? error : String(error));
    listener.onStatus(gatewayStatus("INTERNAL", "a fault in the gateway ended the call"), NO_METADATA);
    return;
  }
  listener.onStatus(status, trailers);
}
