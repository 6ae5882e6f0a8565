/**
 * The port for resolvers: from the addresses of an upstream to the endpoints behind them, now and as they change.
 * `resolvers/` has those for sockets and DNS names; a registry of services is one more.
 */
import type { SocketAddress } from "./address.ts";

/** A place where the upstream can be called. */
export interface ResolvedEndpoint {
  readonly address: SocketAddress;
  /** The host as configured, before it was resolved: the name in `:authority` and in the certificate. */
  readonly host: string;
  /** Above 0; only its relation to the other weights counts. */
  readonly weight: number;
}

/** Hears what a resolver finds. */
export interface ResolverListener {
  /** All endpoints there are now, never none; the order is that of preference. */
  onEndpoints(endpoints: readonly ResolvedEndpoint[]): void;
  /** No endpoint is known, since `fault` (for `unreachable`). Not told while an earlier answer stands. */
  onFault(fault: string): void;
}

/** Finds the endpoints of one upstream. */
export interface Resolver {
  /** Whether a first answer is under way, which calls may wait for. */
  readonly isResolving: boolean;
  /** Begins, once; answers come to `listener`, perhaps before this returns. */
  start(listener: ResolverListener): void;
  /** Looks again, since a connection was lost or a call finds no endpoint; as often as the resolver thinks right. */
  resolveNow(): void;
  /** Ends; nothing is told any more. */
  stop(): void;
}
