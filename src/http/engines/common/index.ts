export { HeldMessages } from "./held-messages.ts";
export {
  HEAD_TOO_LARGE,
  HEAD_TOO_SLOW,
  HOST_NOT_ONE,
  NOT_HTTP,
  REFUSAL_HEADERS,
  type Refusal,
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
