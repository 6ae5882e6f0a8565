/**
 * Schemas and config while the gateway runs: what is served, what waits, and how to take up what is new.
 */
import type { Applied } from "../control/index.ts";
import { formatProblem } from "../status/index.ts";
import { type AdminPage, type AdminReply, type AdminRequest, jsonReply, textReply } from "./page.ts";
import type { AdminView } from "./view.ts";

/** `/schema`, `/schema/confirm` and `/reload`. */
export function reloadPages(view: AdminView): readonly AdminPage[] {
  return [
    {
      method: "GET",
      path: "/schema",
      title: "the schema of each upstream: where it comes from, what it last changed, what is held",
      answer: () => jsonReply({ upstreams: view.schemas() }),
    },
    {
      method: "POST",
      path: "/schema/confirm",
      title: "?upstream=NAME&digest=HEX serves a schema that is held for its breaking changes",
      answer: (request) => confirm(view, request),
    },
    {
      method: "POST",
      path: "/reload",
      title: "takes up the config and the schemas as they are now",
      answer: async () => appliedReply(await view.reload()),
    },
  ];
}

async function confirm(view: AdminView, { query }: AdminRequest): Promise<AdminReply> {
  const upstream = query.get("upstream");
  const digest = query.get("digest");
  if (upstream === null || digest === null) {
    return textReply(400, "name the schema: ?upstream=NAME&digest=HEX, as GET /schema has them under held");
  }
  const applied = await view.confirmSchema(upstream, digest);
  if (applied !== "unknown") return appliedReply(applied);
  return textReply(409, "no schema of that digest waits for that upstream; GET /schema says which do");
}

function appliedReply({ result, revision, changes, problems }: Applied): AdminReply {
  const body = { result, revision, changes, problems: problems.map(formatProblem) };
  return jsonReply(body, result === "refused" ? 422 : 200);
}
