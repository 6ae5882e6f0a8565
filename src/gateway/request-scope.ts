/**
 * What belongs to one request from its head to its access record, whether or not it finds a route.
 */
import { randomUUID } from "node:crypto";
import { findHeader, type HeaderList, type HttpExchange, type RefusedRequest } from "../http/index.ts";
import { isAsciiValue, requestOrigin } from "../protocol/index.ts";
import { Reply } from "../protocol/rest/index.ts";
import { REASONS, type Status } from "../status/index.ts";
import type {
  AccessRecord,
  RequestFigures,
  RequestObserver,
  RequestTrace,
  Tracer,
} from "../telemetry/index.ts";
import type { ListenerSettings } from "./gateway.ts";
import type { Route } from "./route.ts";

/** The figures of a relayed request. */
export interface RelayFigures {
  readonly upstreamMs: number;
  readonly transcodeMs: number;
  readonly bytesIn: number;
  readonly unknownFields: readonly string[];
}

/** What spans tell of a relayed request. */
export type TracedFigures = Pick<RequestFigures, "assembling" | "rendering" | "call">;

const NO_FIGURES: RelayFigures = { upstreamMs: 0, transcodeMs: 0, bytesIn: 0, unknownFields: [] };
const NOTHING_TRACED: TracedFigures = { assembling: undefined, rendering: undefined, call: undefined };
const CLIENT_CLOSED_REQUEST = 499;

/** One request: its exchange, its reply, its identity. */
export class RequestScope {
  readonly exchange: HttpExchange;
  readonly listener: ListenerSettings;
  readonly reply: Reply;
  readonly requestId: string;
  /** `performance.now()` when the head arrived. */
  readonly startedAt: number = performance.now();
  /** Undefined where nothing is traced. */
  readonly trace: RequestTrace | undefined;
  readonly #observer: RequestObserver;
  #isFinished = false;

  constructor(
    exchange: HttpExchange,
    listener: ListenerSettings,
    observer: RequestObserver,
    tracer: Tracer | undefined,
  ) {
    this.exchange = exchange;
    this.listener = listener;
    this.reply = new Reply(exchange);
    this.requestId = readRequestId(exchange.headers) ?? randomUUID();
    this.reply.commonHeaders.push("x-request-id", this.requestId);
    this.trace = tracer?.begin(exchange.headers);
    this.#observer = observer;
    observer.requestStarted();
  }

  /** What a line of the log names the request by. */
  get identity(): object {
    const { requestId, trace } = this;
    return trace === undefined ? { requestId } : { requestId, traceId: trace.traceId };
  }

  /** Records how the request ended; only the first call counts. */
  finish(
    status: Status,
    route: Route | undefined,
    figures: RelayFigures = NO_FIGURES,
    traced: TracedFigures = NOTHING_TRACED,
  ): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    const { reply } = this;
    // Its bytes count, and the time that they took.
    if (reply.isPending) reply.onSent = () => this.#record(status, route, figures, traced);
    else this.#record(status, route, figures, traced);
  }

  #record(status: Status, route: Route | undefined, figures: RelayFigures, traced: TracedFigures): void {
    const record: AccessRecord = {
      requestId: this.requestId,
      traceId: this.trace?.traceId ?? "",
      listener: this.listener.name,
      peer: this.exchange.peer,
      httpMethod: this.exchange.method,
      path: this.exchange.path,
      query: this.exchange.query,
      headers: this.exchange.headers,
      route: route?.template ?? "",
      rpc: route?.method.fullName ?? "",
      upstream: route?.upstream ?? "",
      httpStatus: this.reply.httpStatus === 0 ? CLIENT_CLOSED_REQUEST : this.reply.httpStatus,
      code: status.code,
      reason: status.reason,
      durationMs: performance.now() - this.startedAt,
      bytesOut: this.reply.bytesOut,
      ...figures,
    };
    this.#observer.requestFinished(record);
    if (this.trace?.isSampled === true) this.trace.record(this.#spanFigures(record, traced));
  }

  #spanFigures(record: AccessRecord, traced: TracedFigures): RequestFigures {
    const { exchange, listener, startedAt } = this;
    return {
      record,
      ...requestOrigin(exchange, listener.trustedHops),
      userAgent: findHeader(exchange.headers, "user-agent") ?? "",
      httpVersion: exchange.httpVersion,
      fromMs: startedAt,
      toMs: startedAt + record.durationMs,
      ...traced,
    };
  }
}

/** Records a request that ended within the engine of `listener`. It has no id: nobody has been told of one. */
export function recordRefused(refused: RefusedRequest, listener: string, observer: RequestObserver): void {
  observer.requestStarted();
  observer.requestFinished({
    requestId: "",
    traceId: "",
    listener,
    peer: refused.peer,
    httpMethod: refused.method,
    path: refused.path,
    query: "",
    headers: [],
    route: "",
    rpc: "",
    upstream: "",
    httpStatus: refused.httpStatus,
    code: REASONS[refused.reason].code,
    reason: refused.reason,
    durationMs: 0,
    bytesOut: refused.bytesOut,
    ...NO_FIGURES,
  });
}

/** A client's own id is kept if it is fit for a log line and for metadata. */
function readRequestId(headers: HeaderList): string | undefined {
  const id = findHeader(headers, "x-request-id");
  return id !== undefined && id !== "" && id.length <= 128 && isAsciiValue(id) ? id : undefined;
}
