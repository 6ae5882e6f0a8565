/**
 * The route table for people and scripts: `sluice routes`, `/routes`.
 */
import type { Route } from "../gateway/index.ts";
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
}

/** One row a route, in the order of declaration. */
export function routeRows(routes: readonly Route[]): readonly RouteRow[] {
  return routes.map((route) => ({
    method: route.httpMethod,
    template: route.template,
    rpc: route.method.fullName,
    body: route.body,
    responseBody: route.responseBody,
    kind: route.method.kind,
    source: route.source,
    upstream: route.upstream,
  }));
}

const HEADINGS = ["METHOD", "TEMPLATE", "RPC", "BODY", "KIND", "SOURCE"] as const;

/** The table as aligned text, one line a route, with headings. */
export function formatRouteTable(rows: readonly RouteRow[]): string {
  const cells = rows.map((row) => [row.method, row.template, row.rpc, row.body || "-", row.kind, row.source]);
  const widths = HEADINGS.map((heading, column) =>
    Math.max(heading.length, ...cells.map((line) => line[column]?.length ?? 0)),
  );
  return [HEADINGS, ...cells]
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
