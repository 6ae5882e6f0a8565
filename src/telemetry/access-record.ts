/**
 * What is known of a request once it is over: the one record behind the access log and the metrics.
 */
import type { Code, Reason } from "../status/index.ts";

/** One finished request. Durations in milliseconds, sizes in bytes of message bodies (no heads). */
export interface AccessRecord {
  /** "" where the engine refused the request by itself. */
  readonly requestId: string;
  /** "" where the request is not traced. */
  readonly traceId: string;
  readonly listener: string;
  readonly peer: string;
  readonly httpMethod: string;
  /** The path as sent, without the query. */
  readonly path: string;
  /** The query as sent, without the `?`. It may hold secrets, as may the header fields. */
  readonly query: string;
  /** The request's header fields, `[name, value, …]`, names lower-case. */
  readonly headers: readonly string[];
  /** The template of the route, or "" where none matched. */
  readonly route: string;
  /** `package.Service.Method`, or "" where no route matched. */
  readonly rpc: string;
  readonly upstream: string;
  /** 499 if the client left before a status line was sent. */
  readonly httpStatus: number;
  readonly code: Code;
  readonly reason: Reason | undefined;
  readonly durationMs: number;
  /** From opening the upstream call to its status; 0 if none was opened. */
  readonly upstreamMs: number;
  /** Assembling the request and rendering the reply. */
  readonly transcodeMs: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Unknown fields that were served under `unknownFields: report`. */
  readonly unknownFields: readonly string[];
}

/** Is told of every request. Must not throw. */
export interface RequestObserver {
  requestStarted(): void;
  requestFinished(record: AccessRecord): void;
}

/** Several observers as one, told in order. */
export function combineObservers(observers: readonly RequestObserver[]): RequestObserver {
  return {
    requestStarted: () => {
      for (const observer of observers) observer.requestStarted();
    },
    requestFinished: (record) => {
      for (const observer of observers) observer.requestFinished(record);
    },
  };
}
