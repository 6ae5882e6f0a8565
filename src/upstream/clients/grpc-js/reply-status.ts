/**
 * What grpc-js reports at the end of a call, as a Status: the one place where transport failures convert.
 *
 * grpc-js gives the upstream's own statuses and those that it makes itself the same shape. Three things tell them
 * apart: the peer of the call (without one, no stream was ever opened), the trailers (only the wire fills them), and,
 * where both leave it open, grpc-js's fixed texts.
 */
import type { StatusObject } from "@grpc/grpc-js";
import { Code, codeOfHttpStatus, isCode, OK, type Status, upstreamStatus } from "../../../status/index.ts";
import {
  coded,
  connectionLost,
  deadlineExpired,
  httpInsteadOfGrpc,
  isGrpcContentType,
  notDecompressable,
  notGrpc,
  replyTooLarge,
  statusDetails,
  streamReset,
  unreachable,
} from "../../reply-faults.ts";

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

/** The Status for what grpc-js reported. Text from the wire passes into it; text of grpc-js or Node does not. */
export function statusOfReply(reported: StatusObject, context: ReplyContext): Status {
  const { address } = context;
  const { code: reportedCode, details: reportedText }: Partial<StatusObject> = reported;
  // grpc-js's way of saying that a message cannot be decompressed is to report neither code nor text.
  if (reportedCode === undefined) {
    return notDecompressable(address);
  }
  const code: number = reportedCode;
  const text = reportedText ?? "";
  if (context.isExpired && (code === Code.DEADLINE_EXCEEDED || code === Code.CANCELLED)) {
    return deadlineExpired(address, context.hasStream ? "called" : "connecting");
  }
  if (!context.hasStream) return unreachable(address, text);
  const foreign = foreignReply(reported, code, text, context);
  if (foreign !== undefined) return foreign;
  if (code === Code.OK) return OK;
  if (reported.metadata.toHttp2Headers()["content-type"] === undefined) {
    const local = brokenReply(code, text, context);
    if (local !== undefined) return local;
  }
  const known = isCode(code) ? code : Code.UNKNOWN;
  const bytes = reported.metadata.get("grpc-status-details-bin")[0];
  const details = typeof bytes === "object" ? statusDetails(bytes, known, text) : undefined;
  return upstreamStatus(known, details?.message ?? text, details?.details);
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
    if (httpStatus === 200) return notGrpc(context.address, contentType);
    return httpInsteadOfGrpc(context.address, httpStatus);
  }
  return context.foreignContentType === undefined ? undefined : notGrpc(context.address, contentType);
}

/** The Status for a reply that broke off, or undefined if the upstream itself sent this status. */
function brokenReply(code: number, text: string, context: ReplyContext): Status | undefined {
  const { address } = context;
  if (code === Code.RESOURCE_EXHAUSTED && TOO_LARGE.test(text)) {
    return replyTooLarge(address);
  }
  if (code === Code.UNAVAILABLE && LOST.test(text)) {
    return connectionLost(address);
  }
  const reset = RESET.exec(text)?.[1];
  if (code === Code.INTERNAL && reset !== undefined) {
    return streamReset(address, Number(reset));
  }
  if (isCode(code) && RESET_WITHOUT_CODE.has(text)) {
    return coded("UPSTREAM_PROTOCOL", code, `upstream ${address} reset the call`);
  }
  if (code === Code.INTERNAL && text.startsWith("Failed to decompress ")) {
    return notDecompressable(address);
  }
  return undefined;
}
