/**
 * Holds the snapshot and takes every exchange from match to relay.
 */
import { type ExchangeHandler, findHeader, type RefusalListener } from "../http/index.ts";
import { isPreflight, type Policy, type PreflightPolicy } from "../policy/index.ts";
import type { Protocol } from "../protocol/index.ts";
import { Heartbeats, RestProtocol, sendError } from "../protocol/rest/index.ts";
import type { WebSocketProtocol } from "../protocol/websocket/index.ts";
import { gatewayStatus, OK, type Status, StatusError } from "../status/index.ts";
import type { Logger, RequestObserver, Tracer } from "../telemetry/index.ts";
import { OpenStreams } from "./open-streams.ts";
import { Relay, type RelaySurroundings } from "./relay.ts";
import { RequestScope, recordRefused } from "./request-scope.ts";
import type { RoutingSnapshot } from "./routing-snapshot.ts";
import { matchSocket } from "./socket-match.ts";

/** What a listener adds to the requests that arrive on it. */
export interface ListenerSettings {
  /** Its address, as configured: the label in logs. */
  readonly name: string;
  readonly trailingSlash: "strict" | "ignore";
  /** How many proxies in front are believed about `x-forwarded-*` and `forwarded`. */
  readonly trustedHops: number;
  readonly cors: PreflightPolicy | undefined;
  /** Asked in order, for every request, `cors` included. */
  readonly policies: readonly Policy[];
  /** Undefined serves no WebSocket. */
  readonly webSocket?: WebSocketProtocol | undefined;
}

/** The data plane's front door. */
export class Gateway {
  readonly #observer: RequestObserver;
  readonly #log: Logger;
  readonly #tracer: Tracer | undefined;
  readonly #streams: OpenStreams = new OpenStreams();
  readonly #rest: Protocol = new RestProtocol(new Heartbeats());
  readonly #surroundings: RelaySurroundings;
  #snapshot: RoutingSnapshot;

  /** Without a tracer nothing is traced, and the trace context of clients goes upstream as it comes. */
  constructor(snapshot: RoutingSnapshot, observer: RequestObserver, log: Logger, tracer?: Tracer) {
    this.#snapshot = snapshot;
    this.#observer = observer;
    this.#log = log;
    this.#tracer = tracer;
    this.#surroundings = {
      streams: this.#streams,
      statusOf: (error, scope) => this.#statusOf(error, scope),
    };
  }

  get snapshot(): RoutingSnapshot {
    return this.#snapshot;
  }

  /** Serves the requests that come from now on from `snapshot`; those under way keep theirs. */
  publish(snapshot: RoutingSnapshot): void {
    this.#snapshot = snapshot;
  }

  /** Tells the streams under way that the gateway is about to end: those that can bring their clients back leave. */
  drainStreams(): void {
    this.#streams.drain();
  }

  /** Ends the streams that are still under way, and tells their clients. */
  cutStreams(): void {
    this.#streams.cut();
  }

  /** The handler for one listener's engine. It does not throw. */
  handlerFor(listener: ListenerSettings): ExchangeHandler {
    return (exchange) => {
      const scope = new RequestScope(exchange, listener, this.#observer, this.#tracer);
      const snapshot = this.#snapshot;
      try {
        this.#serve(scope, snapshot);
      } catch (error) {
        this.#refuse(scope, snapshot, this.#statusOf(error, scope));
      }
    };
  }

  /** Records the requests that one listener's engine answers by itself. */
  refusalListenerFor(listener: ListenerSettings): RefusalListener {
    return (refused) => recordRefused(refused, listener.name, this.#observer);
  }

  #serve(scope: RequestScope, snapshot: RoutingSnapshot): void {
    const { exchange, listener, reply } = scope;
    for (const policy of listener.policies) {
      const refusal = policy.admit(exchange, reply.commonHeaders);
      if (refusal !== undefined) throw new StatusError(refusal);
    }
    if (listener.cors !== undefined && isPreflight(exchange)) {
      this.#answerPreflight(scope, snapshot, listener.cors);
      return;
    }
    const socket = exchange.offersWebSocket ? listener.webSocket?.greet(exchange) : undefined;
    const match =
      socket === undefined
        ? snapshot.matcher.match(exchange.method, exchange.path, listener.trailingSlash)
        : matchSocket(snapshot.matcher, exchange.path, listener.trailingSlash, socket.method);
    if (match.kind === "found") {
      const protocol = socket ?? this.#rest;
      new Relay(scope, match.value, match.captures, protocol, this.#surroundings).start();
      return;
    }
    if (match.kind === "not-found") throw noRoute(scope, snapshot);
    const allow = withOptions(match.allow).join(", ");
    if (exchange.method === "OPTIONS") {
      reply.respond(204, ["allow", allow], "");
      scope.finish(OK, undefined);
      return;
    }
    const asked = socket?.method ?? exchange.method;
    const what = `${asked} is not a method of this path; it has ${allow}`;
    this.#refuse(scope, snapshot, gatewayStatus("METHOD_NOT_ALLOWED", what), ["allow", allow]);
  }

  #answerPreflight(scope: RequestScope, snapshot: RoutingSnapshot, cors: PreflightPolicy): void {
    const { exchange, listener } = scope;
    const { matcher } = snapshot;
    let methods = matcher.allowedMethods(exchange.path, listener.trailingSlash);
    if (methods.length === 0) throw noRoute(scope, snapshot);
    const asked = findHeader(exchange.headers, "access-control-request-method") ?? "";
    // A rule for any method has more of them than can be listed.
    const isFurther = !methods.includes(asked) && asked !== "OPTIONS";
    if (isFurther && matcher.match(asked, exchange.path, listener.trailingSlash).kind === "found") {
      methods = [...methods, asked];
    }
    const answer = cors.preflight(exchange, withOptions(methods));
    if ("refusal" in answer) throw new StatusError(answer.refusal);
    // What a preflight says stands alone: the fields that `admit` has added belong to the request that follows it.
    scope.reply.commonHeaders.length = 0;
    scope.reply.respond(204, answer.headers, "");
    scope.finish(OK, undefined);
  }

  #refuse(
    scope: RequestScope,
    snapshot: RoutingSnapshot,
    status: Status,
    headers: readonly string[] = [],
  ): void {
    sendError(scope.reply, status, snapshot.errors, headers);
    scope.finish(status, undefined);
  }

  /** Anything but a StatusError is a fault of the gateway: the log gets the cause, the client a bare INTERNAL. */
  #statusOf(error: unknown, scope: RequestScope): Status {
    if (error instanceof StatusError) return error.status;
    this.#log.error({ ...scope.identity, err: error }, "a request failed inside the gateway");
    return gatewayStatus("INTERNAL", "internal error");
  }
}

/** NO_ROUTE; NOT_READY while a schema that might have the route is missing. */
function noRoute({ exchange }: RequestScope, { pendingUpstreams }: RoutingSnapshot): StatusError {
  const [pending] = pendingUpstreams;
  return new StatusError(
    pending === undefined
      ? gatewayStatus("NO_ROUTE", `no route has the path ${JSON.stringify(exchange.path.slice(0, 256))}`)
      : gatewayStatus(
          "NOT_READY",
          `no route has this path yet: the schema of upstream "${pending}" is missing`,
        ),
  );
}

/** The gateway itself answers OPTIONS wherever there is a route. */
function withOptions(methods: readonly string[]): readonly string[] {
  return methods.includes("OPTIONS") ? methods : [...methods, "OPTIONS"];
}
