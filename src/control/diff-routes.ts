/**
 * What two route tables differ in: `+ GET /v1/books`, `- DELETE /v1/{name=books/*}`, `~ POST /v1/books: body * -> book`.
 *
 * Rows are matched by HTTP method and the shape of the path, since clients do not see what variables are called.
 * Breaking is a route that is gone, and one that reads its request or writes its reply in another way or calls another
 * method.
 */
import { ChangeList, type Diff } from "../schema/index.ts";
import type { RouteRow } from "./route-table.ts";

/** The changes from `before` to `after`, in the order of `after`, what is gone first. Pure. */
export function diffRoutes(before: readonly RouteRow[], after: readonly RouteRow[]): Diff {
  const changes = new ChangeList();
  const left = new Map(before.map((row) => [shapeOf(row), row]));
  const kept: { readonly before: RouteRow; readonly after: RouteRow }[] = [];
  const come: RouteRow[] = [];
  for (const row of after) {
    const shape = shapeOf(row);
    const earlier = left.get(shape);
    left.delete(shape);
    if (earlier === undefined) come.push(row);
    else kept.push({ before: earlier, after: row });
  }
  for (const row of left.values()) changes.breaking("removed", nameOf(row));
  for (const row of come) changes.harmless("added", nameOf(row));
  for (const pair of kept) compareRows(pair.before, pair.after, changes);
  return changes.diff;
}

function compareRows(before: RouteRow, after: RouteRow, changes: ChangeList): void {
  const name = nameOf(after);
  const compare = (what: string, from: string, to: string, impact: "breaking" | "harmless"): void => {
    if (from !== to) changes[impact]("changed", `${name}: ${what} ${from || "none"} -> ${to || "none"}`);
  };
  compare("method", before.rpc, after.rpc, "breaking");
  compare("upstream", before.upstream, after.upstream, "harmless");
  compare("kind", before.kind, after.kind, "breaking");
  compare("body", before.body, after.body, "breaking");
  compare("response_body", before.responseBody, after.responseBody, "breaking");
  compare("template", before.template, after.template, "harmless");
}

function nameOf({ method, template }: RouteRow): string {
  return `${method} ${template}`;
}

/** The row's name with each variable replaced by what it matches. */
function shapeOf(row: RouteRow): string {
  return nameOf(row).replace(/\{[^{}=]*=?([^{}]*)\}/g, (_, pattern: string) => pattern || "*");
}
