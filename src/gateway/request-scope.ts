/**
 * What belongs to one request from its head to its access record, whether or not it finds a route.
 */
import { randomUUID } from "node:crypto";
import { findHeader, type HeaderList, type HttpExchange, type RefusedRequest } from "../http/index.ts";
import { isAsciiValue } from "../protocol/index.ts";
import { Reply } from "../protocol/rest/index.ts";
import { REASONS, type Status } from "../status/index.ts";
import type { RequestObserver } from "../telemetry/index.ts";
import type { ListenerSettings } from "./gateway.ts";
import type { Route } from "./route.ts";

/** The figures of a relayed request. */
export interface RelayFigures {
  readonly upstreamMs: number;
  readonly transcodeMs: number;
  readonly bytesIn: number;
  readonly unknownFields: readonly string[];
}

const NO_FIGURES: RelayFigures = { upstreamMs: 0, transcodeMs: 0, bytesIn: 0, unknownFields: [] };
const CLIENT_CLOSED_REQUEST = 499;

/** One request: its exchange, its reply, its identity. */
export class RequestScope {
  readonly exchange: HttpExchange;
  readonly listener: ListenerSettings;
  readonly reply: Reply;
  readonly requestId: string;
  /** `performance.now()` when the head arrived. */
  readonly startedAt: number = performance.now();
  readonly #observer: RequestObserver;
  #isFinished = false;

  constructor(exchange: HttpExchange, listener: ListenerSettings, observer: RequestObserver) {
    this.exchange = exchange;
    this.listener = listener;
    this.reply = new Reply(exchange);
    this.requestId = readRequestId(exchange.headers) ?? randomUUID();
    this.reply.commonHeaders.push("x-request-id", this.requestId);
    this.#observer = observer;
    observer.requestStarted();
  }

  /** Records how the request ended; only the first call counts. */
  finish(status: Status, route: Route | undefined, figures: RelayFigures = NO_FIGURES): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    this.#observer.requestFinished({
      requestId: this.requestId,
      listener: this.listener.name,
      peer: this.exchange.peer,
      httpMethod: this.exchange.method,
      path: this.exchange.path,
      route: route?.template ?? "",
      rpc: route?.method.fullName ?? "",
      upstream: route?.upstream ?? "",
      httpStatus: this.reply.httpStatus === 0 ? CLIENT_CLOSED_REQUEST : this.reply.httpStatus,
      code: status.code,
      reason: status.reason,
      durationMs: performance.now() - this.startedAt,
      bytesOut: this.reply.bytesOut,
      ...figures,
    });
  }
}

/** Records a request that ended within the engine of `listener`. It has no id: nobody has been told of one. */
export function recordRefused(refused: RefusedRequest, listener: string, observer: RequestObserver): void {
  observer.requestStarted();
  observer.requestFinished({
    requestId: "",
    listener,
    peer: refused.peer,
    httpMethod: refused.method,
    path: refused.path,
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
