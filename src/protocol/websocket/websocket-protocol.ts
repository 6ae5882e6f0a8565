/**
 * WebSocket: every kind of method over one connection, which carries one call.
 */
import type { HeaderList, HttpExchange } from "../../http/index.ts";
import { refuse } from "../../status/index.ts";
import { type Dialogue, isClientStream, type MatchedRequest, type Protocol } from "../dialogue.ts";
import { isForwardable } from "../rest/request-metadata.ts";
import { type Handshake, overlayFields, readHandshake } from "./handshake.ts";
import { messageFormat } from "./message-format.ts";
import { checkOrigin } from "./origin-check.ts";
import { Socket } from "./socket.ts";
import { SocketWriter } from "./socket-writer.ts";

/** What a listener says about its WebSockets. */
export interface WebSocketSettings {
  /** Whether pages of this origin may open one, besides those of the gateway's own host and those that CORS names. */
  readonly allowsOrigin: (origin: string) => boolean;
  /** As of the listener. */
  readonly trustedHops: number;
  /**
   * `frame`: the first frame of every connection is `@headers`, and nothing counts before it. `subprotocol`: header fields
   * come with the handshake alone.
   */
  readonly credentials: "subprotocol" | "frame";
  /** How often a client is asked for a sign of life; Infinity means never. */
  readonly pingIntervalMs: number;
  /** Longest message on any route. */
  readonly maxMessageBytes: number;
}

/** The WebSockets of one listener. */
export class WebSocketProtocol {
  readonly #settings: WebSocketSettings;

  constructor(settings: WebSocketSettings) {
    this.#settings = settings;
  }

  /**
   * Looks at a handshake, whatever its route.
   * @throws {StatusError} INVALID_ARGUMENT, reason HANDSHAKE_INVALID.
   */
  greet({ headers }: HttpExchange): SocketProtocol {
    return new SocketProtocol(readHandshake(headers), this.#settings);
  }
}

/** The protocol of one connection. */
export class SocketProtocol implements Protocol {
  /** The HTTP method of the binding that the client wants; undefined leaves it to the path. */
  readonly method: string | undefined;
  readonly #handshake: Handshake;
  readonly #settings: WebSocketSettings;

  constructor(handshake: Handshake, settings: WebSocketSettings) {
    this.method = handshake.method;
    this.#handshake = handshake;
    this.#settings = settings;
  }

  /**
   * Lets pages in by their origin, once the route is known: `isNamed` says which the route's CORS names.
   * @throws {StatusError} PERMISSION_DENIED, reason ORIGIN_REFUSED.
   */
  admit({ headers }: HttpExchange, isNamed: (origin: string) => boolean): void {
    const { allowsOrigin, trustedHops } = this.#settings;
    checkOrigin(headers, (origin) => allowsOrigin(origin) || isNamed(origin), trustedHops);
  }

  /** Path and query are looked at here, so that what is wrong with them is an HTTP error. */
  open({ reply, route, assembler, renderer }: MatchedRequest): Dialogue {
    const { credentials, pingIntervalMs, maxMessageBytes } = this.#settings;
    const { spoken, named } = this.#handshake;
    const format = messageFormat(spoken, assembler, renderer);
    assembler.check();
    let { headers } = this.#handshake;
    const isBodiless = !isClientStream(route) && route.transcoder.requestBody === "none";
    const socket = new Socket(
      reply,
      route,
      format,
      {
        protocol: named ?? "",
        headers: [],
        maxMessageBytes: Math.min(maxMessageBytes, route.settings.maxRequestBodyBytes),
        awaitsHeaders: credentials === "frame",
        pingIntervalMs,
        onHeaders: (fields) => {
          headers = overlayFields(headers, checkFields(fields));
        },
      },
      isBodiless ? () => assembler.assemble(NO_BODY) : undefined,
    );
    return {
      reader: socket,
      get headers() {
        return headers;
      },
      makeWriter: () => new SocketWriter(reply, route, format, () => socket.release()),
      opensAtOnce: credentials === "subprotocol" && isClientStream(route),
    };
  }
}

const NO_BODY = new Uint8Array(0);

/** What a frame says must not pass for what proxies or the connection say. */
function checkFields(fields: HeaderList): HeaderList {
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] ?? "";
    if (!isForwardable(name)) {
      throw refuse("FRAME_INVALID", `@headers cannot set ${JSON.stringify(name.slice(0, 64))}`);
    }
  }
  return fields;
}
