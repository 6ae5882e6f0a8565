/**
 * From config to a tracer with its exporter. The exporter is loaded only where tracing is on: most gateways pay neither its
 * memory nor its start.
 */
import { randomFillSync, randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import type { Config } from "../config/index.ts";
import {
  type Attributes,
  type AttributeValue,
  createSampler,
  type Logger,
  type Reading,
  TraceIds,
  Tracer,
} from "../telemetry/index.ts";

/** Tracing of one process. */
export interface Tracing {
  readonly tracer: Tracer;
  readonly readings: readonly Reading[];
  /** Sends the spans that are left, as long as the exporter's timeout. */
  close(): Promise<void>;
}

/** Makes what `config` asks for; undefined where tracing is off. Nothing is sent before the first span. */
export async function openTracing(
  { tracing }: Pick<Config, "tracing">,
  version: string,
  log: Logger,
): Promise<Tracing | undefined> {
  if (!tracing.enabled) return undefined;
  const { createPoster, SpanExporter } = await import("../telemetry/otlp/index.ts");
  const { endpoint, headers, timeoutMs, intervalMs, queueBytes } = tracing.exporter;
  const { origin, pathname } = new URL(endpoint);
  const exporter = new SpanExporter({
    poster: createPoster({ endpoint, headers, timeoutMs }),
    resource: { version, attributes: resourceAttributes(tracing, version) },
    intervalMs,
    queueBytes,
    log,
    // Without the query, where keys may stand.
    name: `${origin}${pathname}`,
    random: Math.random,
    pause: (ms, signal) => pause(ms, undefined, { signal }),
  });
  const tracer = new Tracer({
    sampler: createSampler(tracing.sampling),
    ids: new TraceIds((bytes) => void randomFillSync(bytes)),
    sink: exporter,
    clock: { wallMs: () => Date.now(), steadyMs: () => performance.now() },
  });
  return { tracer, readings: exporter.readings(), close: () => exporter.close(timeoutMs) };
}

/** Source: OpenTelemetry semantic conventions, "Resource". What config says wins. */
function resourceAttributes({ serviceName, attributes }: Config["tracing"], version: string): Attributes {
  const own: readonly (readonly [string, AttributeValue])[] = [
    ["service.name", serviceName],
    ["service.version", version],
    ["service.instance.id", randomUUID()],
    ["host.name", hostname()],
    ["process.pid", process.pid],
    ["process.runtime.name", "nodejs"],
    ["process.runtime.version", process.versions.node],
    ["telemetry.sdk.name", "sluice"],
    ["telemetry.sdk.language", "nodejs"],
    ["telemetry.sdk.version", version],
  ];
  const given = new Set(attributes.filter((_, i) => i % 2 === 0));
  return [...own.filter(([name]) => !given.has(name)).flat(), ...attributes];
}
