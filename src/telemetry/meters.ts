/**
 * The Prometheus metrics of a gateway process. Labels hold templates and method names, never what a client sent, so
 * that their number is bounded by the schema.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { codeName } from "../status/index.ts";
import type { AccessRecord, RequestObserver } from "./access-record.ts";

const DURATION_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const TRANSCODE_BUCKETS_S = [
  0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05,
];

/** A reading taken when the metrics are scraped: upstream name to value. */
export type UpstreamReading = () => ReadonlyMap<string, number>;

/** All meters; itself the observer that feeds the request metrics. */
export class Meters implements RequestObserver {
  readonly #registry = new Registry();
  readonly #requests: Counter<"method" | "route" | "rpc" | "http_status" | "grpc_status">;
  readonly #refusals: Counter<"reason">;
  readonly #duration: Histogram<"route" | "rpc">;
  readonly #upstream: Histogram<"upstream" | "rpc">;
  readonly #transcoding: Histogram<"rpc">;
  readonly #unknownFields: Counter<"rpc">;
  readonly #inFlight: Gauge;

  constructor() {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    this.#requests = new Counter({
      name: "sluice_requests_total",
      help: "Finished requests by route template, gRPC method and both statuses.",
      labelNames: ["method", "route", "rpc", "http_status", "grpc_status"],
      registers,
    });
    this.#refusals = new Counter({
      name: "sluice_gateway_errors_total",
      help: "Errors that the gateway itself made, by reason (docs/errors.md).",
      labelNames: ["reason"],
      registers,
    });
    this.#duration = new Histogram({
      name: "sluice_request_duration_seconds",
      help: "From the head of the request to the end of the reply.",
      labelNames: ["route", "rpc"],
      buckets: DURATION_BUCKETS_S,
      registers,
    });
    this.#upstream = new Histogram({
      name: "sluice_upstream_duration_seconds",
      help: "From opening the upstream call to its status.",
      labelNames: ["upstream", "rpc"],
      buckets: DURATION_BUCKETS_S,
      registers,
    });
    this.#transcoding = new Histogram({
      name: "sluice_transcoding_duration_seconds",
      help: "Assembling the request message and rendering the reply.",
      labelNames: ["rpc"],
      buckets: TRANSCODE_BUCKETS_S,
      registers,
    });
    this.#unknownFields = new Counter({
      name: "sluice_unknown_fields_total",
      help: "Unknown fields and query parameters served under unknownFields: report.",
      labelNames: ["rpc"],
      registers,
    });
    this.#inFlight = new Gauge({
      name: "sluice_requests_in_flight",
      help: "Requests not yet answered.",
      registers,
    });
  }

  /** Adds a gauge by upstream that is read at each scrape. */
  addUpstreamGauge(name: string, help: string, read: UpstreamReading): void {
    new Gauge({
      name,
      help,
      labelNames: ["upstream"],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const [upstream, value] of read()) this.set({ upstream }, value);
      },
    });
  }

  requestStarted(): void {
    this.#inFlight.inc();
  }

  requestFinished(record: AccessRecord): void {
    this.#inFlight.dec();
    const { route, rpc } = record;
    this.#requests.inc({
      method: knownMethod(record.httpMethod),
      route,
      rpc,
      http_status: record.httpStatus,
      grpc_status: codeName(record.code),
    });
    if (record.reason !== undefined) this.#refusals.inc({ reason: record.reason });
    this.#duration.observe({ route, rpc }, record.durationMs / 1000);
    if (rpc === "") return;
    if (record.upstreamMs > 0) {
      this.#upstream.observe({ upstream: record.upstream, rpc }, record.upstreamMs / 1000);
    }
    this.#transcoding.observe({ rpc }, record.transcodeMs / 1000);
    if (record.unknownFields.length > 0) this.#unknownFields.inc({ rpc }, record.unknownFields.length);
  }

  /** The media type of {@link render}. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** The metrics in the Prometheus text format. */
  render(): Promise<string> {
    return this.#registry.metrics();
  }
}

const METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/** A client chooses its method freely; a label's values must stay few. */
function knownMethod(method: string): string {
  return METHODS.has(method) ? method : "other";
}
