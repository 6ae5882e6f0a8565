/** Options of a channel as config's defaults give them, for tests and benchmarks that open one themselves. */
import type { ChannelOptions } from "../../src/upstream/index.ts";

/** Options for these addresses, each of weight 1; `more` replaces single ones. */
export function channelOptions(
  addresses: readonly string[],
  more: Partial<ChannelOptions> = {},
): ChannelOptions {
  return {
    addresses: addresses.map((address) => ({ address, weight: 1 })),
    balancing: "least_request",
    connections: CONNECTIONS,
    limits: { maxInFlight: 100_000, maxPending: 10_000, maxPendingBytes: 64 * 1024 * 1024 },
    health: { check: undefined, ejection: EJECTION, panicThresholdPercent: 50 },
    healthObserver: DEAF,
    tls: undefined,
    maxReceiveMessageBytes: 4 * 1024 * 1024,
    maxSendMessageBytes: 4 * 1024 * 1024,
    ...more,
  };
}

export const EJECTION: NonNullable<ChannelOptions["health"]["ejection"]> = {
  consecutiveFailures: 5,
  latencyFactor: 5,
  baseEjectionMs: 5000,
  maxEjectionMs: 300_000,
  maxEjectedPercent: 50,
};

const DEAF: ChannelOptions["healthObserver"] = {
  onEjected: () => undefined,
  onReturned: () => undefined,
  onHealth: () => undefined,
  onUnsupported: () => undefined,
  onPanic: () => undefined,
};

export const CONNECTIONS: ChannelOptions["connections"] = {
  perEndpoint: 8,
  connectTimeoutMs: 20_000,
  maxAgeMs: Number.POSITIVE_INFINITY,
  keepaliveMs: 5 * 60 * 1000,
  keepaliveTimeoutMs: 20_000,
  resolveIntervalMs: 30_000,
};
