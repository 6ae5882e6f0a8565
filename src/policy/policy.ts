/**
 * The port of a policy: what is decided about a request before its protocol sees it.
 */
import { findHeader, type HttpExchange } from "../http/index.ts";
import type { Status } from "../status/index.ts";

/** One policy of a listener or route, compiled. Stateless between requests, or the owner of its own state. */
export interface Policy {
  readonly name: string;
  /**
   * Looks at a request. It may add fields to the reply, whatever that will be (`replyHeaders`, a flat list), and
   * refuses the request by returning a status.
   */
  admit(exchange: HttpExchange, replyHeaders: string[]): Status | undefined;
}

/** The answer to a CORS preflight: header fields for a 204, or the status that refuses it. */
export type PreflightAnswer = { readonly headers: readonly string[] } | { readonly refusal: Status };

/** A policy that answers preflights, too: these come before there is a request to admit. */
export interface PreflightPolicy extends Policy {
  /** Answers a preflight for a path that has `methods`. */
  preflight(exchange: HttpExchange, methods: readonly string[]): PreflightAnswer;
  /**
   * Whether pages of `origin` are let in by name, rather than as any page. Such may open WebSockets: "any page" of CORS
   * never has a person's cookies, which a handshake always carries.
   */
  names(origin: string): boolean;
}

/** Whether `exchange` is a preflight rather than a plain OPTIONS request. Source: Fetch, "CORS-preflight request". */
export function isPreflight(exchange: HttpExchange): boolean {
  return (
    exchange.method === "OPTIONS" &&
    findHeader(exchange.headers, "origin") !== undefined &&
    findHeader(exchange.headers, "access-control-request-method") !== undefined
  );
}
