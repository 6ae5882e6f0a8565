/**
 * The route table for people and scripts: `sluice routes`, `/routes`.
 */
import type { RoutingSnapshot } from "../gateway/index.ts";
import type { BindingSource } from "../routing/index.ts";
import type { MethodKind } from "../schema/index.ts";

/** One row. */
export interface RouteRow {
  readonly method: string;
  readonly template: string;
  readonly rpc: string;
  readonly body: string;
  readonly responseBody: string;
  readonly kind: MethodKind;
  readonly source: BindingSource;
  readonly upstream: string;
  /** The names of the listeners that serve it, in their order. */
  readonly listeners: readonly string[];
}

/** What rows are made of. */
export type RoutedBy = Pick<RoutingSnapshot, "routes" | "listeners">;

/** One row a route, in the order of declaration. */
export function routeRows({ routes, listeners }: RoutedBy): readonly RouteRow[] {
  const tables = listeners.map(({ name, routes }) => ({ name, served: new Set(routes) }));
  return routes.map((route) => ({
    method: route.httpMethod,
    template: route.template,
    rpc: route.method.fullName,
    body: route.body,
    responseBody: route.responseBody,
    kind: route.method.kind,
    source: route.source,
    upstream: route.upstream,
    listeners: tables.flatMap(({ name, served }) => (served.has(route) ? [name] : [])),
  }));
}

const HEADINGS = ["METHOD", "TEMPLATE", "RPC", "BODY", "KIND", "SOURCE"] as const;

/** The table as aligned text, one line a route, with headings; which listeners serve a route only where that differs. */
export function formatRouteTable(rows: readonly RouteRow[]): string {
  const listeners = (row: RouteRow): string => row.listeners.join(", ") || "-";
  const isUniform = new Set(rows.map(listeners)).size <= 1;
  const headings = isUniform ? HEADINGS : [...HEADINGS, "LISTENERS"];
  const cells = rows.map((row) => {
    const line = [row.method, row.template, row.rpc, row.body || "-", row.kind, row.source];
    return isUniform ? line : [...line, listeners(row)];
  });
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...cells.map((line) => line[column]?.length ?? 0)),
  );
  return [headings, ...cells]
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
