/**
 * The Prometheus metrics of a gateway process. Labels hold templates and method names, never what a client sent, so
 * that their number is bounded by the schema.
 */
import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import { type Code, codeName } from "../status/index.ts";
import type { AccessRecord, RequestObserver } from "./access-record.ts";
import { Histogram, type HistogramSeries } from "./histogram.ts";
import { type Reading, registerReading } from "./reading.ts";

const DURATION_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const TRANSCODE_BUCKETS_S = [
  0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05,
];

/** What one route of one upstream feeds: looked up once a request, by names that the schema gives. */
interface RouteMeters {
  readonly route: string;
  readonly rpc: string;
  readonly duration: HistogramSeries;
  readonly upstream: HistogramSeries;
  readonly transcoding: HistogramSeries;
  /** Finished requests that the counter has not been told of, by {@link tallyKey}. */
  readonly tallies: Map<number, Tally>;
}

interface Tally {
  readonly method: string;
  readonly httpStatus: number;
  readonly code: Code;
  count: number;
}

/** All meters; itself the observer that feeds the request metrics. */
export class Meters implements RequestObserver {
  readonly #registry = new Registry();
  readonly #refusals: Counter<"reason">;
  readonly #unknownFields: Counter<"rpc">;
  readonly #duration = new Histogram(
    "sluice_request_duration_seconds",
    "From the head of the request to the end of the reply.",
    ["route", "rpc"],
    DURATION_BUCKETS_S,
  );
  readonly #upstream = new Histogram(
    "sluice_upstream_duration_seconds",
    "From opening the upstream call to its status.",
    ["upstream", "rpc"],
    DURATION_BUCKETS_S,
  );
  readonly #transcoding = new Histogram(
    "sluice_transcoding_duration_seconds",
    "Assembling the request message and rendering the reply.",
    ["rpc"],
    TRANSCODE_BUCKETS_S,
  );
  /** By upstream, RPC and route. */
  readonly #routes = new Map<string, Map<string, Map<string, RouteMeters>>>();
  #inFlight = 0;

  constructor() {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    this.#addRequestCounter();
    this.#refusals = new Counter({
      name: "sluice_gateway_errors_total",
      help: "Errors that the gateway itself made, by reason (docs/errors.md).",
      labelNames: ["reason"],
      registers,
    });
    this.#unknownFields = new Counter({
      name: "sluice_unknown_fields_total",
      help: "Unknown fields and query parameters served under unknownFields: report.",
      labelNames: ["rpc"],
      registers,
    });
    const readInFlight = (): number => this.#inFlight;
    new Gauge({
      name: "sluice_requests_in_flight",
      help: "Requests not yet answered.",
      registers,
      collect() {
        this.set(readInFlight());
      },
    });
  }

  /** Adds a metric that is read at each scrape. */
  addReading(reading: Reading): void {
    registerReading(reading, this.#registry);
  }

  requestStarted(): void {
    this.#inFlight++;
  }

  requestFinished(record: AccessRecord): void {
    this.#inFlight--;
    const { rpc } = record;
    const meters = this.#metersOf(record);
    count(meters.tallies, record);
    meters.duration.observe(record.durationMs / 1000);
    if (record.reason !== undefined) this.#refusals.inc({ reason: record.reason });
    if (rpc === "") return;
    if (record.upstreamMs > 0) meters.upstream.observe(record.upstreamMs / 1000);
    meters.transcoding.observe(record.transcodeMs / 1000);
    if (record.unknownFields.length > 0) this.#unknownFields.inc({ rpc }, record.unknownFields.length);
  }

  /** The media type of {@link render}. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** The metrics in the Prometheus text format. */
  async render(): Promise<string> {
    const histograms = [this.#duration, this.#upstream, this.#transcoding];
    return `${await this.#registry.metrics()}${histograms.map((histogram) => `\n${histogram.render()}`).join("")}`;
  }

  /** The counter is told at each scrape: by then many requests are one call. */
  #addRequestCounter(): void {
    const takeTallies = (): Iterable<[RouteMeters, Tally]> => this.#takeTallies();
    new Counter({
      name: "sluice_requests_total",
      help: "Finished requests by route template, gRPC method and both statuses.",
      labelNames: ["method", "route", "rpc", "http_status", "grpc_status"],
      registers: [this.#registry],
      collect() {
        for (const [{ route, rpc }, { method, httpStatus, code, count }] of takeTallies()) {
          const grpcStatus = codeName(code);
          this.inc({ method, route, rpc, http_status: httpStatus, grpc_status: grpcStatus }, count);
        }
      },
    });
  }

  *#takeTallies(): Generator<[RouteMeters, Tally]> {
    for (const byRpc of this.#routes.values()) {
      for (const byRoute of byRpc.values()) {
        for (const meters of byRoute.values()) {
          for (const tally of meters.tallies.values()) yield [meters, tally];
          meters.tallies.clear();
        }
      }
    }
  }

  #metersOf({ upstream, rpc, route }: AccessRecord): RouteMeters {
    const known = this.#routes.get(upstream)?.get(rpc)?.get(route);
    if (known !== undefined) return known;
    const byRpc = childOf(this.#routes, upstream);
    const meters: RouteMeters = {
      route,
      rpc,
      duration: this.#duration.series([route, rpc]),
      upstream: this.#upstream.series([upstream, rpc]),
      transcoding: this.#transcoding.series([rpc]),
      tallies: new Map(),
    };
    childOf(byRpc, rpc).set(route, meters);
    return meters;
  }
}

function childOf<T>(parent: Map<string, Map<string, T>>, key: string): Map<string, T> {
  const known = parent.get(key);
  if (known !== undefined) return known;
  const child = new Map<string, T>();
  parent.set(key, child);
  return child;
}

function count(tallies: Map<number, Tally>, { httpMethod, httpStatus, code }: AccessRecord): void {
  const key = tallyKey(METHODS.indexOf(httpMethod), httpStatus, code);
  const tally = tallies.get(key);
  if (tally === undefined) tallies.set(key, { method: knownMethod(httpMethod), httpStatus, code, count: 1 });
  else tally.count++;
}

/** One number for method (from -1), HTTP status (up to 999) and gRPC code (up to 16). */
function tallyKey(methodIndex: number, httpStatus: number, code: Code): number {
  return ((methodIndex + 1) * 1000 + httpStatus) * 32 + code;
}

const METHODS: readonly string[] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/** A client chooses its method freely; a label's values must stay few. */
function knownMethod(method: string): string {
  return METHODS.includes(method) ? method : "other";
}
