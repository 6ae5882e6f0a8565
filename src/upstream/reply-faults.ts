/**
 * The statuses for replies that are not what gRPC promises, in words that are the same whichever client finds it.
 *
 * Text from the wire passes into them where an operator needs it; text of a library or of Node does not.
 */
import { fromBinary } from "@bufbuild/protobuf";
import { StatusSchema } from "../gen/google/rpc/status_pb.ts";
import {
  Code,
  codeOfHttpStatus,
  gatewayStatus,
  type Reason,
  type Status,
  type StatusDetail,
} from "../status/index.ts";
import type { RefusingLimit } from "./channel-stats.ts";

/** Faults of a connection by what Node's text for it holds, for a message that says no more than an operator needs. */
const CONNECT_FAULTS: readonly (readonly [RegExp, string])[] = [
  [/ECONNREFUSED/, "connection refused"],
  [/Name resolution failed|ENOTFOUND|EAI_AGAIN|No addresses resolved/, "its name does not resolve"],
  [/EHOSTUNREACH|ENETUNREACH/, "no route to it"],
  [/ETIMEDOUT/, "connection timed out"],
  [/ENOENT/, "no such socket"],
  [/EACCES|EPERM/, "permission denied"],
  [/certificate|altnames|CERT_|SELF_SIGNED|UNABLE_TO_/i, "its TLS certificate is not accepted"],
  [/SSL|TLS|EPROTO/, "the TLS handshake failed"],
  [/ERR_HTTP2|Protocol error/, "it does not speak HTTP/2"],
  [/ECONNRESET|EPIPE|socket hang up/, "connection reset"],
  [/no healthy endpoint/, "none of its endpoints is healthy"],
  [/Channel closed|shut down/, "the channel is closed"],
];

/** No connection could be had; `errorText` is what Node or OpenSSL said of it. */
export function unreachable(address: string, errorText: string): Status {
  const fault = CONNECT_FAULTS.find(([pattern]) => pattern.test(errorText))?.[1] ?? "no connection";
  return gatewayStatus("UPSTREAM_UNREACHABLE", `upstream ${address} cannot be reached: ${fault}`);
}

/** A limit of the channel is reached; `what` says what it counts. */
export function overloaded(address: string, what: string, limit: number, key: RefusingLimit): Status {
  const why = `the limit of ${what}, ${limit}, is reached (limits.${key})`;
  return gatewayStatus("UPSTREAM_OVERLOADED", `upstream ${address} is overloaded: ${why}`);
}

/** The connection broke while the call was under way. */
export function connectionLost(address: string): Status {
  return gatewayStatus("UPSTREAM_UNREACHABLE", `the connection to upstream ${address} was lost`);
}

/** The deadline passed; `progress` tells whether a stream had been opened. */
export function deadlineExpired(address: string, progress: "connecting" | "called"): Status {
  const what = progress === "called" ? "did not answer" : "could not be connected to";
  return gatewayStatus("DEADLINE", `upstream ${address} ${what} within the deadline`);
}

/** A reply of HTTP without gRPC; `contentType` is undefined where gRPC's own end is missing. */
export function notGrpc(address: string, contentType: string | undefined): Status {
  const what =
    contentType === undefined || contentType === ""
      ? "ended its reply without a gRPC status"
      : `answered with ${JSON.stringify(contentType.slice(0, 64))} instead of gRPC`;
  return gatewayStatus("UPSTREAM_PROTOCOL", `upstream ${address} ${what}`);
}

/** An HTTP error instead of a gRPC reply. Source: gRPC, "HTTP to gRPC Status Code Mapping". */
export function httpInsteadOfGrpc(address: string, httpStatus: number): Status {
  const message = `upstream ${address} answered with HTTP status ${httpStatus} instead of gRPC`;
  return coded("UPSTREAM_PROTOCOL", codeOfHttpStatus(httpStatus), message);
}

/** The upstream reset the stream. Source: gRPC over HTTP/2, "Errors". */
export function streamReset(address: string, errorCode: number): Status {
  if (errorCode === 0) return notGrpc(address, undefined);
  const code = RESET_CODES.get(errorCode) ?? Code.INTERNAL;
  const detail = RESET_CODES.has(errorCode) ? "" : ` (HTTP/2 error ${errorCode})`;
  return coded("UPSTREAM_PROTOCOL", code, `upstream ${address} reset the call${detail}`);
}

/** REFUSED_STREAM, CANCEL, ENHANCE_YOUR_CALM, INADEQUATE_SECURITY; INTERNAL for all others. */
const RESET_CODES: ReadonlyMap<number, Code> = new Map<number, Code>([
  [0x7, Code.UNAVAILABLE],
  [0x8, Code.CANCELLED],
  [0xb, Code.RESOURCE_EXHAUSTED],
  [0xc, Code.PERMISSION_DENIED],
]);

/** A message is longer than `maxReceiveMessageBytes`. */
export function replyTooLarge(address: string): Status {
  return gatewayStatus("UPSTREAM_REPLY_TOO_LARGE", `the reply of upstream ${address} is too large`);
}

/** The upstream ended its reply with OK, but within a message. */
export function messageCut(address: string): Status {
  return gatewayStatus("UPSTREAM_REPLY_INVALID", `upstream ${address} ended its reply within a message`);
}

/** The upstream refused to process the call, as often as it was sent. */
export function callRefused(address: string): Status {
  return gatewayStatus("UPSTREAM_UNREACHABLE", `upstream ${address} refuses calls`);
}

/** A compressed message that is not, or of an unknown encoding. */
export function notDecompressable(address: string): Status {
  return gatewayStatus("UPSTREAM_REPLY_INVALID", `the reply of upstream ${address} cannot be decompressed`);
}

/** A gateway's status with the code that gRPC's tables give instead of the reason's own. */
export function coded(reason: Reason, code: Code, message: string): Status {
  return { ...gatewayStatus(reason, message), code };
}

/** Whether `value` names gRPC; trailers without a content type are given the benefit of the doubt. */
export function isGrpcContentType(value: string | undefined): boolean {
  if (value === undefined) return true;
  if (!value.startsWith("application/grpc")) return false;
  const next = value.charAt("application/grpc".length);
  return next === "" || next === "+" || next === ";" || next === " ";
}

/**
 * Message and details of a `grpc-status-details-bin`, if it decodes and agrees with `grpc-status`; `message` stands in
 * for an empty one.
 */
export function statusDetails(
  bytes: Uint8Array,
  code: Code,
  message: string,
): { readonly message: string; readonly details: readonly StatusDetail[] } | undefined {
  try {
    const status = fromBinary(StatusSchema, bytes);
    if (status.code !== code) return undefined;
    return {
      message: status.message === "" ? message : status.message,
      details: status.details.map(({ typeUrl, value }) => ({ typeUrl, value })),
    };
  } catch {
    // Details are an extra; what does not decode is as good as not sent.
    return undefined;
  }
}
