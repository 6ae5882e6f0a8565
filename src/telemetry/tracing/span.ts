/** Spans as data, and where finished ones go. */

/** The value of an attribute. */
export type AttributeValue = string | number | boolean;

/** Names and values, flat: `[name, value, …]`. */
export type Attributes = readonly AttributeValue[];

/** Something that happened within a span. */
export interface SpanEvent {
  readonly name: string;
  /** Milliseconds since 1970, with fractions. */
  readonly atMs: number;
  readonly attributes: Attributes;
}

/** One finished span. */
export interface SpanRecord {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits. */
  readonly spanId: string;
  /** 16 hex digits, or "" for the first span of a trace. */
  readonly parentSpanId: string;
  readonly traceState: string;
  readonly kind: "internal" | "server" | "client";
  readonly name: string;
  /** Milliseconds since 1970, with fractions. */
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Attributes;
  readonly events: readonly SpanEvent[];
  /** Whether what the span stands for failed. */
  readonly outcome: "unset" | "error";
  /** What is known of the failure; "" for nothing more than the attributes say. */
  readonly message: string;
}

/** Takes finished spans. Must not throw, and must not keep its caller. */
export interface SpanSink {
  take(span: SpanRecord): void;
}
