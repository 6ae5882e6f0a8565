/**
 * The admin listener: what probes, scrapers and people ask of a running gateway, and the little that they can change. Bound
 * to loopback by default; whoever reaches it may do all of it.
 */
import type { ExchangeHandler, HttpExchange, ListenAddress } from "../http/index.ts";
import type { Logger } from "../telemetry/index.ts";
import { isForeignOrigin, isRebound } from "./foreign-origin.ts";
import { type AdminPage, type AdminReply, textReply } from "./page.ts";

/** Handles the exchanges of the admin listener at `address`. */
export function adminHandler(
  pages: readonly AdminPage[],
  log: Logger,
  address: ListenAddress,
): ExchangeHandler {
  const byPath = new Map<string, AdminPage[]>();
  for (const page of pages) byPath.set(page.path, [...(byPath.get(page.path) ?? []), page]);
  const list = pages.map(({ method, path, title }) => `${method.padEnd(4)} ${path}  ${title}`).join("\n");
  return (exchange) => {
    if (isRebound(exchange.headers, address)) {
      send(exchange, textReply(421, "this listener answers to `localhost` and to addresses, not to names"));
      return;
    }
    answer(exchange, byPath, list)
      .catch((error: unknown) => {
        log.error({ err: error, path: exchange.path }, "an admin request failed");
        return textReply(500, "internal error");
      })
      .then((reply) => send(exchange, reply))
      .catch((error: unknown) => log.error({ err: error, path: exchange.path }, "an admin reply failed"));
  };
}

async function answer(
  exchange: HttpExchange,
  byPath: ReadonlyMap<string, readonly AdminPage[]>,
  list: string,
): Promise<AdminReply> {
  const { path, method, headers } = exchange;
  const pages = byPath.get(path);
  if (pages === undefined) return textReply(404, `not found; there is\n${list}`);
  const page = pages.find((candidate) => candidate.method === (method === "HEAD" ? "GET" : method));
  if (page === undefined) {
    const allowed = pages.flatMap((each) => (each.method === "GET" ? ["GET", "HEAD"] : [each.method]));
    const reply = textReply(405, `${method} is not served here; only ${allowed.join(", ")}`);
    return { ...reply, headers: ["allow", allowed.join(", ")] };
  }
  if (page.method === "POST" && isForeignOrigin(headers)) {
    return textReply(403, "refused: this comes from a page of another origin");
  }
  return await page.answer({ query: new URLSearchParams(exchange.query), headers });
}

function send(exchange: HttpExchange, { status, contentType, body, headers = [] }: AdminReply): void {
  const fields = ["content-type", contentType, ...headers];
  if (!headers.includes("cache-control")) fields.push("cache-control", "no-store");
  exchange.respond(status, fields, body);
}
