/**
 * Asks one endpoint for its health, while there is a connection to it: one Watch that stays open, or a Check now and then.
 *
 *     Watch --UNIMPLEMENTED--> Check --UNIMPLEMENTED--> the endpoint has no health service: it counts as serving
 *       | ends: again, after a growing pause   ^__ after the interval
 *
 * What the endpoint says counts at once; silence and faults count from the configured number of them in a row. Before the
 * first answer nothing is known of the endpoint. Sources: gRPC "Health checking", gRFC A17 (client-side health checking).
 */
import { Code, codeName, gatewayStatus, type Status } from "../../status/index.ts";
import type { Channel } from "../channel.ts";
import { HealthProbe, type ProbeListener } from "./health-probe.ts";
import { type HealthAnswer, healthQuestion } from "./health-protocol.ts";
import type { HealthCheckOptions } from "./options.ts";

/** The first pause before a watch that ended is tried again. */
const FIRST_PAUSE_MS = 1000;

/** Pauses vary by this share, so that not all gateways ask in one moment. */
const JITTER = 0.1;

/** What is known of an endpoint from its own mouth. */
export type Health = "unknown" | "serving" | "not serving";

/** What a check needs, and whom it tells. */
export interface HealthCheckOwner {
  /** Opens a call on the endpoint's own connection. */
  readonly open: Channel["open"];
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Told on every change; `why` is a clause for people, "" for `serving` and `unknown`. */
  onHealth(health: Health, why: string): void;
  /** The endpoint has no health service, and counts as serving. */
  onUnsupported(): void;
}

/** The asking of one endpoint. */
export class HealthCheck implements ProbeListener {
  readonly #options: HealthCheckOptions;
  readonly #owner: HealthCheckOwner;
  readonly #question: Uint8Array;
  #health: Health = "unknown";
  #isRunning = false;
  /** The call under way; what earlier ones still say does not count. */
  #probe: HealthProbe | undefined;
  #answer: HealthAnswer = "invalid";
  #timer: NodeJS.Timeout | undefined;
  /** In a row. */
  #failures = 0;
  #successes = 0;
  #pauseMs = 0;

  constructor(options: HealthCheckOptions, owner: HealthCheckOwner) {
    this.#options = options;
    this.#owner = owner;
    this.#question = healthQuestion(options.service);
  }

  /** There is a connection: asks from now on. */
  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#failures = 0;
    this.#successes = 0;
    this.#pauseMs = this.#firstPauseMs;
    this.#ask(this.#options.mode);
  }

  /** There is no connection any more: what was known does not count. */
  stop(): void {
    if (!this.#isRunning) return;
    this.#isRunning = false;
    clearTimeout(this.#timer);
    const probe = this.#probe;
    this.#probe = undefined;
    probe?.cancel();
    this.#tell("unknown", "");
  }

  /**
   * A connection goes, perhaps the one that a watch is on, which would keep it for good: watches anew. What is known
   * stands until the next answer.
   */
  move(): void {
    const probe = this.#probe;
    if (probe?.kind !== "watch") return;
    this.#ask("watch");
    probe.cancel();
  }

  /** For the probe alone, as is `onEnd`. */
  onAnswer(probe: HealthProbe, answer: HealthAnswer): void {
    if (probe !== this.#probe) return;
    this.#answer = answer;
    if (probe.kind === "watch") this.#onWatched(probe, answer);
  }

  onEnd(probe: HealthProbe, status: Status): void {
    if (probe !== this.#probe) return;
    this.#probe = undefined;
    if (status.reason === "UPSTREAM_OVERLOADED") {
      // It has not been asked. An endpoint with as many calls as it wants is not ill for that.
      this.#askLater(probe.kind, this.#options.intervalMs);
      return;
    }
    const isMissing = status.code === Code.UNIMPLEMENTED && status.origin === "upstream";
    if (probe.kind === "watch") {
      if (isMissing && !probe.hasAnswered) {
        this.#ask("check");
        return;
      }
      this.#onFailure(`its health watch ended: ${textOf(status)}`);
      this.#askLater("watch", this.#pauseMs);
      this.#pauseMs = Math.min(this.#pauseMs * 2, this.#options.intervalMs);
    } else if (isMissing) {
      this.#owner.onUnsupported();
      this.#tell("serving", "");
    } else {
      this.#onChecked(probe, status);
      this.#askLater("check", this.#options.intervalMs);
    }
  }

  get #firstPauseMs(): number {
    return Math.min(FIRST_PAUSE_MS, this.#options.intervalMs);
  }

  #onWatched(probe: HealthProbe, answer: HealthAnswer): void {
    if (answer === "invalid") {
      probe.cancel(UNREADABLE);
      return;
    }
    this.#failures = 0;
    this.#pauseMs = this.#firstPauseMs;
    if (answer === "serving") this.#tell("serving", "");
    else this.#tell("not serving", this.#saying(answer));
  }

  #onChecked(probe: HealthProbe, status: Status): void {
    if (status.code === Code.NOT_FOUND && status.origin === "upstream") {
      this.#onRefused("service unknown");
    } else if (status.code !== Code.OK) {
      this.#onFailure(`its health check failed: ${textOf(status)}`);
    } else if (!probe.hasAnswered || this.#answer === "invalid") {
      this.#onFailure(`its health check failed: ${textOf(UNREADABLE)}`);
    } else if (this.#answer === "serving") {
      this.#failures = 0;
      this.#successes++;
      const isEnough = this.#health === "unknown" || this.#successes >= this.#options.healthyAfter;
      if (isEnough) this.#tell("serving", "");
    } else {
      this.#onRefused(this.#answer);
    }
  }

  #onRefused(answer: HealthAnswer): void {
    this.#failures = 0;
    this.#successes = 0;
    this.#tell("not serving", this.#saying(answer));
  }

  #onFailure(why: string): void {
    this.#successes = 0;
    this.#failures++;
    if (this.#failures >= this.#options.unhealthyAfter) this.#tell("not serving", why);
  }

  #saying(answer: HealthAnswer): string {
    const { service } = this.#options;
    const subject = service === "" ? "" : ` of ${JSON.stringify(service)}`;
    return `its health service${subject} says ${JSON.stringify(answer)}`;
  }

  #tell(health: Health, why: string): void {
    if (health === this.#health) return;
    this.#health = health;
    this.#owner.onHealth(health, why);
  }

  #ask(kind: "watch" | "check"): void {
    const probe = new HealthProbe(kind, this.#options.timeoutMs, this);
    this.#probe = probe;
    probe.start(this.#owner.open, this.#question);
  }

  #askLater(kind: "watch" | "check", pauseMs: number): void {
    const jittered = pauseMs * (1 + JITTER * (2 * this.#owner.random() - 1));
    this.#timer = setTimeout(() => this.#ask(kind), jittered).unref();
  }
}

/** The upstream's own text is bounded: it goes into a log line. */
function textOf({ code, message }: Status): string {
  return message === "" ? codeName(code) : `${codeName(code)}, ${message.slice(0, 200)}`;
}

const UNREADABLE: Status = gatewayStatus("UPSTREAM_REPLY_INVALID", "it sent what is no HealthCheckResponse");
