/** Upstreams as the admin listener shows them, from what their channels tell. */
import type { UpstreamRow } from "../admin/index.ts";
import type { Channel } from "../upstream/index.ts";

/** One row an upstream, in the order in which they come. */
export function upstreamRows(
  channels: Iterable<readonly [upstream: string, channel: Channel]>,
): readonly UpstreamRow[] {
  return [...channels].map(([name, channel]) => {
    const { state, openCalls, pendingCalls, endpoints } = channel.stats();
    return {
      name,
      state,
      openCalls,
      pendingCalls,
      endpoints: endpoints.map((endpoint) => ({
        name: endpoint.name,
        state: endpoint.state,
        healthy: endpoint.isHealthy,
        connections: endpoint.connections,
        openStreams: endpoint.openStreams,
        picks: endpoint.picks,
        connectFailures: endpoint.connectFailures,
        ejections: endpoint.ejections,
      })),
    };
  });
}
