/** One call of an endpoint's health service: a Check, or a Watch that stays open. */
import { gatewayStatus, type Status } from "../../status/index.ts";
import type { Call, CallListener, Channel } from "../channel.ts";
import { CHECK_PATH, type HealthAnswer, readHealthAnswer, WATCH_PATH } from "./health-protocol.ts";

/** A watch is read no faster than this, so that an endpoint that changes its mind all the time cannot flood the log. */
const MIN_CHANGE_MS = 100;

/** Which method is called. */
export type ProbeKind = "watch" | "check";

/** Who hears the answers. */
export interface ProbeListener {
  onAnswer(probe: HealthProbe, answer: HealthAnswer): void;
  onEnd(probe: HealthProbe, status: Status): void;
}

/** A call from its question to its end. */
export class HealthProbe implements CallListener {
  readonly kind: ProbeKind;
  readonly #listener: ProbeListener;
  readonly #timeoutMs: number;
  #call: Call | undefined;
  #timer: NodeJS.Timeout | undefined;
  #hasAnswered = false;

  /** `timeoutMs` is for a whole check, and for the first answer of a watch. */
  constructor(kind: ProbeKind, timeoutMs: number, listener: ProbeListener) {
    this.kind = kind;
    this.#timeoutMs = timeoutMs;
    this.#listener = listener;
  }

  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  /** Opens the call by `open` and asks; once only. */
  start(open: Channel["open"], question: Uint8Array): void {
    const isWatch = this.kind === "watch";
    const deadlineMs = isWatch ? Number.POSITIVE_INFINITY : this.#timeoutMs;
    const call = open(isWatch ? WATCH_PATH : CHECK_PATH, [], deadlineMs, this);
    this.#call = call;
    if (isWatch) {
      this.#timer = setTimeout(() => call.cancel(SILENT), this.#timeoutMs).unref();
    }
    call.send(question);
    call.halfClose();
  }

  /** Ends the call; the listener still hears of it. */
  cancel(status: Status = NO_LONGER_ASKED): void {
    clearTimeout(this.#timer);
    this.#call?.cancel(status);
  }

  onHeaders(): void {
    // Nothing in them tells of health.
  }

  onMessage(message: Uint8Array): boolean {
    clearTimeout(this.#timer);
    this.#hasAnswered = true;
    this.#listener.onAnswer(this, readHealthAnswer(message));
    if (this.kind === "check") return true;
    this.#timer = setTimeout(() => this.#call?.resume(), MIN_CHANGE_MS).unref();
    return false;
  }

  onDrain(): void {
    // One small message never fills a buffer.
  }

  onStatus(status: Status): void {
    clearTimeout(this.#timer);
    this.#listener.onEnd(this, status);
  }
}

const SILENT: Status = gatewayStatus("DEADLINE", "the health service did not answer in time");

const NO_LONGER_ASKED: Status = gatewayStatus("CLIENT_GONE", "the health is no longer asked for");
