/** The schema of a listener's WebSockets. */
import type * as z from "zod";
import { choice, durationOrNone, flag, list, section, size, text } from "./fields.ts";
import { parseOrigin } from "./header-options.ts";

/** WebSockets of one listener. */
export interface WebSocketConfig {
  readonly enabled: boolean;
  /** As those of CORS; besides the gateway's own host and the exact origins of CORS. */
  readonly origins: readonly string[];
  readonly credentials: "subprotocol" | "frame";
  /** Infinity is never. */
  readonly pingIntervalMs: number;
  readonly maxMessageBytes: number;
  readonly maxHeldBytes: number;
}

/** The section `webSocket` of a listener. */
export function webSocketSection(): z.ZodType<WebSocketConfig> {
  return section("WebSockets, for every method with a binding.", {
    enabled: flag("Whether handshakes are accepted; they are plain requests otherwise.").prefault(true),
    origins: list(
      "Origins of pages that may open one, besides those of the gateway's own host and those named under `cors`: `https://app.example.com`, `https://*.example.com` (subdomains), or `*`.",
      text("origin", "One origin.", parseOrigin),
    ).prefault([]),
    credentials: choice(
      "Where a browser puts credentials, since it cannot set headers: in the subprotocol `sluice.bearer.<base64url>`, or also in a first frame `@headers {…}`, which every client then has to send.",
      ["subprotocol", "frame"],
    ).prefault("subprotocol"),
    pingInterval: durationOrNone(
      "How often a client is asked for a sign of life; one that has given none since the last time is gone. `0s` asks never.",
      { min: "100ms" },
    ).prefault("30s"),
    maxMessageBytes: size(
      "Longest message from a client; a route's `maxRequestBodyBytes` may allow less. A longer one closes the connection with 1009.",
      { min: "1KiB", max: "512MiB" },
    ).prefault("4MiB"),
    maxHeldBytes: size(
      "What may wait for a slow upstream on one connection, with engine `uws`, which cannot stop reading; beyond it the connection is closed with 1013. Engine `node` stops the client instead.",
      { min: "1MiB", max: "1GiB" },
    ).prefault("16MiB"),
  }).transform(({ pingInterval, ...rest }) => ({ ...rest, pingIntervalMs: pingInterval }));
}
