/**
 * Holds the snapshot and takes every exchange from match to relay.
 */
import { type ExchangeHandler, findHeader, type RefusalListener } from "../http/index.ts";
import { isPreflight } from "../policy/index.ts";
import type { ErrorSettings, Protocol } from "../protocol/index.ts";
import { Heartbeats, RestProtocol, sendError } from "../protocol/rest/index.ts";
import type { SocketProtocol, WebSocketProtocol } from "../protocol/websocket/index.ts";
import { gatewayStatus, OK, type Status, StatusError } from "../status/index.ts";
import type { Logger, RequestObserver, Tracer } from "../telemetry/index.ts";
import { OpenStreams } from "./open-streams.ts";
import { Relay, type RelaySurroundings } from "./relay.ts";
import { RequestScope, recordRefused } from "./request-scope.ts";
import type { Route } from "./route.ts";
import { type ListenerTable, policySetOf, type RoutingSnapshot, tableOf } from "./routing-snapshot.ts";
import { matchSocket } from "./socket-match.ts";

/** What a listener adds to the requests that arrive on it. Its routes and policies are the snapshot's. */
export interface ListenerSettings {
  /** Its name or its address, as configured: the label in logs. */
  readonly name: string;
  /** Its place among the listeners of the config. */
  readonly index: number;
  readonly trailingSlash: "strict" | "ignore";
  /** How many proxies in front are believed about `x-forwarded-*` and `forwarded`. */
  readonly trustedHops: number;
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
      const table = tableOf(snapshot, listener.index);
      try {
        this.#serve(scope, snapshot, table);
      } catch (error) {
        this.#refuse(scope, snapshot, table, this.#statusOf(error, scope));
      }
    };
  }

  /** Records the requests that one listener's engine answers by itself. */
  refusalListenerFor(listener: ListenerSettings): RefusalListener {
    return (refused) => recordRefused(refused, listener.name, this.#observer);
  }

  #serve(scope: RequestScope, snapshot: RoutingSnapshot, table: ListenerTable): void {
    const { exchange, listener } = scope;
    if (isPreflight(exchange) && this.#answerPreflight(scope, snapshot, table)) return;
    const socket = exchange.offersWebSocket ? listener.webSocket?.greet(exchange) : undefined;
    const match =
      socket === undefined
        ? table.matcher.match(exchange.method, exchange.path, listener.trailingSlash)
        : matchSocket(table.matcher, exchange.path, listener.trailingSlash, socket.method);
    if (match.kind === "found") {
      this.#relay(scope, table, match.value, match.captures, socket);
      return;
    }
    if (match.kind === "not-found") throw noRoute(scope, table);
    const allow = withOptions(match.allow).join(", ");
    if (exchange.method === "OPTIONS") {
      const refusal = admitStray(scope, snapshot, table);
      if (refusal !== undefined) {
        endWithError(scope, refusal, snapshot.errors);
        return;
      }
      scope.reply.respond(204, ["allow", allow], "");
      scope.finish(OK, undefined);
      return;
    }
    const asked = socket?.method ?? exchange.method;
    const what = `${asked} is not a method of this path; it has ${allow}`;
    this.#refuse(scope, snapshot, table, gatewayStatus("METHOD_NOT_ALLOWED", what), ["allow", allow]);
  }

  #relay(
    scope: RequestScope,
    table: ListenerTable,
    route: Route,
    captures: readonly string[],
    socket: SocketProtocol | undefined,
  ): void {
    const { exchange, reply } = scope;
    const { cors, policies } = policySetOf(table, route.policySet);
    const { fixedHeaders, errors } = route.settings;
    if (fixedHeaders !== undefined) reply.commonHeaders.push(...fixedHeaders);
    try {
      for (const policy of policies) {
        const refusal = policy.admit(exchange, reply.commonHeaders);
        if (refusal !== undefined) throw new StatusError(refusal);
      }
      socket?.admit(exchange, (origin) => cors?.names(origin) === true);
    } catch (error) {
      endWithError(scope, this.#statusOf(error, scope), errors, route);
      return;
    }
    new Relay(scope, route, captures, socket ?? this.#rest, this.#surroundings).start();
  }

  /**
   * Answers a preflight as the route of the method that it asks about says; where there is none, as the listener does.
   * False where that has no CORS, so that it is a plain OPTIONS.
   */
  #answerPreflight(scope: RequestScope, snapshot: RoutingSnapshot, table: ListenerTable): boolean {
    const { exchange, listener, reply } = scope;
    const { trailingSlash } = listener;
    const { matcher } = table;
    const asked = findHeader(exchange.headers, "access-control-request-method") ?? "";
    const match = matcher.match(asked, exchange.path, trailingSlash);
    const policySet = match.kind === "found" ? match.value.policySet : 0;
    const { cors } = policySetOf(table, policySet);
    if (cors === undefined) return false;
    if (match.kind === "not-found") throw noRoute(scope, table);
    // A browser remembers all methods that it is told, so none may be among them that has other policies.
    const methods = matcher.allowedMethods(exchange.path, trailingSlash).filter((method) => {
      const other = matcher.match(method, exchange.path, trailingSlash);
      return other.kind === "found" && other.value.policySet === policySet;
    });
    // A rule for any method has more of them than can be listed.
    if (match.kind === "found" && !methods.includes(asked)) methods.push(asked);
    const answer = cors.preflight(exchange, withOptions(methods));
    if ("refusal" in answer) {
      reply.commonHeaders.push(...snapshot.headers);
      cors.admit(exchange, reply.commonHeaders);
      endWithError(scope, answer.refusal, snapshot.errors);
      return true;
    }
    reply.respond(204, answer.headers, "");
    scope.finish(OK, undefined);
    return true;
  }

  /** Refuses a request that has no route. */
  #refuse(
    scope: RequestScope,
    snapshot: RoutingSnapshot,
    table: ListenerTable,
    status: Status,
    headers: readonly string[] = [],
  ): void {
    const final = admitStray(scope, snapshot, table) ?? status;
    sendError(scope.reply, final, snapshot.errors, headers);
    scope.finish(final, undefined);
  }

  /** Anything but a StatusError is a fault of the gateway: the log gets the cause, the client a bare INTERNAL. */
  #statusOf(error: unknown, scope: RequestScope): Status {
    if (error instanceof StatusError) return error.status;
    this.#log.error({ ...scope.identity, err: error }, "a request failed inside the gateway");
    return gatewayStatus("INTERNAL", "internal error");
  }
}

/** Ends a request that no relay has taken. */
function endWithError(scope: RequestScope, status: Status, errors: ErrorSettings, route?: Route): void {
  sendError(scope.reply, status, errors, []);
  scope.finish(status, route);
}

/** Asks the listener's own policies about a request that has no route. */
function admitStray(
  { exchange, reply }: RequestScope,
  { headers }: RoutingSnapshot,
  table: ListenerTable,
): Status | undefined {
  reply.commonHeaders.push(...headers);
  for (const policy of policySetOf(table, 0).policies) {
    const refusal = policy.admit(exchange, reply.commonHeaders);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

/** NO_ROUTE; NOT_READY while a schema that might have the route is missing. */
function noRoute({ exchange }: RequestScope, { pendingUpstreams }: ListenerTable): StatusError {
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
