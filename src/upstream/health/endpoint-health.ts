/** The health of one endpoint: what it says of itself, how its calls end, whether it can be reached. */
import type { Status } from "../../status/index.ts";
import type { Channel } from "../channel.ts";
import { type Health, HealthCheck, type HealthCheckOwner } from "./health-check.ts";
import type { HealthCheckOptions } from "./options.ts";
import type { OutlierDetector } from "./outlier-detector.ts";
import type { EjectionReason, MemberListener, OutlierMember } from "./outlier-member.ts";

/**
 * Where an endpoint stands: `in` takes calls; `trial` takes one at a time after an ejection; `asked` has not yet said how
 * it is; `out` is ejected or not serving; `idle` has no connection, and `away` cannot be connected to.
 */
export type Standing = "in" | "trial" | "asked" | "out" | "idle" | "away";

/** What an endpoint's health needs of its upstream. */
export interface EndpointHealthOwner {
  readonly check: HealthCheckOptions | undefined;
  readonly outliers: OutlierDetector | undefined;
  readonly random: () => number;
  readonly isPanicking: boolean;
  /** Whether any endpoint's standing is `in`. */
  readonly hasIn: boolean;
  onStanding(before: Standing | undefined, now: Standing | undefined): void;
  onEjected(endpoint: EndpointHealth, reason: EjectionReason, forMs: number): void;
  onReturned(endpoint: EndpointHealth): void;
  onHealth(endpoint: EndpointHealth, health: Health, why: string): void;
  onUnsupported(endpoint: EndpointHealth): void;
}

/** One endpoint's health. The calls of {@link onSent}, {@link onHead} and {@link onEnd} come with every call. */
export class EndpointHealth implements MemberListener, HealthCheckOwner {
  /** For people and labels: `host:port` or a path. */
  readonly name: string;
  readonly open: Channel["open"];
  readonly random: () => number;
  readonly #owner: EndpointHealthOwner;
  readonly #member: OutlierMember | undefined;
  readonly #check: HealthCheck | undefined;
  #link: "idle" | "away" | "connected" = "idle";
  #health: Health = "unknown";
  #standing: Standing | undefined;
  readonly #ejections: Record<EjectionReason, number> = { failures: 0, latency: 0 };

  /** `open` opens a call on a connection of this very endpoint. */
  constructor(owner: EndpointHealthOwner, name: string, open: Channel["open"]) {
    this.#owner = owner;
    this.name = name;
    this.open = open;
    this.random = owner.random;
    this.#member = owner.outliers?.add(this);
    this.#check = owner.check === undefined ? undefined : new HealthCheck(owner.check, this);
    this.#update();
  }

  /** Whether a balancer may choose it. */
  get isPickable(): boolean {
    const standing = this.#standing;
    if (standing === "in" || this.#owner.isPanicking) return true;
    if (standing === "trial") return this.#member?.isPickable === true || !this.#owner.hasIn;
    return standing === "asked" && !this.#owner.hasIn;
  }

  /** Whether nothing is known against it. */
  get isHealthy(): boolean {
    return this.#health !== "not serving" && this.#member?.isEjected !== true;
  }

  /** How often it was ejected so far. */
  get ejections(): Readonly<Record<EjectionReason, number>> {
    return this.#ejections;
  }

  /** A connection is ready. */
  onConnected(): void {
    if (this.#link === "connected") return;
    this.#link = "connected";
    this.#check?.start();
    this.#update();
  }

  /** The last connection has gone. */
  onDisconnected(): void {
    this.#onUnlinked("idle");
  }

  /** No connection could be had. */
  onUnreachable(): void {
    this.#onUnlinked("away");
  }

  /** A connection broke with calls on it. They all tell of one fault, so it is counted here and not by them. */
  onConnectionLost(): void {
    this.#member?.onFailure();
  }

  /** A call goes out. It wants one `onHead` or, without that, one `onEnd`. */
  onSent(): void {
    this.#member?.onSent();
  }

  /** The head of a reply came at `now`, other than a mere status, of a call sent at `sentAt`. */
  onHead(sentAt: number, now: number): void {
    this.#member?.onHead(sentAt, now);
  }

  /** A call has ended; `silent` if `onHead` was not called for it. */
  onEnd(status: Status, sentAt: number, progress: "silent" | "answered"): void {
    this.#member?.onEnd(status, sentAt, progress);
  }

  /** The endpoint is no longer one of the upstream's: asks and tells nothing any more. */
  close(): void {
    this.#check?.stop();
    if (this.#member !== undefined) this.#owner.outliers?.remove(this.#member);
    this.#owner.onStanding(this.#standing, undefined);
    this.#standing = undefined;
  }

  /** For the parts alone, as are those that follow. */
  onEjected(reason: EjectionReason, forMs: number): void {
    this.#ejections[reason]++;
    // Told before what follows from it, panic perhaps.
    this.#owner.onEjected(this, reason, forMs);
    this.#update();
  }

  onProbation(): void {
    this.#update();
  }

  onReturned(): void {
    this.#owner.onReturned(this);
    this.#update();
  }

  onHealth(health: Health, why: string): void {
    this.#health = health;
    this.#owner.onHealth(this, health, why);
    this.#update();
  }

  onUnsupported(): void {
    this.#owner.onUnsupported(this);
  }

  #onUnlinked(link: "idle" | "away"): void {
    this.#link = link;
    this.#check?.stop();
    this.#update();
  }

  #update(): void {
    const before = this.#standing;
    const now = this.#judge();
    if (before === now) return;
    this.#standing = now;
    this.#owner.onStanding(before, now);
  }

  #judge(): Standing {
    if (this.#health === "not serving" || this.#member?.isEjected === true) return "out";
    if (this.#link !== "connected") return this.#link;
    if (this.#check !== undefined && this.#health === "unknown") return "asked";
    return this.#member?.isOnProbation === true ? "trial" : "in";
  }
}
