/** The schema of which routes a listener serves, and the checks of listeners that look beyond one value. */
import type * as z from "zod";
import type { Fault } from "./faults.ts";
import { list, section } from "./fields.ts";
import { nearestName } from "./names.ts";
import { complain, isMapping, type Reading, show, valueAt } from "./reading.ts";
import { conditionSection, type RouteCondition } from "./route-conditions.ts";
import type { ConfigPath } from "./types.ts";

/** The routes of one listener: those that are included, without those that are excluded. */
export interface ListenerRoutes {
  /** Undefined includes every route. */
  readonly include: readonly RouteCondition[] | undefined;
  readonly exclude: readonly RouteCondition[];
}

/** The section `routes` of a listener. */
export function listenerRoutesSection(): z.ZodType<ListenerRoutes> {
  const least = "name routes, or remove the key";
  return section("Which routes are served here; a route is in or out as a whole.", {
    include: list(
      "A route is served if one of these means it; every route, where the key is missing.",
      conditionSection("Routes that are served."),
      { least },
    ).optional(),
    exclude: list(
      "And if none of these means it; they win over `include`.",
      conditionSection("Routes that are not."),
    ).prefault([]),
  }).transform(({ include, exclude }) => ({ include, exclude }));
}

/** Reads a listener's name. */
export function parseListenerName(value: unknown): Reading<string> {
  if (typeof value === "string" && /^[a-z][a-z0-9_-]{0,62}$/.test(value)) return { value };
  return complain(
    `${show(value)} cannot name a listener`,
    "start with a-z, go on with a-z, 0-9, - and _; at most 63",
  );
}

/** No two listeners have one name, and the upstreams that their routes name are there. */
export function checkListenerRoutes(value: unknown): readonly Fault[] {
  const listeners = valueAt(value, ["listeners"]);
  const upstreams = valueAt(value, ["upstreams"]);
  const known = isMapping(upstreams) ? Object.keys(upstreams) : [];
  const names = new Set<unknown>();
  const faults: Fault[] = [];
  for (const i of (Array.isArray(listeners) ? listeners : []).keys()) {
    const name = valueAt(listeners, [i, "name"]);
    if (name !== undefined && names.has(name)) {
      const what = `${show(name)} is the name of another listener`;
      faults.push({ path: ["listeners", i, "name"], what, hint: "give each a name of its own" });
    }
    names.add(name);
    for (const list of ["include", "exclude"]) {
      const conditions = valueAt(listeners, [i, "routes", list]);
      for (const at of (Array.isArray(conditions) ? conditions : []).keys()) {
        const upstream = valueAt(conditions, [at, "upstream"]);
        if (typeof upstream !== "string" || known.includes(upstream)) continue;
        const path: ConfigPath = ["listeners", i, "routes", list, at, "upstream"];
        faults.push({ path, ...strangerComplaint(upstream, known) });
      }
    }
  }
  return faults;
}

function strangerComplaint(upstream: string, known: readonly string[]): { what: string; hint: string } {
  const near = nearestName(upstream, known);
  const hint = near === undefined ? `there is: ${known.join(", ")}` : `did you mean ${near}?`;
  return { what: `there is no upstream ${show(upstream)}`, hint };
}
