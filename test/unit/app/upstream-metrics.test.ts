/** What channels tell as metrics, and docs/upstreams.md, which lists them. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { retryReadings } from "../../../src/app/retry-metrics.ts";
import { upstreamTlsMetrics } from "../../../src/app/tls-metrics.ts";
import { upstreamReadings } from "../../../src/app/upstream-metrics.ts";
import type { Channel, ChannelStats } from "../../../src/upstream/index.ts";
import { FakeChannel } from "../../support/fake-channel.ts";

class ToldChannel extends FakeChannel {
  readonly #stats: ChannelStats;

  constructor(stats: ChannelStats) {
    super();
    this.#stats = stats;
  }

  override stats(): ChannelStats {
    return this.#stats;
  }
}

const STATS: ChannelStats = {
  state: "ready",
  endpoints: [
    {
      name: "10.0.0.1:1",
      state: "ready",
      connections: 2,
      openStreams: 3,
      picks: 4,
      sentBytes: 5,
      receivedBytes: 6,
      connects: 14,
      connectFailures: 7,
      isHealthy: false,
      ejections: { failures: 13, latency: 0 },
    },
    {
      name: "unix:/a",
      state: "failing",
      connections: 0,
      openStreams: 0,
      picks: 0,
      sentBytes: undefined,
      receivedBytes: undefined,
      connects: undefined,
      connectFailures: undefined,
      isHealthy: undefined,
      ejections: {},
    },
  ],
  openCalls: 8,
  pendingCalls: 9,
  pendingBytes: undefined,
  refusedCalls: { maxInFlight: 10, maxPending: 11 },
  resentCalls: { goaway: 12 },
};

/** Every sample as a line, by the name of its metric. */
function samples(channels: ReadonlyMap<string, Channel>): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    upstreamReadings(channels).map(({ name, read }) => [
      name,
      Array.from(read(), ([labels, value]) => `${labels.join(" ")} ${value}`),
    ]),
  );
}

describe("metrics of upstreams", () => {
  test("tell all that channels know, and leave out what a client does not tell", () => {
    assert.deepEqual(samples(new Map([["books", new ToldChannel(STATS)]])), {
      sluice_upstream_connections: ["books 10.0.0.1:1 2", "books unix:/a 0"],
      sluice_upstream_streams: ["books 10.0.0.1:1 3", "books unix:/a 0"],
      sluice_upstream_picks_total: ["books 10.0.0.1:1 4", "books unix:/a 0"],
      sluice_upstream_sent_bytes_total: ["books 10.0.0.1:1 5"],
      sluice_upstream_received_bytes_total: ["books 10.0.0.1:1 6"],
      sluice_upstream_connects_total: ["books 10.0.0.1:1 14"],
      sluice_upstream_connect_failures_total: ["books 10.0.0.1:1 7"],
      sluice_upstream_endpoint_healthy: ["books 10.0.0.1:1 0"],
      sluice_upstream_endpoint_ejections_total: [
        "books 10.0.0.1:1 failures 13",
        "books 10.0.0.1:1 latency 0",
      ],
      sluice_upstream_calls_in_flight: ["books 8"],
      sluice_upstream_pending_calls: ["books 9"],
      sluice_upstream_pending_bytes: [],
      sluice_upstream_endpoints: [
        "books idle 0",
        "books connecting 0",
        "books ready 1",
        "books failing 1",
        "books closed 0",
      ],
      sluice_upstream_refused_calls_total: ["books maxInFlight 10", "books maxPending 11"],
      sluice_upstream_resent_calls_total: ["books goaway 12"],
    });
  });

  test("add up the endpoints of several names that lead to one address", () => {
    const [one] = STATS.endpoints;
    assert.ok(one !== undefined);
    const other = { ...one, picks: 100, isHealthy: true, sentBytes: undefined };
    const told = samples(new Map([["books", new ToldChannel({ ...STATS, endpoints: [other, one] })]]));
    assert.deepEqual(told.sluice_upstream_picks_total, ["books 10.0.0.1:1 104"]);
    assert.deepEqual(told.sluice_upstream_sent_bytes_total, ["books 10.0.0.1:1 5"]);
    assert.deepEqual(told.sluice_upstream_endpoint_healthy, ["books 10.0.0.1:1 0"]);
    assert.deepEqual(told.sluice_upstream_endpoint_ejections_total, [
      "books 10.0.0.1:1 failures 26",
      "books 10.0.0.1:1 latency 0",
    ]);
  });

  test("are all in docs/upstreams.md, with their labels", () => {
    const rows = readFileSync("docs/upstreams.md", "utf8").matchAll(
      /^\| `(sluice_\w+)`(?: ¹)? \|([^|]*)\|/gm,
    );
    const documented = new Map(
      [...rows].map(([, name = "", labels = ""]) => [name, labels.replaceAll("`", "").trim()]),
    );
    const registered = [
      ...upstreamReadings(new Map()),
      ...retryReadings(new Map()),
      ...upstreamTlsMetrics([]).readings,
    ].map(({ name, labels }) => [name, labels.slice(1).join(", ")] as const);
    assert.deepEqual(
      [...documented].sort(([a], [b]) => a.localeCompare(b)),
      registered.toSorted(([a], [b]) => a.localeCompare(b)),
    );
  });
});
