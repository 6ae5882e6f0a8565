/**
 * The limits of a listener, and its address where that is a unix socket.
 *
 * What the engine on uWebSockets.js cannot hold is in `engine-needs.ts`.
 */
import type * as z from "zod";
import { duration, durationOrNone, integer, scalar, section, size } from "./fields.ts";
import { complain, show } from "./reading.ts";

/** What one listener takes from its clients, besides the length of a head. */
export interface ListenerLimits {
  /** Open connections; Infinity is no limit. */
  readonly connections: number;
  /** Fields of a request head. */
  readonly maxHeaders: number;
  /** Path and query, as sent. */
  readonly maxUrlBytes: number;
  /** How long the head of a request may take to arrive. */
  readonly headTimeoutMs: number;
  /** From the head to the end of a body that is needed whole; Infinity is no limit. */
  readonly bodyTimeoutMs: number;
  /** Requests after which a connection is closed; Infinity is no limit. */
  readonly requestsPerConnection: number;
}

/** The head timeout that every engine can hold. */
export const DEFAULT_HEAD_TIMEOUT_MS: number = 10_000;
/** As many fields as every engine can take. */
export const DEFAULT_MAX_HEADERS: number = 96;

/** The section `limits` of a listener. */
export function listenerLimitsSection(): z.ZodType<ListenerLimits> {
  return section("What the listener takes from its clients. Each limit answers with its own error.", {
    connections: countOrNone(
      "Open connections, WebSockets included; a further one is answered 503 and closed. 0 is no limit.",
    ).prefault(20_000),
    maxHeaders: integer(
      "Fields of a request head; more are answered 431. Engine `uws` takes no more than 96.",
      8,
      1000,
    ).prefault(DEFAULT_MAX_HEADERS),
    maxUrlBytes: size("Path and query as sent; longer ones are answered 414.", {
      min: "64",
      max: "1MiB",
    }).prefault("16KiB"),
    headTimeout: duration(
      "How long a request head may take to arrive, byte by byte or not at all. Engine `uws` has 10s, fixed, and closes without a reply; the others answer 408.",
      { min: "1s", max: "16m" },
    ).prefault("10s"),
    bodyTimeout: durationOrNone(
      "How long a body may take that is needed whole; one that takes longer is answered 408. Streams have the `idleTimeout` of their route instead. `0s` is no limit.",
      { min: "1s" },
    ).prefault("1m"),
    requestsPerConnection: countOrNone(
      "Requests after which a connection is closed, so that long-lived clients spread anew; 0 is no limit. Not with engine `uws`.",
    ).prefault(0),
  }).transform(({ headTimeout, bodyTimeout, ...rest }) => ({
    ...rest,
    headTimeoutMs: headTimeout,
    bodyTimeoutMs: bodyTimeout,
  }));
}

/** The key `socketMode`, for addresses that are unix sockets: the permissions of the file. */
export function socketModeField(): z.ZodType<number> {
  const hint = 'write three or four octal digits in quotes: "0660"';
  return scalar(
    "file mode",
    "Who may connect to the socket of a `unix:` address, as octal digits in quotes.",
    { type: "string", pattern: "^0?[0-7]{3}$|\\$\\{" },
    (value) => {
      if (typeof value === "string" && /^0?[0-7]{3}$/.test(value))
        return { value: Number.parseInt(value, 8) };
      return complain(`${show(value)} is not a file mode`, hint);
    },
  );
}

function countOrNone(description: string): z.ZodType<number> {
  return integer(description, 0, 10_000_000).transform((count) =>
    count === 0 ? Number.POSITIVE_INFINITY : count,
  );
}
