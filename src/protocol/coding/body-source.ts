/** Where request readers get their bodies from: the exchange itself, or what decodes its body on the way. */
import type { BodyListener } from "../../http/index.ts";
import type { StatusError } from "../../status/index.ts";

/** Receives a request body. Exactly one of `onEnd`, `onTooLarge` and `onBroken` comes, last. */
export interface BodySink extends BodyListener {
  /** The body cannot be decoded: `error` says why. */
  onBroken(error: StatusError): void;
}

/** A request body; the part of `HttpExchange` that readers need. */
export interface BodySource {
  /** As `HttpExchange.readBody`; `limitBytes` counts what comes out. */
  readBody(limitBytes: number, sink: BodySink): void;
  pauseBody(): void;
  resumeBody(): void;
}
