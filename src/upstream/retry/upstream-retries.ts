/**
 * Repeats calls of one upstream: a decorator over opening calls on the Channel port, whichever client is behind it.
 *
 * The calls that an upstream never processed are the client's own to send again; these here may have run. So it is for
 * routes whose calls may run twice, each with its policy, while budget and counts are the upstream's.
 */
import type { Call, CallListener, CallOpener, Metadata } from "../channel.ts";
import { HedgedCall } from "./hedged-call.ts";
import { KeptBytes } from "./kept-bytes.ts";
import type { RepeatPolicy } from "./repeat-policy.ts";
import type { RepeatScope, Timers } from "./repeat-scope.ts";
import { RepeatableRequest } from "./repeatable-request.ts";
import { RetryBudget, type RetryBudgetOptions } from "./retry-budget.ts";
import { RetryCounts, type RetryStats } from "./retry-stats.ts";
import { RetryingCall } from "./retrying-call.ts";

/** What repeating the calls of one upstream may cost. */
export interface UpstreamRetriesOptions extends RetryBudgetOptions {
  /** Bytes of request messages that are kept for being sent again; a call that does not fit in is sent once. */
  readonly keptBytes: number;
}

/** What repeating takes from its surroundings. */
export interface RetrySurroundings {
  /** A clock in milliseconds that never goes back: the one of `timers`. */
  readonly now: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly timers: Timers;
}

/** The repeated calls of one upstream. */
export class UpstreamRetries {
  readonly #scope: RepeatScope;

  constructor(channel: CallOpener, options: UpstreamRetriesOptions, surroundings: RetrySurroundings) {
    const { now, random, timers } = surroundings;
    this.#scope = {
      channel,
      now,
      random,
      timers,
      budget: new RetryBudget(options, now),
      keptBytes: new KeptBytes(options.keptBytes),
      counts: new RetryCounts(),
    };
  }

  /** What has come of it so far. */
  get stats(): RetryStats {
    return this.#scope.counts;
  }

  /** Bytes of request messages kept at the moment. */
  get keptBytes(): number {
    return this.#scope.keptBytes.bytes;
  }

  /** The upstream's channel with calls repeated under `policy`. */
  channelFor(policy: RepeatPolicy): CallOpener {
    return new RepeatingChannel(this.#scope, policy);
  }
}

class RepeatingChannel implements CallOpener {
  readonly #scope: RepeatScope;
  readonly #policy: RepeatPolicy;

  constructor(scope: RepeatScope, policy: RepeatPolicy) {
    this.#scope = scope;
    this.#policy = policy;
  }

  open(rpcPath: string, metadata: Metadata, deadlineMs: number, listener: CallListener): Call {
    const scope = this.#scope;
    const policy = this.#policy;
    scope.budget.payIn();
    const request = new RepeatableRequest(scope, rpcPath, metadata, deadlineMs);
    const call =
      policy.kind === "retry"
        ? new RetryingCall(scope, policy, request, listener)
        : new HedgedCall(scope, policy, request, listener);
    call.open();
    return call;
  }

  retain(): void {
    this.#scope.channel.retain();
  }

  release(): void {
    this.#scope.channel.release();
  }
}
