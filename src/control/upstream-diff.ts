/**
 * What one plan changes of another, for the log, for whoever asked for a reload, and to tell what breaks clients. Pure.
 */
import { type Diff, diffSchemas, formatDiff } from "../schema/index.ts";
import { diffRoutes } from "./diff-routes.ts";
import { type RoutedBy, type RouteRow, routeRows } from "./route-table.ts";
import { isSameServed, type Plan, type ServedUpstream } from "./served-upstream.ts";

/** Lines of one difference that go to the log and to whoever asked for a reload. */
export const MAX_CHANGE_LINES = 50;

/** What two schemas of an upstream, and the routes that came of them, differ in. */
export interface UpstreamDiff {
  readonly upstream: string;
  readonly routes: Diff;
  /** Undefined where it is the same schema. */
  readonly schema: Diff | undefined;
}

/** Of the upstreams that are `served` and are served otherwise by `plan`; the tables are those of all upstreams. */
export function diffPlans(
  served: Plan | undefined,
  plan: Plan,
  tableBefore: RoutedBy,
  tableAfter: RoutedBy,
): readonly UpstreamDiff[] {
  const changed = [...plan].flatMap(([name, after]) => {
    const before = served?.get(name);
    return before === undefined || isSameServed(after, before) ? [] : [{ before, after }];
  });
  if (changed.length === 0) return [];
  const [rowsBefore, rowsAfter] = [routeRows(tableBefore), routeRows(tableAfter)];
  return changed.map(({ before, after }) => diffUpstream(before, after, rowsBefore, rowsAfter));
}

function diffUpstream(
  before: ServedUpstream,
  after: ServedUpstream,
  rowsBefore: readonly RouteRow[],
  rowsAfter: readonly RouteRow[],
): UpstreamDiff {
  const upstream = after.config.name;
  const own = (rows: readonly RouteRow[]): readonly RouteRow[] =>
    rows.filter((row) => row.upstream === upstream);
  return {
    upstream,
    routes: diffRoutes(own(rowsBefore), own(rowsAfter)),
    schema: before.found === after.found ? undefined : diffSchemas(before.schema, after.schema),
  };
}

/** Whether clients may notice: something that they use is gone or another. */
export function isBreaking({ routes, schema }: UpstreamDiff): boolean {
  return routes.breaking + (schema?.breaking ?? 0) > 0;
}

/** The differences as lines, routes first, `maxLines` of each kind at most. */
export function diffLines({ routes, schema }: UpstreamDiff, maxLines: number): readonly string[] {
  return [...formatDiff(routes, maxLines), ...(schema === undefined ? [] : formatDiff(schema, maxLines))];
}

/** All that `plan` changes of what is `served`, a line each: upstreams, then what `diffs` say of them. */
export function changeLines(served: Plan, plan: Plan, diffs: readonly UpstreamDiff[]): readonly string[] {
  const come = [...plan.keys()].filter((name) => !served.has(name));
  const gone = [...served.keys()].filter((name) => !plan.has(name));
  const another = [...plan].filter(([name, { live }]) => {
    const before = served.get(name);
    return before !== undefined && before.live !== live;
  });
  return [
    ...gone.map((name) => `- upstream ${name}`),
    ...come.map((name) => `+ upstream ${name}`),
    ...another.map(([name]) => `~ upstream ${name}: connected anew`),
    ...diffs.flatMap((diff) => diffLines(diff, MAX_CHANGE_LINES)),
  ];
}
