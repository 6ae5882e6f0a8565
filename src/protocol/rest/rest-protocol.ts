/**
 * Plain HTTP: a request body in, a reply body out.
 */
import { openRequestBody } from "../coding/index.ts";
import { type Dialogue, isClientStream, type MatchedRequest, type Protocol } from "../dialogue.ts";
import type { Heartbeats } from "./heartbeats.ts";
import { chooseReplyWriter } from "./reply-writer.ts";
import { chooseRequestReader } from "./request-reader.ts";

/** Takes every request that is no WebSocket handshake. */
export class RestProtocol implements Protocol {
  readonly #heartbeats: Heartbeats;

  constructor(heartbeats: Heartbeats) {
    this.#heartbeats = heartbeats;
  }

  open({ reply, route, assembler, renderer }: MatchedRequest): Dialogue {
    const { exchange } = reply;
    const body = openRequestBody(exchange, route.settings.requestDecoding);
    return {
      body,
      reader: chooseRequestReader(body, route, assembler),
      headers: exchange.headers,
      opensAtOnce: isClientStream(route),
      makeWriter: () => chooseReplyWriter(reply, route, renderer, this.#heartbeats),
    };
  }
}
