/**
 * The admin listener: what probes, scrapers and people ask of a running gateway, and the little that they may tell it.
 * Bound to loopback by default.
 */
import { type Applied, formatRouteTable, type RouteRow, type SchemaStatus } from "../control/index.ts";
import { type ExchangeHandler, findHeader, type HttpExchange } from "../http/index.ts";
import { formatProblem } from "../status/index.ts";
import type { Logger } from "../telemetry/index.ts";

/** How ready the gateway is, and what it waits for. */
export interface Readiness {
  readonly ready: boolean;
  /** One line for people: `waiting for the schema of: library`. */
  readonly detail: string;
}

/** What the admin listener shows. */
export interface AdminView {
  readiness(): Readiness | Promise<Readiness>;
  routes(): readonly RouteRow[];
  metrics(): Promise<{ readonly contentType: string; readonly body: string }>;
  schemas(): readonly SchemaStatus[];
  /** Takes up the config and the schemas as they are now. */
  reload(): Promise<Applied>;
  /** Lets a schema be served that waits for it; `unknown` where another one waits, or none. */
  confirmSchema(upstream: string, digest: string): Promise<Applied | "unknown">;
}

const TEXT = "text/plain; charset=utf-8";
const JSON_TYPE = "application/json";
/** What changes something. */
const ACTIONS: ReadonlySet<string> = new Set(["/reload", "/schema/confirm"]);
const PATHS = "/healthz /readyz /metrics /routes /schema; POST /reload /schema/confirm";

/** Handles the exchanges of the admin listener. */
export function adminHandler(view: AdminView, log: Logger): ExchangeHandler {
  return (exchange) => {
    answer(exchange, view).catch((error: unknown) => {
      log.error({ err: error, path: exchange.path }, "an admin request failed");
      send(exchange, 500, TEXT, "internal error\n");
    });
  };
}

async function answer(exchange: HttpExchange, view: AdminView): Promise<void> {
  const isAction = ACTIONS.has(exchange.path);
  if (isAction ? exchange.method !== "POST" : exchange.method !== "GET" && exchange.method !== "HEAD") {
    const allow = isAction ? "POST" : "GET, HEAD";
    exchange.respond(405, ["allow", allow, "content-type", TEXT], `only ${allow.replace(", ", " and ")}\n`);
    return;
  }
  // A page of another origin can have a browser send a POST, without being allowed to read the answer.
  if (isAction && isCrossSite(exchange)) {
    send(exchange, 403, TEXT, "not for pages of other origins\n");
    return;
  }
  switch (exchange.path) {
    case "/healthz":
      send(exchange, 200, TEXT, "ok\n");
      return;
    case "/readyz": {
      const { ready, detail } = await view.readiness();
      send(exchange, ready ? 200 : 503, TEXT, `${detail}\n`);
      return;
    }
    case "/metrics": {
      const { contentType, body } = await view.metrics();
      send(exchange, 200, contentType, body);
      return;
    }
    case "/routes":
      sendRoutes(exchange, view.routes());
      return;
    case "/schema":
      sendJson(exchange, 200, { upstreams: view.schemas() });
      return;
    case "/reload":
      sendApplied(exchange, await view.reload());
      return;
    case "/schema/confirm":
      await confirm(exchange, view);
      return;
    default:
      send(exchange, 404, TEXT, `not found; there is ${PATHS}\n`);
  }
}

/** JSON, or the table for whoever asks for plain text. */
function sendRoutes(exchange: HttpExchange, rows: readonly RouteRow[]): void {
  if (findHeader(exchange.headers, "accept")?.includes("text/plain") === true) {
    send(exchange, 200, TEXT, `${formatRouteTable(rows)}\n`);
    return;
  }
  send(exchange, 200, JSON_TYPE, JSON.stringify({ routes: rows }, undefined, 2));
}

async function confirm(exchange: HttpExchange, view: AdminView): Promise<void> {
  const query = new URLSearchParams(exchange.query);
  const upstream = query.get("upstream");
  const digest = query.get("digest");
  if (upstream === null || digest === null) {
    send(
      exchange,
      400,
      TEXT,
      "name the schema: ?upstream=NAME&digest=HEX, as GET /schema has them under held\n",
    );
    return;
  }
  const applied = await view.confirmSchema(upstream, digest);
  if (applied !== "unknown") sendApplied(exchange, applied);
  else
    send(
      exchange,
      409,
      TEXT,
      "no schema of that digest waits for that upstream; GET /schema says which do\n",
    );
}

function sendApplied(exchange: HttpExchange, { result, revision, changes, problems }: Applied): void {
  const body = { result, revision, changes, problems: problems.map(formatProblem) };
  sendJson(exchange, result === "refused" ? 422 : 200, body);
}

function isCrossSite({ headers }: HttpExchange): boolean {
  const origin = findHeader(headers, "origin");
  return origin !== undefined && origin !== `http://${findHeader(headers, "host")}`;
}

function sendJson(exchange: HttpExchange, status: number, body: unknown): void {
  send(exchange, status, JSON_TYPE, `${JSON.stringify(body, undefined, 2)}\n`);
}

function send(exchange: HttpExchange, status: number, contentType: string, body: string): void {
  exchange.respond(status, ["content-type", contentType, "cache-control", "no-store"], body);
}
