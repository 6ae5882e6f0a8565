/** What a channel tells of itself when metrics are read: counts since it was made, and how things stand now. */
import type { Connectivity } from "./connectivity.ts";
import type { EjectionReason } from "./health/outlier-member.ts";

/** One endpoint. */
export interface EndpointStats {
  /** `10.0.0.7:50051`, `[::1]:50051` or `unix:/path`; several where the client does not tell them apart. */
  readonly name: string;
  readonly state: Connectivity;
  /** Connections that take calls. */
  readonly connections: number;
  /** Calls under way on it. */
  readonly openStreams: number;
  /** Calls that went to it, those included that went again. */
  readonly picks: number;
  /** On its sockets; undefined where the client does not tell, as for what follows. */
  readonly sentBytes: number | undefined;
  readonly receivedBytes: number | undefined;
  /** Connections that came to take calls. */
  readonly connects: number | undefined;
  /** Attempts to connect that failed. */
  readonly connectFailures: number | undefined;
  /** False while it is ejected or says that it does not serve; undefined where nobody watches. */
  readonly isHealthy: boolean | undefined;
  /** How often it was ejected, by reason. */
  readonly ejections: Readonly<Partial<Record<EjectionReason, number>>>;
}

/** A limit that a call ran into. */
export type RefusingLimit = "maxInFlight" | "maxPending" | "maxPendingBytes";

/** Why a call was sent again: REFUSED_STREAM, a GOAWAY that names an earlier call, or its bytes never left. */
export type ResendReason = "refused" | "goaway" | "never_sent";

/** One channel. */
export interface ChannelStats {
  readonly state: Connectivity;
  /** Those that the resolver names now. */
  readonly endpoints: readonly EndpointStats[];
  /** Calls that have not ended, those included that wait. */
  readonly openCalls: number;
  /** Calls that wait for a connection with room; undefined where the client does not tell, as for what follows. */
  readonly pendingCalls: number | undefined;
  readonly pendingBytes: number | undefined;
  /** Calls that were refused at once, by limit. */
  readonly refusedCalls: Readonly<Partial<Record<RefusingLimit, number>>>;
  /** Calls that the upstream never processed and that were sent again for this, by reason. */
  readonly resentCalls: Readonly<Partial<Record<ResendReason, number>>>;
}
