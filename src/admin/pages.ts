/**
 * The pages of the admin listener, in the order in which it lists them.
 */
import { formatRouteTable } from "../control/index.ts";
import { findHeader } from "../http/index.ts";
import { LOG_LEVELS } from "../telemetry/index.ts";
import { overviewPage } from "./overview.ts";
import { type AdminPage, type AdminReply, type AdminRequest, jsonReply, textReply } from "./page.ts";
import { reloadPages } from "./reload-pages.ts";
import type { AdminView, Readiness } from "./view.ts";

/** All of them. */
export function adminPages(view: AdminView): readonly AdminPage[] {
  return [
    overviewPage(),
    {
      method: "GET",
      path: "/healthz",
      title: "200 while the process is alive",
      answer: () => textReply(200, "ok"),
    },
    {
      method: "GET",
      path: "/readyz",
      title: "200 while it is ready for requests, otherwise 503; ?verbose tells what that depends on",
      answer: async ({ query }) => readinessReply(await view.readiness(), query.has("verbose")),
    },
    {
      method: "GET",
      path: "/metrics",
      title: "metrics as Prometheus scrapes them",
      answer: async () => ({ status: 200, ...(await view.metrics()) }),
    },
    {
      method: "GET",
      path: "/routes",
      title: "the route table, as JSON or, for Accept: text/plain, as text",
      answer: (request) => routesReply(view, request),
    },
    ...reloadPages(view),
    {
      method: "GET",
      path: "/upstreams",
      title: "upstreams, their endpoints, health and connections",
      answer: async () => jsonReply({ upstreams: await view.upstreams() }),
    },
    {
      method: "GET",
      path: "/config",
      title: "the config in force, without its secrets",
      answer: () => jsonReply(view.config()),
    },
    {
      method: "GET",
      path: "/log",
      title: "the level of the log",
      answer: () => jsonReply({ level: view.logLevel() }),
    },
    {
      method: "POST",
      path: "/log",
      title: "?level=debug changes the level of the log until the process ends or its config is loaded again",
      answer: ({ query }) => changeLogLevel(view, query.get("level") ?? ""),
    },
  ];
}

function readinessReply({ ready, detail, checks }: Readiness, isVerbose: boolean): AdminReply {
  const lines = [detail];
  // As Kubernetes' own components write it.
  if (isVerbose)
    lines.push(...checks.map(({ name, ok, detail }) => `[${ok ? "+" : "-"}] ${name}: ${detail}`));
  return textReply(ready ? 200 : 503, lines.join("\n"));
}

function routesReply(view: AdminView, { headers }: AdminRequest): AdminReply {
  const rows = view.routes();
  const wantsText = findHeader(headers, "accept")?.includes("text/plain") === true;
  return wantsText ? textReply(200, formatRouteTable(rows)) : jsonReply({ routes: rows });
}

function changeLogLevel(view: AdminView, asked: string): AdminReply {
  const level = LOG_LEVELS.find((known) => known === asked);
  if (level === undefined) {
    return textReply(400, `level ${JSON.stringify(asked)} is none of ${LOG_LEVELS.join(", ")}`);
  }
  view.setLogLevel(level);
  return jsonReply({ level });
}
