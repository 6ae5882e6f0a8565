export { BodyDeadlines, type DueBody } from "./body-deadlines.ts";
export type { ConnectionOwner } from "./connection-owner.ts";
export { HeldMessages } from "./held-messages.ts";
export { type BodyOwner, NodeBody } from "./node-body.ts";
export { type PieceListener, PieceWriter } from "./piece-writer.ts";
export {
  CONNECTIONS_FULL,
  HEAD_TOO_SLOW,
  HOST_NOT_ONE,
  HOST_NOT_PLAIN,
  headTooLarge,
  NOT_HTTP,
  REFUSAL_HEADERS,
  type Refusal,
  refusalBytes,
  refusalOfCount,
  refusalOfHead,
  refusalOfUrl,
  TARGET_NOT_PLAIN,
} from "./refusal.ts";
export { isAscii, isSendableField } from "./reply-field.ts";
export {
  CHUNKED,
  type HeadFacts,
  hasToken,
  isPlainMethod,
  isPlainQuery,
  isPlainTarget,
  readHeadFacts,
} from "./request-head.ts";
export { finalStatus, isBodiless, reasonPhrase, statusLine } from "./status-line.ts";

/**
 * Bytes of an unread body that a reply leaves to be skipped on a connection that lives on; with more to come, the
 * connection is closed instead.
 */
export const MAX_SKIPPED_BODY_BYTES: number = 64 * 1024;
