/** The health of one endpoint: what it says of itself, how its calls end, whether it can be reached. */
import type { Status } from "../../status/index.ts";
import type { Channel } from "../channel.ts";
import type { CallEnd, EndpointObserver, EndpointView } from "../endpoint.ts";
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
  /** Where an endpoint stands has changed; undefined is for one that was not there, or is not any more. */
  onStanding(before: Standing | undefined, now: Standing | undefined): void;
  /** Endpoints may be available that were not, or the other way round, though no connection came or went. */
  onChange(): void;
  onEjected(endpoint: EndpointHealth, reason: EjectionReason, forMs: number): void;
  onReturned(endpoint: EndpointHealth): void;
  onHealth(endpoint: EndpointHealth, health: Health, why: string): void;
  onUnsupported(endpoint: EndpointHealth): void;
}

/** One endpoint's health. */
export class EndpointHealth implements EndpointObserver, MemberListener, HealthCheckOwner {
  /** For people and labels: `host:port` or a path. */
  readonly name: string;
  readonly open: Channel["open"];
  readonly random: () => number;
  readonly #owner: EndpointHealthOwner;
  readonly #member: OutlierMember | undefined;
  readonly #check: HealthCheck | undefined;
  #link: "idle" | "away" | "connected" | "gone" = "idle";
  #health: Health = "unknown";
  #standing: Standing | undefined;
  readonly #ejections: Record<EjectionReason, number> = { failures: 0, latency: 0 };

  constructor(owner: EndpointHealthOwner, endpoint: EndpointView) {
    this.#owner = owner;
    this.name = endpoint.name;
    this.open = (rpcPath, metadata, deadlineMs, listener) =>
      endpoint.open(rpcPath, metadata, deadlineMs, listener);
    this.random = owner.random;
    this.#member = owner.outliers?.add(this);
    this.#check = owner.check === undefined ? undefined : new HealthCheck(owner.check, this);
    this.#update();
  }

  get isAvailable(): boolean {
    const standing = this.#standing;
    if (standing === "in" || this.#owner.isPanicking) return true;
    if (standing === "trial") return this.#member?.isPickable === true || !this.#owner.hasIn;
    return standing === "asked" ? !this.#owner.hasIn : standing !== "out";
  }

  get isHealthy(): boolean {
    return this.#health !== "not serving" && this.#member?.isEjected !== true;
  }

  get ejections(): Readonly<Record<EjectionReason, number>> {
    return this.#ejections;
  }

  onReady(): void {
    if (this.#link === "gone") return;
    this.#link = "connected";
    this.#check?.start();
    this.#update();
  }

  onReplaced(): void {
    this.#check?.move();
  }

  onLost(): void {
    this.#onUnlinked("idle");
  }

  onUnreachable(): void {
    this.#onUnlinked("away");
  }

  onCallSent(): void {
    this.#member?.onSent();
  }

  onReplyStarted(sentAt: number, now: number): void {
    this.#member?.onHead(sentAt, now);
  }

  onCallEnded(status: Status, end: CallEnd, sentAt: number, progress: "silent" | "replied"): void {
    this.#member?.onEnd(status, end, sentAt, progress);
  }

  onRemoved(): void {
    const standing = this.#standing;
    if (standing === undefined) return;
    this.#link = "gone";
    this.#standing = undefined;
    this.#check?.stop();
    if (this.#member !== undefined) this.#owner.outliers?.remove(this.#member);
    this.#owner.onStanding(standing, undefined);
  }

  /** For the parts alone, as are those that follow. */
  onEjected(reason: EjectionReason, forMs: number): void {
    this.#ejections[reason]++;
    // Told before what follows from it, panic perhaps.
    this.#owner.onEjected(this, reason, forMs);
    this.#update();
    this.#owner.onChange();
  }

  onRoom(): void {
    this.#owner.onChange();
  }

  onProbation(): void {
    this.#update();
    this.#owner.onChange();
  }

  onReturned(): void {
    this.#owner.onReturned(this);
    this.#update();
    this.#owner.onChange();
  }

  onHealth(health: Health, why: string): void {
    this.#health = health;
    this.#owner.onHealth(this, health, why);
    this.#update();
    // Unknown it becomes when the connection goes, of which the pool knows.
    if (health !== "unknown") this.#owner.onChange();
  }

  onUnsupported(): void {
    this.#owner.onUnsupported(this);
  }

  #onUnlinked(link: "idle" | "away"): void {
    if (this.#link === "gone") return;
    this.#link = link;
    this.#check?.stop();
    this.#update();
  }

  #update(): void {
    if (this.#link === "gone") return;
    const before = this.#standing;
    const now = this.#judge(this.#link);
    if (before === now) return;
    this.#standing = now;
    this.#owner.onStanding(before, now);
  }

  #judge(link: "idle" | "away" | "connected"): Standing {
    if (this.#health === "not serving" || this.#member?.isEjected === true) return "out";
    if (link !== "connected") return link;
    if (this.#check !== undefined && this.#health === "unknown") return "asked";
    return this.#member?.isOnProbation === true ? "trial" : "in";
  }
}
