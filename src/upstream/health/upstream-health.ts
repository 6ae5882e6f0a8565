/**
 * The health of all endpoints of one upstream, and what follows from it for all of them together: when too few are left,
 * calls go to every one (panic), because the rest would only be overrun.
 */
import type { Availability, EndpointView, WatchEndpoints } from "../endpoint.ts";
import { EndpointHealth, type EndpointHealthOwner, type Standing } from "./endpoint-health.ts";
import type { Health } from "./health-check.ts";
import type { HealthObserver } from "./observer.ts";
import type { HealthCheckOptions, HealthOptions } from "./options.ts";
import { OutlierDetector } from "./outlier-detector.ts";
import type { EjectionReason } from "./outlier-member.ts";

/** Watches endpoints as `options` say; undefined where there is nothing to watch for. */
export function watchHealth(
  options: HealthOptions,
  surroundings: Omit<HealthSurroundings, "onChange">,
): WatchEndpoints | undefined {
  if (options.check === undefined && options.ejection === undefined) return undefined;
  return (onChange) => new UpstreamHealth(options, { ...surroundings, onChange });
}

/** What this takes from its surroundings. */
export interface HealthSurroundings {
  /** A clock in milliseconds that never goes back. */
  readonly now: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly observer: HealthObserver;
  /** Endpoints that could not be chosen may be so now. */
  onChange(): void;
}

/** The endpoints of an upstream. */
export class UpstreamHealth implements Availability, EndpointHealthOwner {
  readonly check: HealthCheckOptions | undefined;
  readonly outliers: OutlierDetector | undefined;
  readonly random: () => number;
  readonly #surroundings: HealthSurroundings;
  readonly #panicThresholdPercent: number;
  readonly #counts: Record<Standing, number> = { in: 0, trial: 0, asked: 0, out: 0, idle: 0, away: 0 };
  /** Names of those of which `not serving` was told: their return is news. */
  readonly #notServing = new WeakSet<EndpointHealth>();
  #total = 0;
  #isPanicking = false;
  #isUnsupported = false;

  constructor(options: HealthOptions, surroundings: HealthSurroundings) {
    const { check, ejection, panicThresholdPercent } = options;
    const { now, random } = surroundings;
    this.check = check;
    this.outliers = ejection === undefined ? undefined : new OutlierDetector(ejection, now, random);
    this.random = random;
    this.#surroundings = surroundings;
    this.#panicThresholdPercent = panicThresholdPercent;
  }

  observe(endpoint: EndpointView): EndpointHealth {
    return new EndpointHealth(this, endpoint);
  }

  /** Whether calls go to all endpoints, whatever is known against them. */
  get isPanicking(): boolean {
    return this.#isPanicking;
  }

  get hasIn(): boolean {
    return this.#counts.in > 0;
  }

  onStanding(before: Standing | undefined, now: Standing | undefined): void {
    if (before === undefined) this.#total++;
    else this.#counts[before]--;
    if (now === undefined) this.#total--;
    else this.#counts[now]++;
    this.#updatePanic();
  }

  onChange(): void {
    this.#surroundings.onChange();
  }

  onEjected(endpoint: EndpointHealth, reason: EjectionReason, forMs: number): void {
    this.#surroundings.observer.onEjected(endpoint.name, reason, forMs);
  }

  onReturned(endpoint: EndpointHealth): void {
    this.#surroundings.observer.onReturned(endpoint.name);
  }

  onHealth(endpoint: EndpointHealth, health: Health, why: string): void {
    const { observer } = this.#surroundings;
    if (health === "not serving") {
      this.#notServing.add(endpoint);
      observer.onHealth(endpoint.name, health, why);
    } else if (health === "serving" && this.#notServing.delete(endpoint)) {
      observer.onHealth(endpoint.name, health, why);
    }
  }

  onUnsupported(endpoint: EndpointHealth): void {
    if (this.#isUnsupported) return;
    this.#isUnsupported = true;
    this.#surroundings.observer.onUnsupported(endpoint.name);
  }

  /** Only what is out makes for panic: without it, going to all of them changes nothing. */
  #updatePanic(): void {
    const { out, away } = this.#counts;
    const total = this.#total;
    const available = total - out - away;
    const isPanicking = out > 0 && available * 100 < this.#panicThresholdPercent * total;
    if (isPanicking === this.#isPanicking) return;
    this.#isPanicking = isPanicking;
    this.#surroundings.observer.onPanic(isPanicking ? "begins" : "is over", available, total);
  }
}
