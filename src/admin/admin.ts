/**
 * The admin listener: what probes, scrapers and people ask of a running gateway. Read-only; bound to loopback by default.
 */
import { formatRouteTable, type RouteRow } from "../control/index.ts";
import { type ExchangeHandler, findHeader, type HttpExchange } from "../http/index.ts";
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
}

const TEXT = "text/plain; charset=utf-8";
const JSON_TYPE = "application/json";
const PATHS = "/healthz /readyz /metrics /routes";

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
  if (exchange.method !== "GET" && exchange.method !== "HEAD") {
    exchange.respond(405, ["allow", "GET, HEAD", "content-type", TEXT], "only GET and HEAD\n");
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

function send(exchange: HttpExchange, status: number, contentType: string, body: string): void {
  exchange.respond(status, ["content-type", contentType, "cache-control", "no-store"], body);
}
