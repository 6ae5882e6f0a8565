/**
 * What grpc-js reports at the end of a call, as a Status: the one place where transport failures convert.
 *
 * grpc-js gives the upstream's own statuses and those that it makes itself the same shape. Three things tell them
 * apart: the peer of the call (without one, no stream was ever opened), the trailers (only the wire fills them), and,
 * where both leave it open, grpc-js's fixed texts.
 */
import { fromBinary } from "@bufbuild/protobuf";
import type { StatusObject } from "@grpc/grpc-js";
import { StatusSchema } from "../../../gen/google/rpc/status_pb.ts";
import {
  Code,
  codeOfHttpStatus,
  gatewayStatus,
  isCode,
  OK,
  type Reason,
  type Status,
  type StatusDetail,
  upstreamStatus,
} from "../../../status/index.ts";

/** What the call knows of its reply. */
export interface ReplyContext {
  /** For people: the address of the upstream. */
  readonly address: string;
  /** Whether a stream to the upstream was opened at all. */
  readonly hasStream: boolean;
  /** Whether the call's deadline has passed. */
  readonly isExpired: boolean;
  /** Whether headers came that say they are gRPC's. */
  readonly hasGrpcHeaders: boolean;
  /** The content type of the reply's headers if it is not gRPC's, "" if they had none; undefined if it is gRPC's. */
  readonly foreignContentType: string | undefined;
}

const HTTP_STATUS = /^Received HTTP status code (\d{3})$/;
const TOO_LARGE = /^Received message (larger than max|that decompresses to a size larger than)/;
const RESET = /^Received RST_STREAM with code (\d+)/;
const LOST = /^(Connection dropped|Write (error|failed)|read E|write E|Stream refused by server)/;
const RESET_WITHOUT_CODE: ReadonlySet<string> = new Set([
  "Call cancelled",
  "Bandwidth exhausted or memory limit exceeded",
  "Protocol not secure enough",
]);

/** Faults of a connection by what grpc-js's text holds, for a message that says no more than an operator needs. */
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
  [/Channel closed|shut down/, "the channel is closed"],
];

/** The Status for what grpc-js reported. Text from the wire passes into it; text of grpc-js or Node does not. */
export function statusOfReply(reported: StatusObject, context: ReplyContext): Status {
  const { address } = context;
  const { code: reportedCode, details: reportedText }: Partial<StatusObject> = reported;
  // grpc-js's way of saying that a message cannot be decompressed is to report neither code nor text.
  if (reportedCode === undefined) {
    return gatewayStatus("UPSTREAM_REPLY_INVALID", `the reply of upstream ${address} cannot be decompressed`);
  }
  const code: number = reportedCode;
  const text = reportedText ?? "";
  if (context.isExpired && (code === Code.DEADLINE_EXCEEDED || code === Code.CANCELLED)) {
    const what = context.hasStream ? "did not answer" : "could not be connected to";
    return gatewayStatus("DEADLINE", `upstream ${address} ${what} within the deadline`);
  }
  if (!context.hasStream) return unreachable(text, context);
  const foreign = foreignReply(reported, code, text, context);
  if (foreign !== undefined) return foreign;
  if (code === Code.OK) return OK;
  if (reported.metadata.toHttp2Headers()["content-type"] === undefined) {
    const local = brokenReply(code, text, context);
    if (local !== undefined) return local;
  }
  const known = isCode(code) ? code : Code.UNKNOWN;
  const details = detailsOf(reported, known);
  return upstreamStatus(known, details?.message ?? text, details?.details);
}

function unreachable(text: string, context: ReplyContext): Status {
  const fault = CONNECT_FAULTS.find(([pattern]) => pattern.test(text))?.[1] ?? "no connection";
  return gatewayStatus("UPSTREAM_UNREACHABLE", `upstream ${context.address} cannot be reached: ${fault}`);
}

/** A reply that is HTTP but not gRPC, by its content type or for want of a grpc-status. */
function foreignReply(
  reported: StatusObject,
  code: number,
  text: string,
  context: ReplyContext,
): Status | undefined {
  const trailersType = reported.metadata.get("content-type")[0]?.toString();
  const contentType =
    context.foreignContentType ?? (isGrpcContentType(trailersType) ? undefined : trailersType);
  const httpStatus = Number(HTTP_STATUS.exec(text)?.[1]);
  // After gRPC headers of status 200 only the missing grpc-status can be grpc-js's own finding.
  const isOwnFinding = context.hasGrpcHeaders
    ? httpStatus === 200
    : contentType !== undefined || trailersType === undefined;
  if (isOwnFinding && code === codeOfHttpStatus(httpStatus)) {
    if (httpStatus === 200) return notGrpc(contentType, context);
    const message = `upstream ${context.address} answered with HTTP status ${httpStatus} instead of gRPC`;
    return coded("UPSTREAM_PROTOCOL", codeOfHttpStatus(httpStatus), message);
  }
  return context.foreignContentType === undefined ? undefined : notGrpc(contentType, context);
}

function notGrpc(contentType: string | undefined, context: ReplyContext): Status {
  const what =
    contentType === undefined || contentType === ""
      ? "ended its reply without a gRPC status"
      : `answered with ${JSON.stringify(contentType.slice(0, 64))} instead of gRPC`;
  return gatewayStatus("UPSTREAM_PROTOCOL", `upstream ${context.address} ${what}`);
}

/** The Status for a reply that broke off, or undefined if the upstream itself sent this status. */
function brokenReply(code: number, text: string, context: ReplyContext): Status | undefined {
  const { address } = context;
  if (code === Code.RESOURCE_EXHAUSTED && TOO_LARGE.test(text)) {
    return gatewayStatus("UPSTREAM_REPLY_TOO_LARGE", `the reply of upstream ${address} is too large`);
  }
  if (code === Code.UNAVAILABLE && LOST.test(text)) {
    return gatewayStatus("UPSTREAM_UNREACHABLE", `the connection to upstream ${address} was lost`);
  }
  const reset = RESET.exec(text)?.[1];
  if (code === Code.INTERNAL && reset !== undefined) {
    if (reset === "0") return notGrpc(undefined, context);
    const message = `upstream ${address} reset the call (HTTP/2 error ${reset})`;
    return coded("UPSTREAM_PROTOCOL", Code.INTERNAL, message);
  }
  if (isCode(code) && RESET_WITHOUT_CODE.has(text)) {
    return coded("UPSTREAM_PROTOCOL", code, `upstream ${address} reset the call`);
  }
  if (code === Code.INTERNAL && text.startsWith("Failed to decompress ")) {
    return gatewayStatus("UPSTREAM_REPLY_INVALID", `the reply of upstream ${address} cannot be decompressed`);
  }
  return undefined;
}

/** A gateway's status with the code that gRPC's tables give instead of the reason's own. */
function coded(reason: Reason, code: Code, message: string): Status {
  return { ...gatewayStatus(reason, message), code };
}

/** Whether `value` names gRPC; trailers without a content type are given the benefit of the doubt. */
export function isGrpcContentType(value: string | undefined): boolean {
  if (value === undefined) return true;
  if (!value.startsWith("application/grpc")) return false;
  const next = value.charAt("application/grpc".length);
  return next === "" || next === "+" || next === ";" || next === " ";
}

/** `grpc-status-details-bin`, if it decodes and agrees with `grpc-status`. */
function detailsOf(
  reported: StatusObject,
  code: Code,
): { readonly message: string; readonly details: readonly StatusDetail[] } | undefined {
  const bytes = reported.metadata.get("grpc-status-details-bin")[0];
  if (bytes === undefined || typeof bytes === "string") return undefined;
  try {
    const status = fromBinary(StatusSchema, bytes);
    if (status.code !== code) return undefined;
    return {
      message: status.message === "" ? reported.details : status.message,
      details: status.details.map(({ typeUrl, value }) => ({ typeUrl, value })),
    };
  } catch {
    // Details are an extra; what does not decode is as good as not sent.
    return undefined;
  }
}
