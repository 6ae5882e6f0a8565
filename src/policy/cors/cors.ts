/**
 * Cross-origin resource sharing, derived from the route table: a preflight is told the exact methods of the path.
 * Source: https://fetch.spec.whatwg.org/#http-cors-protocol
 */
import { compileOrigins, findHeader, type HttpExchange } from "../../http/index.ts";
import { gatewayStatus } from "../../status/index.ts";
import type { PreflightAnswer, PreflightPolicy } from "../policy.ts";

/** Options of one listener, with what some of its routes change. */
export interface CorsOptions {
  /** Exact origins (`https://app.example.com`), `https://*.example.com` for every subdomain, or `*`. */
  readonly origins: readonly string[];
  /** Whether cookies and `Authorization` may be sent; never together with the origin `*`. */
  readonly credentials: boolean;
  /** Response headers that scripts may read, beyond the safelisted ones. */
  readonly exposeHeaders: readonly string[];
  /** Request headers that scripts may send; `*` allows whatever a preflight asks for. */
  readonly allowHeaders: readonly string[];
  readonly maxAgeMs: number;
}

/** CORS of one listener, or of some of its routes. */
export class CorsPolicy implements PreflightPolicy {
  readonly name = "cors";
  readonly #allows: (origin: string) => boolean;
  readonly #names: (origin: string) => boolean;
  readonly #anyOrigin: boolean;
  readonly #credentials: boolean;
  readonly #exposeHeaders: string;
  readonly #allowHeaders: ReadonlySet<string>;
  readonly #anyHeader: boolean;
  readonly #maxAgeSeconds: string;

  constructor(options: CorsOptions) {
    this.#anyOrigin = options.origins.includes("*");
    this.#allows = compileOrigins(options.origins);
    this.#names = compileOrigins(options.origins.filter((origin) => origin !== "*"));
    this.#credentials = options.credentials;
    this.#exposeHeaders = options.exposeHeaders.join(", ");
    this.#allowHeaders = new Set(options.allowHeaders.map((name) => name.toLowerCase()));
    this.#anyHeader = this.#allowHeaders.has("*");
    this.#maxAgeSeconds = String(Math.floor(options.maxAgeMs / 1000));
  }

  /** Never refuses: a browser enforces what the reply headers say, and other clients need no permission. */
  admit(exchange: HttpExchange, replyHeaders: string[]): undefined {
    if (!this.#anyOrigin || this.#credentials) replyHeaders.push("vary", "Origin");
    const origin = findHeader(exchange.headers, "origin");
    if (origin === undefined || !this.#allows(origin)) return;
    this.#pushOrigin(replyHeaders, origin);
    if (this.#exposeHeaders !== "") replyHeaders.push("access-control-expose-headers", this.#exposeHeaders);
  }

  /** Answers a preflight for a path that has `methods`; the fields that `admit` adds to every reply are included. */
  preflight(exchange: HttpExchange, methods: readonly string[]): PreflightAnswer {
    const origin = findHeader(exchange.headers, "origin") ?? "";
    if (!this.#allows(origin)) return refusal(`origin ${quote(origin)} is not allowed`);
    const method = findHeader(exchange.headers, "access-control-request-method") ?? "";
    if (!methods.includes(method)) {
      return refusal(`method ${quote(method)} is not allowed; this path has ${methods.join(", ")}`);
    }
    const asked = splitList(findHeader(exchange.headers, "access-control-request-headers") ?? "");
    const stranger = this.#anyHeader ? undefined : asked.find((name) => !this.#allowHeaders.has(name));
    if (stranger !== undefined) return refusal(`header ${quote(stranger)} is not allowed`);
    const headers: string[] = [];
    this.#pushOrigin(headers, origin);
    headers.push("access-control-allow-methods", methods.join(", "));
    if (asked.length > 0) headers.push("access-control-allow-headers", asked.join(", "));
    headers.push("access-control-max-age", this.#maxAgeSeconds);
    headers.push("vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
    return { headers };
  }

  names(origin: string): boolean {
    return this.#names(origin);
  }

  #pushOrigin(headers: string[], origin: string): void {
    headers.push("access-control-allow-origin", this.#anyOrigin && !this.#credentials ? "*" : origin);
    if (this.#credentials) headers.push("access-control-allow-credentials", "true");
  }
}

function splitList(value: string): readonly string[] {
  return value
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== "");
}

function refusal(message: string): PreflightAnswer {
  return { refusal: gatewayStatus("CORS_REFUSED", message) };
}

function quote(value: string): string {
  return JSON.stringify(value.slice(0, 128));
}
