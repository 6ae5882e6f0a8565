/**
 * One endpoint of a channel as those see it who judge endpoints: health checks and outlier ejection.
 *
 * A channel shows each endpoint to its Availability when the resolver finds it, tells the observer that it gets what
 * becomes of the calls on it, and sends calls to those alone that are available.
 */
import type { Status } from "../status/index.ts";
import type { Call, CallListener, Metadata } from "./channel.ts";
import type { EjectionReason } from "./health/outlier-member.ts";

/** An endpoint, for whoever judges it. */
export interface EndpointView {
  /** `10.0.0.7:50051`, `[::1]:50051` or `unix:/path`. */
  readonly name: string;
  /** Whether a connection is there. */
  readonly isReady: boolean;
  /**
   * Opens a call on this endpoint and no other, whether it is available or not; refused at once where it is not
   * connected, or no connection has room (reason UPSTREAM_OVERLOADED). As `Channel.open` otherwise, but the channel's limits and the observer take no notice of it, and the channel
   * does not wait for it when it closes.
   */
  open(rpcPath: string, metadata: Metadata, deadlineMs: number, listener: CallListener): Call;
}

/**
 * How a call on an endpoint ended: the upstream gave a status; the connection, the stream or the reply broke, which the
 * endpoint is to blame for; its connection broke, and another call has told of that; the deadline passed; the gateway or
 * its client gave up, or the call goes elsewhere, which says nothing of the endpoint.
 */
export type CallEnd = "answered" | "broken" | "lost" | "expired" | "abandoned";

/** Hears of one endpoint, and says whether calls may go to it. */
export interface EndpointObserver {
  /**
   * Read whenever endpoints or their connections come and go, and after `onCallSent`; any other change of it is told by
   * the `onChange` of {@link WatchEndpoints}.
   */
  readonly isAvailable: boolean;
  /** Whether nothing is known against it; panic or not. */
  readonly isHealthy: boolean;
  /** How often it was ejected so far, by reason. */
  readonly ejections: Readonly<Record<EjectionReason, number>>;
  /** The first connection is there. */
  onReady(): void;
  /** A connection takes no calls any more, while another does: what does not end by itself is to move there. */
  onReplaced(): void;
  /** The last connection that took calls is gone. */
  onLost(): void;
  /** No connection could be had. */
  onUnreachable(): void;
  /** Runs for every call, when its stream is opened. */
  onCallSent(): void;
  /** The head of the reply came `now` for a call sent at `sentAt`; not for a reply that is a status and nothing else. */
  onReplyStarted(sentAt: number, now: number): void;
  /** Runs once for every call that was sent at `sentAt`; `silent` without `onReplyStarted` before. */
  onCallEnded(status: Status, end: CallEnd, sentAt: number, progress: "silent" | "replied"): void;
  /** The resolver does not name the endpoint any more, or the channel closes: whatever runs for it has to end. */
  onRemoved(): void;
}

/** Decides which endpoints of one channel are available. */
export interface Availability {
  /** A new endpoint. */
  observe(endpoint: EndpointView): EndpointObserver;
}

/** Makes the Availability of one channel, which calls `onChange` after the `isAvailable` of an observer has changed. */
export type WatchEndpoints = (onChange: () => void) => Availability;
