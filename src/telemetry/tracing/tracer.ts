/**
 * Begins the trace of each request: goes on with the caller's where it has a valid one, and decides whether it is recorded.
 */
import type { RequestFigures } from "./request-spans.ts";
import { requestSpans } from "./request-spans.ts";
import type { Sampler } from "./sampler.ts";
import type { SpanSink } from "./span.ts";
import { formatTraceParent, readTraceContext, type TraceOrigin } from "./trace-context.ts";
import type { TraceIds } from "./trace-ids.ts";

/** What a tracer is made of. */
export interface TracerParts {
  readonly sampler: Sampler;
  readonly ids: TraceIds;
  readonly sink: SpanSink;
  /** Milliseconds since 1970, and on a clock that never goes back; both with fractions. */
  readonly clock: { readonly wallMs: () => number; readonly steadyMs: () => number };
}

/** Traces requests. Where there is none, nothing is traced, and nothing is paid for it. */
export class Tracer {
  readonly #parts: TracerParts;

  constructor(parts: TracerParts) {
    this.#parts = parts;
  }

  /** The trace of a request with these header fields (flat, names lower-case). */
  begin(headers: readonly string[]): RequestTrace {
    return new RequestTrace(this.#parts, readTraceContext(headers));
  }
}

/** One request's part of a trace. */
export class RequestTrace {
  readonly #parts: TracerParts;
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits: the request's own span. */
  readonly spanId: string;
  /** The caller's span; "" if the trace begins here. */
  readonly parentSpanId: string;
  /** The caller's `tracestate`, checked; "" for none. */
  readonly state: string;
  /** Whether its spans are recorded. */
  readonly isSampled: boolean;
  #callSpanId = "";

  constructor(parts: TracerParts, origin: TraceOrigin | undefined) {
    const { ids, sampler } = parts;
    this.#parts = parts;
    this.traceId = origin?.parent.traceId ?? ids.traceId();
    this.spanId = ids.spanId();
    this.parentSpanId = origin?.parent.spanId ?? "";
    this.state = origin?.state ?? "";
    this.isSampled = sampler(this.traceId, origin?.parent);
  }

  /** The `traceparent` for the upstream. A call that is not recorded has no span, so it hangs on the request's. */
  callTraceParent(): string {
    const { traceId, isSampled } = this;
    if (isSampled && this.#callSpanId === "") this.#callSpanId = this.#parts.ids.spanId();
    return formatTraceParent({ traceId, spanId: isSampled ? this.#callSpanId : this.spanId, isSampled });
  }

  /** Records the spans of the request, which has ended; only where `isSampled`. */
  record(figures: RequestFigures): void {
    const { clock, ids, sink } = this.#parts;
    // Taken per request: the steady clock drifts away from the other, which is corrected now and then.
    const offsetMs = clock.wallMs() - clock.steadyMs();
    for (const span of requestSpans(this, this.#callSpanId, figures, offsetMs, () => ids.spanId())) {
      sink.take(span);
    }
  }
}
