/**
 * The options of routes: the cascade of `defaults`, upstream and overrides, for the routes of one upstream. Routes that
 * the same overrides mean share one result.
 */
import {
  type ConfigPath,
  type RouteOptions,
  type RouteOptionsPatch,
  type RouteOverride,
  resolveRouteOptions,
} from "../config/index.ts";
import type { Problem } from "../status/index.ts";
import { type ConditionLog, describeCondition, type RouteSubject } from "./route-conditions.ts";

/** Resolves the options of one upstream's routes. */
export class RouteOverrides {
  readonly #levels: readonly RouteOptionsPatch[];
  readonly #overrides: readonly RouteOverride[];
  readonly #log: ConditionLog;
  /** By which overrides hold. */
  readonly #resolved = new Map<string, RouteOptions>();

  /** `levels` hold for every route, `overrides` where their conditions do; later ones win. */
  constructor(levels: readonly RouteOptionsPatch[], overrides: readonly RouteOverride[], log: ConditionLog) {
    this.#levels = levels;
    this.#overrides = overrides;
    this.#log = log;
  }

  /** The options of one route. */
  optionsOf(subject: RouteSubject): RouteOptions {
    const matching = this.#overrides.filter(({ condition }) => this.#log.holds(condition, subject));
    const key = matching.map((override) => this.#overrides.indexOf(override)).join();
    const known = this.#resolved.get(key);
    if (known !== undefined) return known;
    const options = resolveRouteOptions(...this.#levels, ...matching.map(({ options }) => options));
    this.#resolved.set(key, options);
    return options;
  }
}

/** A problem for each of `overrides` that has meant no route. `base` is their list in the config. */
export function unusedOverrides(
  overrides: readonly RouteOverride[],
  base: ConfigPath,
  log: ConditionLog,
  locate: (path: ConfigPath) => string,
): readonly Problem[] {
  return overrides.flatMap(({ condition }, i): readonly Problem[] =>
    log.wasUsed(condition)
      ? []
      : [
          {
            severity: "warning",
            where: locate([...base, i]),
            what: `these options hold for no route: there is none of ${describeCondition(condition)}`,
            hint: "sluice routes lists them all; a pattern is compared with templates",
          },
        ],
  );
}
