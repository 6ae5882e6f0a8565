/** How an upstream is connected to: its addresses, how calls spread over them, connections and their limits. */
import type * as z from "zod";
import { parseUpstreamAddress } from "./addresses.ts";
import { choice, duration, durationOrNone, integer, list, section, shorthand, size, text } from "./fields.ts";

/** One address of an upstream. */
export interface UpstreamAddressConfig {
  /** `host:port`, `dns:///host:port` or `unix:/path`. */
  readonly address: string;
  /** Its part of the calls under `loadBalancing: weighted`; 1 unless given. */
  readonly weight: number;
}

/** Which endpoint a call goes to. */
export type LoadBalancing = "least_request" | "round_robin" | "pick_first" | "weighted";

/** Connections to an upstream. */
export interface ConnectionsConfig {
  /** Most connections to one endpoint. */
  readonly perEndpoint: number;
  readonly connectTimeoutMs: number;
  /** Infinity is never. */
  readonly maxAgeMs: number;
  /** Infinity is never. */
  readonly keepaliveMs: number;
  readonly keepaliveTimeoutMs: number;
  /** Infinity is only after a loss. */
  readonly resolveIntervalMs: number;
  /** How long a new route table waits for a first connection; 0 leaves connecting to the first call. */
  readonly warmUpMs: number;
}

/** Limits beyond which calls are refused at once. */
export interface LimitsConfig {
  /** Infinity is no limit. */
  readonly maxInFlight: number;
  readonly maxPending: number;
  readonly maxPendingBytes: number;
}

/** The key `address`: one or a list. */
export function addressList(): z.ZodType<readonly UpstreamAddressConfig[]> {
  const item = section("One address.", {
    address: text(
      "address",
      "`host:port`, `dns:///host:port` or `unix:/path`. Every IP address of a name is an endpoint.",
      parseUpstreamAddress,
    ),
    weight: integer(
      "Its part of the calls, in relation to the other weights; what a name stands for shares it. For `loadBalancing: weighted`.",
      1,
      1000,
    ).prefault(1),
  });
  return list("`host:port` or `unix:/path`, one or a list.", shorthand("address", item), {
    single: "allowed",
    least: "give host:port, a list of them, or unix:/path",
  });
}

/** The key `loadBalancing`. */
export function loadBalancingChoice(): z.ZodType<LoadBalancing> {
  return choice(
    "Which endpoint a call goes to: the less loaded of two by chance, each in turn, the first that can be connected, or by weight. `client: grpc-js` takes turns.",
    ["least_request", "round_robin", "pick_first", "weighted"],
  ).prefault("least_request");
}

/** The key `connections`. */
export function connectionsSection(): z.ZodType<ConnectionsConfig> {
  const keepalive = section(
    "Finds connections that are dead though nothing says so. With `client: http2`, a call that runs into its deadline on a silent connection asks at once.",
    {
      time: durationOrNone(
        "After so much silence while calls are open, a PING is sent; `0s` is never on its own. Servers close connections that ping more often than they allow, many once in five minutes.",
        { min: "1s" },
      ).prefault("5m"),
      timeout: duration("How long its answer may take.", { min: "10ms" }).prefault("20s"),
    },
  );
  return section("Connections to the upstream.", {
    perEndpoint: integer(
      "Most connections to one endpoint; a further one is opened when calls find no room on those there are.",
      1,
      1000,
    ).prefault(8),
    connectTimeout: duration("How long connecting may take, TLS and HTTP/2 greeting included.", {
      min: "10ms",
      max: "10m",
    }).prefault("20s"),
    maxAge: durationOrNone(
      "A connection is replaced at this age, or up to a tenth earlier, so that calls find new endpoints; its calls finish. `0s` is never.",
      { min: "1s" },
    ).prefault("0s"),
    keepalive: keepalive.prefault({}),
    resolveInterval: durationOrNone(
      "How often names are looked up again; `0s` is only after a connection was lost.",
      { min: "1s" },
    ).prefault("30s"),
    warmUp: duration(
      "How long a new route table waits for a first connection; `0s` leaves connecting to the first call.",
      { max: "1m" },
    ).prefault("1s"),
  }).transform(({ perEndpoint, connectTimeout, maxAge, keepalive: { time, timeout }, ...rest }) => ({
    perEndpoint,
    connectTimeoutMs: connectTimeout,
    maxAgeMs: maxAge,
    keepaliveMs: time,
    keepaliveTimeoutMs: timeout,
    resolveIntervalMs: rest.resolveInterval,
    warmUpMs: rest.warmUp,
  }));
}

/** The key `limits`. */
export function limitsSection(): z.ZodType<LimitsConfig> {
  return section("What the upstream is given at most. A call beyond it is answered 429 at once.", {
    maxInFlight: integer("Calls that have not ended, streams included; 0 is no limit.", 0, 10_000_000)
      .transform((calls) => (calls === 0 ? Number.POSITIVE_INFINITY : calls))
      .prefault(20_000),
    maxPending: integer("Calls that wait for a connection with room.", 0, 10_000_000).prefault(10_000),
    maxPendingBytes: size("Bytes of messages that these may hold.").prefault("64MiB"),
  });
}
