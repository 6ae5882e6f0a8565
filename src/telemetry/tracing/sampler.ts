/**
 * Head sampling: whether a trace is recorded, decided when its request begins.
 *
 * The share is taken from the trace id, as TraceIdRatioBased does it: gateways and services with the same ratio decide
 * alike about one trace. Source: OpenTelemetry specification, Trace SDK, "Sampling".
 */
import type { TraceParent } from "./trace-context.ts";

/** What share is recorded, and what a caller's own decision counts. */
export interface SamplingOptions {
  /** 0 to 1. */
  readonly ratio: number;
  /** `respect`: a caller's decision stands, the ratio is for traces that begin here. `ignore`: the ratio is for all. */
  readonly parent: "respect" | "ignore";
}

/** Whether the trace of this id, begun by `parent` if there is one, is recorded. */
export type Sampler = (traceId: string, parent: TraceParent | undefined) => boolean;

/** Hex digits of the id's end that are looked at: 52 bits, all of which a number holds, all random. */
const DIGITS = 13;
const RANGE = 2 ** 52;

/** Makes a sampler. */
export function createSampler({ ratio, parent: rule }: SamplingOptions): Sampler {
  const threshold = ratio * RANGE;
  const isWithin = (traceId: string): boolean => Number.parseInt(traceId.slice(-DIGITS), 16) < threshold;
  if (rule === "ignore") return isWithin;
  return (traceId, parent) => (parent === undefined ? isWithin(traceId) : parent.isSampled);
}
