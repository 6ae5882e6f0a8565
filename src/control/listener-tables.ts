/**
 * The routes by listener: which of them a listener serves, and under which policies. Listeners with equal route sets
 * share one matcher. Two routes of one shape are a conflict only where one listener serves both.
 */
import type { Config, CorsConfig, CorsPatch, ListenerConfig, RouteCondition } from "../config/index.ts";
import type { ListenerTable, PolicySet, Route } from "../gateway/index.ts";
import { formatAddress } from "../http/index.ts";
import type { PreflightPolicy } from "../policy/index.ts";
import { PathMatcherBuilder, type PathTemplate, type RuleOptions } from "../routing/index.ts";
import type { Problem } from "../status/index.ts";
import { type ConditionLog, describeCondition, type RouteSubject } from "./route-conditions.ts";

/** What a listener is called in logs, metrics and tables: its name, or else its address as configured. */
export function listenerName({ name, address }: Pick<ListenerConfig, "name" | "address">): string {
  return name ?? formatAddress(address);
}

/** A route, and what decides where it goes. */
export interface RouteEntry {
  readonly route: Route;
  readonly subject: RouteSubject;
  readonly template: PathTemplate;
  readonly options: RuleOptions;
  /** Where its rule stands. */
  readonly where: string;
}

/** An earlier route of the same shape, and where its rule stands. */
export interface Conflict {
  readonly earlier: Route;
  readonly earlierWhere: string;
}

/** One route set, on its way. */
interface RouteSet {
  /** Of the first listener that has it; others say the same. */
  readonly routes: ListenerConfig["routes"];
  readonly matcher: PathMatcherBuilder<Route>;
  readonly served: Route[];
}

/** What came of it. */
export interface BuiltTables {
  /** In the order of the listeners. */
  readonly tables: readonly ListenerTable[];
  readonly problems: readonly Problem[];
}

/** Collects routes and makes the table of every listener. */
export class ListenerTables {
  readonly #config: Pick<Config, "listeners" | "locate">;
  readonly #log: ConditionLog;
  /** The set of each listener; equal ones are one. */
  readonly #sets: readonly RouteSet[];
  readonly #distinct: readonly RouteSet[];
  readonly #places = new Map<Route, string>();
  /** What routes have in place of their listener's CORS; the first is nothing. */
  readonly #patches: CorsPatch[] = [{}];
  readonly #patchIndexes = new Map<string, number>([["{}", 0]]);

  constructor(config: Pick<Config, "listeners" | "locate">, log: ConditionLog) {
    this.#config = config;
    this.#log = log;
    const byText = new Map<string, RouteSet>();
    this.#sets = config.listeners.map(({ routes }) => {
      const text = JSON.stringify(routes);
      const set = byText.get(text) ?? { routes, matcher: new PathMatcherBuilder<Route>(), served: [] };
      byText.set(text, set);
      return set;
    });
    this.#distinct = [...byText.values()];
  }

  /** The `policySet` of routes that differ from their listener's CORS by `patch`. */
  policySetOf(patch: CorsPatch): number {
    const text = JSON.stringify(patch);
    const known = this.#patchIndexes.get(text);
    if (known !== undefined) return known;
    this.#patchIndexes.set(text, this.#patches.length);
    return this.#patches.push(patch) - 1;
  }

  /**
   * Adds a route to every listener that serves it. A set that has one of its shape already keeps that one; the route is
   * `lost` if all sets that mean it do, and the first of these is the conflict to be told.
   */
  add(entry: RouteEntry): { readonly isLost: boolean; readonly conflict: Conflict | undefined } {
    const { route, subject, template, options } = entry;
    const sets = this.#distinct.filter((set) => this.#means(set.routes, subject));
    let conflict: Conflict | undefined;
    let served = 0;
    for (const { matcher, served: routes } of sets) {
      const earlier = matcher.add(route.httpMethod, template, route, options);
      if (earlier === undefined) {
        routes.push(route);
        served++;
      } else conflict ??= { earlier, earlierWhere: this.#places.get(earlier) ?? "" };
    }
    this.#places.set(route, entry.where);
    return { isLost: conflict !== undefined && served === 0, conflict };
  }

  /**
   * Makes the tables, once. Problems: CORS that a route and a listener together make unsound.
   */
  build(
    cors: (options: CorsConfig) => PreflightPolicy | undefined,
    pendingUpstreams: readonly string[],
  ): BuiltTables {
    const problems: Problem[] = [];
    const built = new Map(this.#distinct.map((set) => [set, set.matcher.build()] as const));
    const tables = this.#sets.flatMap((set, index): readonly ListenerTable[] => {
      const listener = this.#config.listeners[index];
      const matcher = built.get(set);
      // Sets were made of the listeners, and matchers of the sets.
      if (listener === undefined || matcher === undefined) return [];
      return [
        {
          name: listenerName(listener),
          matcher,
          routes: set.served,
          pendingUpstreams: pendingUpstreams.filter((upstream) => mayServe(set.routes, upstream)),
          policies: this.#patches.map((patch, i) => {
            const { policy, problem } = this.#corsOf(listener, index, patch, cors);
            if (problem !== undefined && set.served.some(({ policySet }) => policySet === i)) {
              problems.push(problem);
            }
            return policySetOf(policy);
          }),
        },
      ];
    });
    return { tables, problems };
  }

  /**
   * What is wrong with route sets if the routes are all there are: conditions that mean none, and a listener that is left
   * without one while others have some.
   */
  get setProblems(): readonly Problem[] {
    const hasRoutes = this.#distinct.some(({ served }) => served.length > 0);
    return this.#sets.flatMap((set, index) => {
      const listener = this.#config.listeners[index];
      const isEmpty = hasRoutes && set.served.length === 0 && listener !== undefined;
      const empty = isEmpty ? [this.#emptyListener(listener, index)] : [];
      return [...this.#unusedConditions(set, index), ...empty];
    });
  }

  #means({ include, exclude }: ListenerConfig["routes"], subject: RouteSubject): boolean {
    // All are asked, so that each is known to mean a route or none.
    const excluding = exclude.filter((condition) => this.#log.holds(condition, subject));
    const including = include?.filter((condition) => this.#log.holds(condition, subject));
    return excluding.length === 0 && including?.length !== 0;
  }

  #unusedConditions({ routes }: RouteSet, index: number): readonly Problem[] {
    const { include = [], exclude } = routes;
    const unused = (list: "include" | "exclude", conditions: readonly RouteCondition[]): readonly Problem[] =>
      conditions.flatMap((condition, i): readonly Problem[] =>
        this.#log.wasUsed(condition)
          ? []
          : [
              {
                severity: "warning",
                where: this.#config.locate(["listeners", index, "routes", list, i]),
                what: `${list}s no route: there is none of ${describeCondition(condition)}`,
                hint: "sluice routes lists them all; a pattern is compared with templates",
              },
            ],
      );
    return [...unused("include", include), ...unused("exclude", exclude)];
  }

  #emptyListener(listener: ListenerConfig, index: number): Problem {
    return {
      severity: "error",
      where: this.#config.locate(["listeners", index, "routes"]),
      what: `listener ${listenerName(listener)} serves no route`,
      hint: "sluice routes lists them all; change include and exclude, or remove the listener",
    };
  }

  /** The policy of CORS for routes with `patch`; none, with a problem, where the two do not go together. */
  #corsOf(
    listener: ListenerConfig,
    index: number,
    patch: CorsPatch,
    cors: (options: CorsConfig) => PreflightPolicy | undefined,
  ): { readonly policy: PreflightPolicy | undefined; readonly problem?: Problem } {
    const options = { ...listener.cors, ...patch };
    const fault = options.enabled ? corsFault(options) : undefined;
    if (fault === undefined) return { policy: cors(options) };
    const problem: Problem = {
      severity: "error",
      where: this.#config.locate(["listeners", index, "cors"]),
      what: `CORS of listener ${listenerName(listener)} with what routes change of it, ${JSON.stringify(patch)}: ${fault}`,
      hint: "write the keys that belong together in one place; until then these routes have no CORS here",
    };
    return { policy: undefined, problem };
  }
}

/** What `checkCors` of config refuses in one place, and two places may still make. */
function corsFault({ origins, credentials }: CorsConfig): string | undefined {
  if (origins.length === 0) return "it is enabled, but no origin is let in";
  return credentials && origins.includes("*")
    ? "the origin * cannot be combined with credentials"
    : undefined;
}

function policySetOf(cors: PreflightPolicy | undefined): PolicySet {
  return { cors, policies: cors === undefined ? [] : [cors] };
}

/** Whether a route of `upstream` may belong to a set, as far as the name alone tells. */
function mayServe({ include, exclude }: ListenerConfig["routes"], upstream: string): boolean {
  const isExcluded = exclude.some((condition) => {
    const { selector, path, methods } = condition;
    const isWhole = selector === undefined && path === undefined && methods === undefined;
    return isWhole && condition.upstream === upstream;
  });
  if (isExcluded) return false;
  return include?.every((condition) => (condition.upstream ?? upstream) !== upstream) !== true;
}
