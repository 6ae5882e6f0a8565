/**
 * Chooses how a request is read: once a request, from what the route is.
 */
import type { HttpExchange } from "../../http/index.ts";
import { gatewayStatus, type Status, StatusError } from "../../status/index.ts";
import type { ProtocolRoute, RequestReader } from "../protocol.ts";
import type { MessageAssembler } from "./message-assembler.ts";
import { WholeBodyReader } from "./request-body.ts";

/**
 * The reader for a request to `route`.
 * @throws {StatusError} UNIMPLEMENTED, reason STREAMING_UNSUPPORTED, where the client would have to stream.
 */
export function chooseRequestReader(
  exchange: HttpExchange,
  route: ProtocolRoute,
  assembler: MessageAssembler,
): RequestReader {
  const refusal = kindRefusal(route.method);
  if (refusal !== undefined) throw new StatusError(refusal);
  return new WholeBodyReader(exchange, assembler, route.settings.maxRequestBodyBytes);
}

/** Why a method cannot be called over HTTP; undefined where it can. */
export function kindRefusal({ kind, fullName }: ProtocolRoute["method"]): Status | undefined {
  if (kind !== "client_streaming" && kind !== "bidi_streaming") return undefined;
  const what = `${fullName} is ${kind}: messages cannot be streamed over HTTP yet`;
  return gatewayStatus("STREAMING_UNSUPPORTED", what);
}
