/**
 * What becomes of the config in a process that leads and in one that follows.
 */
import type { Config, UpstreamConfig } from "../../config/index.ts";
import { unitDigest } from "../../control/index.ts";
import type { ListenAddress } from "../../http/index.ts";

/** Workers end their requests by themselves when the drain timeout passes; the primary cuts in this much later. */
const DRAIN_GRACE_MS = 2000;

/** For the primary, which calls upstreams for nothing but their schemas. */
export function leadingConfig(config: Config): Config {
  const { shutdown } = config;
  return {
    ...config,
    upstreams: config.upstreams.map(leadingUpstream),
    shutdown: { ...shutdown, drainTimeoutMs: shutdown.drainTimeoutMs + DRAIN_GRACE_MS },
  };
}

function leadingUpstream(upstream: UpstreamConfig): UpstreamConfig {
  return {
    ...upstream,
    connections: { ...upstream.connections, warmUpMs: 0 },
    health: { ...upstream.health, check: undefined },
  };
}

/** The names that the primary has for the forms of upstreams under `config`, by upstream. */
export function formsOf(config: Config): ReadonlyMap<string, string> {
  return new Map(config.upstreams.map((upstream) => [upstream.name, unitDigest(leadingUpstream(upstream))]));
}

/** For a worker that listens on `addresses`: what the primary has done, or does, is left out. */
export function followingConfig(config: Config, addresses: readonly ListenAddress[]): Config {
  return {
    ...config,
    listeners: config.listeners.map((listener, i) => ({
      ...listener,
      address: addresses[i] ?? listener.address,
    })),
    admin: { ...config.admin, enabled: false },
    upstreams: config.upstreams.map(followingUpstream),
    strict: false,
    watch: false,
    schemaCache: undefined,
    shutdown: { ...config.shutdown, readinessDelayMs: 0 },
  };
}

function followingUpstream(upstream: UpstreamConfig): UpstreamConfig {
  const { schema } = upstream;
  const { reflection } = schema;
  return {
    ...upstream,
    schema: {
      ...schema,
      // The primary asks, and tells.
      reflection:
        reflection === undefined ? undefined : { ...reflection, intervalMs: Number.POSITIVE_INFINITY },
      onBreakingChange: "apply",
    },
  };
}
