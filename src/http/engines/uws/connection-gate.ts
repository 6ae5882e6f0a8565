/**
 * The connections of a listener on uWebSockets.js: counted, and refused beyond the limit.
 *
 * The addon tells of every connection when it opens, with a response that may be answered there and then, and when it
 * closes as an HTTP connection. It does not tell which one closes; only a handler set at the opening knows, and that stays
 * until the first request sets its own.
 */
import type { ConnectionRefusalListener, ListenOptions, RefusalListener } from "../../engine.ts";
import { CONNECTIONS_FULL, HEAD_TOO_SLOW, REFUSAL_HEADERS, statusLine } from "../common/index.ts";
import type { AddonResponse } from "./addon.ts";
import { addressText } from "./address-text.ts";

/** A connection that lived this long without a whole head was closed by the addon, whose 10 s are 8 to 12. */
const HEAD_TIMEOUT_MS = 8_000;

/** Counts and refuses the connections of one listener. */
export class ConnectionGate {
  readonly #limit: number;
  readonly #isPlain: boolean;
  readonly #onRefused: RefusalListener | undefined;
  readonly #onConnectionRefused: ConnectionRefusalListener | undefined;
  #http = 0;
  #webSockets = 0;
  #accepted = 0;
  #refused = 0;

  /** For a listener with these options. */
  constructor({ limits, tls, onRefused, onConnectionRefused }: ListenOptions) {
    this.#limit = limits.connections;
    this.#isPlain = tls === undefined;
    this.#onRefused = onRefused;
    this.#onConnectionRefused = onConnectionRefused;
  }

  /** Open connections that have not become WebSockets. */
  get http(): number {
    return this.#http;
  }

  /** All open connections. */
  get open(): number {
    return this.#http + this.#webSockets;
  }

  get accepted(): number {
    return this.#accepted;
  }

  get refused(): number {
    return this.#refused;
  }

  /** A connection has opened; it is closed before this returns if it is one too many. */
  opened(response: AddonResponse): void {
    this.#http++;
    this.#accepted++;
    const peer = addressText(response.getRemoteAddress());
    if (this.open > this.#limit) {
      this.#refuse(response, peer);
      return;
    }
    const openedAt = performance.now();
    response.onAborted(() => {
      if (performance.now() - openedAt >= HEAD_TIMEOUT_MS) this.#tellOfLateHead(peer);
    });
  }

  /** A connection has closed that was no WebSocket. */
  closed(): void {
    this.#http--;
  }

  /** A connection has become a WebSocket: the addon will not tell of its end. */
  upgraded(): void {
    this.#http--;
    this.#webSockets++;
  }

  /** A WebSocket has ended. */
  webSocketClosed(): void {
    this.#webSockets--;
  }

  #refuse(response: AddonResponse, peer: string): void {
    this.#refused++;
    if (!this.#isPlain) {
      // An answer would have to wait for the handshake.
      this.#onConnectionRefused?.({ fault: "connection-limit", peer, detail: `${this.#limit} are open` });
      response.close();
      return;
    }
    const { reason, status, body } = CONNECTIONS_FULL;
    response.cork(() => {
      response.writeStatus(statusLine(status));
      // `end` adds `connection: close`, and closes.
      for (let i = 0; i + 1 < REFUSAL_HEADERS.length; i += 2) {
        const name = REFUSAL_HEADERS[i] ?? "";
        if (name !== "connection") response.writeHeader(name, REFUSAL_HEADERS[i + 1] ?? "");
      }
      response.end(body, true);
    });
    this.#onRefused?.({ reason, httpStatus: status, peer, method: "", path: "", bytesOut: body.length });
  }

  /** The addon has closed it without a word. */
  #tellOfLateHead(peer: string): void {
    const { reason, status } = HEAD_TOO_SLOW;
    this.#onRefused?.({ reason, httpStatus: status, peer, method: "", path: "", bytesOut: 0 });
  }
}
