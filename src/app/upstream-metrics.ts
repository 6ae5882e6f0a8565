/**
 * The metrics of upstreams, from what their channels tell when they are scraped. Labels hold the names of upstreams and
 * the addresses of their endpoints; an endpoint that is gone takes its samples with it. docs/upstreams.md lists them.
 */
import type { Reading, Sample } from "../telemetry/index.ts";
import type { Channel, ChannelStats, EndpointStats } from "../upstream/index.ts";

/** The channels of upstreams by name, read at each scrape: they come and go. */
type Channels = Iterable<readonly [upstream: string, channel: Channel]>;

/** One metric, without the labels that all of its kind have. */
interface Metric<S> {
  readonly name: string;
  readonly help: string;
  readonly kind: Reading["kind"];
  readonly read: (stats: S) => number | undefined;
}

/** One metric with a label of its own. */
interface LabelledMetric {
  readonly name: string;
  readonly help: string;
  readonly kind: Reading["kind"];
  readonly label: string;
  readonly read: (stats: ChannelStats) => Readonly<Record<string, number>>;
}

/** Labels: upstream, endpoint. */
const OF_ENDPOINTS: readonly Metric<EndpointStats>[] = [
  {
    name: "sluice_upstream_connections",
    help: "Connections that take calls.",
    kind: "gauge",
    read: ({ connections }) => connections,
  },
  {
    name: "sluice_upstream_streams",
    help: "Calls under way on the endpoint.",
    kind: "gauge",
    read: ({ openStreams }) => openStreams,
  },
  {
    name: "sluice_upstream_picks_total",
    help: "Calls that went to the endpoint, those included that went again.",
    kind: "counter",
    read: ({ picks }) => picks,
  },
  {
    name: "sluice_upstream_sent_bytes_total",
    help: "Bytes sent on the endpoint's connections.",
    kind: "counter",
    read: ({ sentBytes }) => sentBytes,
  },
  {
    name: "sluice_upstream_received_bytes_total",
    help: "Bytes received on the endpoint's connections.",
    kind: "counter",
    read: ({ receivedBytes }) => receivedBytes,
  },
  {
    name: "sluice_upstream_connects_total",
    help: "Connections to the endpoint that came to take calls.",
    kind: "counter",
    read: ({ connects }) => connects,
  },
  {
    name: "sluice_upstream_connect_failures_total",
    help: "Attempts to connect to the endpoint that failed.",
    kind: "counter",
    read: ({ connectFailures }) => connectFailures,
  },
  {
    name: "sluice_upstream_endpoint_healthy",
    help: "0 while the endpoint is ejected or says that it does not serve, otherwise 1.",
    kind: "gauge",
    read: ({ isHealthy }) => (isHealthy === undefined ? undefined : Number(isHealthy)),
  },
];

/** Label: upstream. */
const OF_CHANNELS: readonly Metric<ChannelStats>[] = [
  {
    name: "sluice_upstream_calls_in_flight",
    help: "Calls that have not ended, those included that wait.",
    kind: "gauge",
    read: ({ openCalls }) => openCalls,
  },
  {
    name: "sluice_upstream_pending_calls",
    help: "Calls that wait for a connection with room.",
    kind: "gauge",
    read: ({ pendingCalls }) => pendingCalls,
  },
  {
    name: "sluice_upstream_pending_bytes",
    help: "Bytes of messages that pending calls hold.",
    kind: "gauge",
    read: ({ pendingBytes }) => pendingBytes,
  },
];

/** Labels: upstream and one more. */
const LABELLED: readonly LabelledMetric[] = [
  {
    name: "sluice_upstream_endpoints",
    help: "Endpoints by the state of their connections.",
    kind: "gauge",
    label: "state",
    read: endpointsByState,
  },
  {
    name: "sluice_upstream_refused_calls_total",
    help: "Calls refused at once, by the limit that they ran into.",
    kind: "counter",
    label: "limit",
    read: ({ refusedCalls }) => refusedCalls,
  },
  {
    name: "sluice_upstream_resent_calls_total",
    help: "Calls that the upstream never processed and that were sent again, by the reason.",
    kind: "counter",
    label: "reason",
    read: ({ resentCalls }) => resentCalls,
  },
];

/** All metrics of these upstreams, by name. */
export function upstreamReadings(channels: Channels): readonly Reading[] {
  return [
    {
      name: "sluice_upstream_endpoint_ejections_total",
      help: "How often the endpoint was ejected, by the reason: failures or latency.",
      kind: "counter",
      labels: ["upstream", "endpoint", "reason"],
      read: () => ejectionSamples(channels),
    },
    ...OF_ENDPOINTS.map(({ read, ...metric }) => ({
      ...metric,
      labels: ["upstream", "endpoint"],
      read: () => samplesOfEndpoints(channels, read),
    })),
    ...OF_CHANNELS.map(({ read, ...metric }) => ({
      ...metric,
      labels: ["upstream"],
      read: () => samplesOfChannels(channels, read),
    })),
    ...LABELLED.map(({ read, label, ...metric }) => ({
      ...metric,
      labels: ["upstream", label],
      read: () => labelledSamples(channels, read),
    })),
  ];
}

function* samplesOfEndpoints(
  channels: Channels,
  read: (stats: EndpointStats) => number | undefined,
): Generator<Sample> {
  for (const [upstream, channel] of channels) {
    for (const endpoint of placesOf(channel)) {
      const value = read(endpoint);
      if (value !== undefined) yield [[upstream, endpoint.name], value];
    }
  }
}

/** The endpoints by name: two names that lead to one address are two endpoints, but one place to an operator. */
function placesOf(channel: Channel): Iterable<EndpointStats> {
  const places = new Map<string, EndpointStats>();
  for (const endpoint of channel.stats().endpoints) {
    const same = places.get(endpoint.name);
    places.set(endpoint.name, same === undefined ? endpoint : joined(same, endpoint));
  }
  return places.values();
}

function joined(one: EndpointStats, other: EndpointStats): EndpointStats {
  const ejections: Record<string, number> = { ...one.ejections };
  for (const [reason, count] of Object.entries(other.ejections)) {
    ejections[reason] = (ejections[reason] ?? 0) + count;
  }
  return {
    name: one.name,
    state: one.state,
    connections: one.connections + other.connections,
    openStreams: one.openStreams + other.openStreams,
    picks: one.picks + other.picks,
    sentBytes: sum(one.sentBytes, other.sentBytes),
    receivedBytes: sum(one.receivedBytes, other.receivedBytes),
    connects: sum(one.connects, other.connects),
    connectFailures: sum(one.connectFailures, other.connectFailures),
    isHealthy: one.isHealthy === false ? false : other.isHealthy,
    ejections,
  };
}

function sum(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined ? other : one + (other ?? 0);
}

function* ejectionSamples(channels: Channels): Generator<Sample> {
  for (const [upstream, channel] of channels) {
    for (const { name, ejections } of placesOf(channel)) {
      for (const [reason, count] of Object.entries(ejections)) yield [[upstream, name, reason], count];
    }
  }
}

function* samplesOfChannels(
  channels: Channels,
  read: (stats: ChannelStats) => number | undefined,
): Generator<Sample> {
  for (const [upstream, channel] of channels) {
    const value = read(channel.stats());
    if (value !== undefined) yield [[upstream], value];
  }
}

function* labelledSamples(channels: Channels, read: LabelledMetric["read"]): Generator<Sample> {
  for (const [upstream, channel] of channels) {
    for (const [label, value] of Object.entries(read(channel.stats()))) yield [[upstream, label], value];
  }
}

function endpointsByState({ endpoints }: ChannelStats): Readonly<Record<string, number>> {
  const counts = { idle: 0, connecting: 0, ready: 0, failing: 0, closed: 0 };
  for (const { state } of endpoints) counts[state]++;
  return counts;
}
