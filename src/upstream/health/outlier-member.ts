/**
 * One endpoint, as its calls show it.
 *
 *     serving --failures, latency--> ejected --its time is over--> on probation --good calls--> serving
 *                                       ^------- a bad call, or still slow --------+
 *
 * On probation one call at a time is let through, so that an endpoint that is still ill costs one call a try. What calls
 * tell that were sent before is not of the endpoint as it is now, and passed over.
 */
import { Code, type Status } from "../../status/index.ts";
import type { CallEnd } from "../endpoint.ts";
import { verdictOf } from "./call-verdict.ts";
import { MovingLatency } from "./moving-latency.ts";
import type { EjectionOptions } from "./options.ts";

/** Why an endpoint was taken out. */
export type EjectionReason = "failures" | "latency";

/** Good calls, one after the other, that end a probation. */
const PROBATION_CALLS = 3;

/** Ejections are drawn out by up to this share, so that several gateways do not come back in one moment. */
const JITTER = 0.1;

/** `gone` is the end: the endpoint is not of this upstream any more. */
type State = "serving" | "ejected" | "probation" | "gone";

/** What a member needs of the others. */
export interface MemberOwner {
  readonly options: EjectionOptions;
  readonly now: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Whether one more may be out. */
  readonly mayEject: boolean;
  /** A latency has been added; the time is given so that it need not be read again. */
  onLatency(now: number): void;
  /** Whether the member is slower than the others by more than is allowed. */
  isSlow(member: OutlierMember): boolean;
  /** The member is ejected, or comes on probation. */
  onChanged(member: OutlierMember): void;
}

/** Who is told what becomes of one endpoint. */
export interface MemberListener {
  /** Ejected for `forMs`, whether from serving or from probation. */
  onEjected(reason: EjectionReason, forMs: number): void;
  /** Calls may go to it again, one at a time. */
  onProbation(): void;
  /** On probation: the call that was let through is over, and one more may go. */
  onRoom(): void;
  /** It takes part like any other again. */
  onReturned(): void;
}

/** One endpoint's record. */
export class OutlierMember {
  readonly #owner: MemberOwner;
  readonly #listener: MemberListener;
  readonly latency: MovingLatency = new MovingLatency();
  #state: State = "serving";
  #failures = 0;
  /** When the latest latency came. */
  #heardAt = 0;
  /** How often in a row it was ejected, less what good service has made up for. */
  #ejections = 0;
  #reason: EjectionReason = "failures";
  /** Since when it is in the present state. */
  #since = 0;
  #trials = 0;
  #goodTrials = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(owner: MemberOwner, listener: MemberListener) {
    this.#owner = owner;
    this.#listener = listener;
  }

  get isEjected(): boolean {
    return this.#state === "ejected";
  }

  get isOnProbation(): boolean {
    return this.#state === "probation";
  }

  /** Whether a call may be sent now. */
  get isPickable(): boolean {
    return this.#state === "serving" || (this.#state === "probation" && this.#trials === 0);
  }

  get heardAt(): number {
    return this.#heardAt;
  }

  /** A call goes out. Each `onSent` wants one `onHead` or, without that, a silent `onEnd`. */
  onSent(): void {
    if (this.#state === "probation") this.#trials++;
  }

  /** The head of a reply has come, `now`, of a call sent at `sentAt`. Not for replies that are a mere status. */
  onHead(sentAt: number, now: number): void {
    if (this.#isDeaf || sentAt < this.#since) return;
    this.latency.add(now - sentAt);
    this.#heardAt = now;
    if (this.#state === "probation") this.#onTrial("good");
    else this.#owner.onLatency(now);
  }

  /** A call sent at `sentAt` has ended; `silent` if `onHead` was not called for it. */
  onEnd(status: Status, end: CallEnd, sentAt: number, progress: "silent" | "replied"): void {
    if (this.#state === "serving" && status.code === Code.OK) {
      this.#failures = 0;
      return;
    }
    if (this.#isDeaf || sentAt < this.#since) return;
    const verdict = verdictOf(status, end, progress === "silent" ? this.#owner.now() - sentAt : 0);
    if (this.#state === "serving") {
      if (verdict === "good") this.#failures = 0;
      else if (verdict === "bad") this.#onFailure();
    } else if (progress === "silent" || verdict === "bad") {
      this.#onTrial(verdict);
    }
  }

  #onFailure(): void {
    this.#failures++;
    this.#goodTrials = 0;
    if (this.#state === "probation") this.#eject(this.#reason);
    else if (this.#failures >= this.#owner.options.consecutiveFailures) this.#eject("failures");
  }

  /** For the owner: the member is too slow. */
  onSlow(): void {
    if (this.#state === "serving") this.#eject("latency");
  }

  /** Nothing is told any more. */
  close(): void {
    clearTimeout(this.#timer);
    this.#state = "gone";
  }

  /** Whether calls tell nothing that could matter. */
  get #isDeaf(): boolean {
    return this.#state === "ejected" || this.#state === "gone";
  }

  /** The outcome of a call on probation; `none` only makes room for the next. */
  #onTrial(verdict: "good" | "bad" | "none"): void {
    this.#trials = Math.max(0, this.#trials - 1);
    if (verdict === "bad") {
      this.#onFailure();
    } else if (verdict === "good" && ++this.#goodTrials >= PROBATION_CALLS) {
      if (this.#reason === "latency" && this.#owner.isSlow(this)) this.#eject("latency");
      else this.#return();
    }
    if (this.#state === "probation") this.#listener.onRoom();
  }

  #eject(reason: EjectionReason): void {
    const { options, now, random, mayEject } = this.#owner;
    if (!mayEject) return;
    if (this.#state === "serving") this.#forgive(now() - this.#since);
    const wantedMs = ejectionMs(options, this.#ejections) * (1 + JITTER * random());
    const forMs = Math.min(wantedMs, options.maxEjectionMs);
    this.#ejections++;
    this.#reason = reason;
    this.#enter("ejected");
    this.#timer = setTimeout(() => {
      this.#enter("probation");
      this.#owner.onChanged(this);
      this.#listener.onProbation();
    }, forMs).unref();
    this.#owner.onChanged(this);
    this.#listener.onEjected(reason, forMs);
  }

  #return(): void {
    this.#enter("serving");
    this.#listener.onReturned();
  }

  #enter(state: State): void {
    this.#state = state;
    this.#since = this.#owner.now();
    this.#failures = 0;
    this.#trials = 0;
    this.#goodTrials = 0;
    if (state !== "serving") this.latency.clear();
  }

  /** An ejection is made up for by serving as long as it lasted. */
  #forgive(servedMs: number): void {
    let left = servedMs;
    while (this.#ejections > 0) {
      left -= ejectionMs(this.#owner.options, this.#ejections - 1);
      if (left < 0) return;
      this.#ejections--;
    }
  }
}

/** How long the next ejection lasts, after `before` others. */
function ejectionMs({ baseEjectionMs, maxEjectionMs }: EjectionOptions, before: number): number {
  return Math.min(baseEjectionMs * 2 ** before, maxEjectionMs);
}
