/**
 * How a status looks as the end of a WebSocket, and the end of a WebSocket as a status.
 */
import { CloseCode } from "../../http/index.ts";
import { Code, gatewayStatus, type Status } from "../../status/index.ts";

/** Application codes begin here (RFC 6455, section 7.4.2): 4000 and the gRPC code. */
const FIRST_APPLICATION_CODE = 4000;
/** What a control frame holds, without the code. Source: RFC 6455 section 5.5. */
const MAX_REASON_BYTES = 123;

/** The close code for a call that ended with `status`. */
export function closeCodeOf({ code, reason }: Status): number {
  if (code === Code.OK) return CloseCode.NORMAL;
  return reason === "DRAINING" ? CloseCode.GOING_AWAY : FIRST_APPLICATION_CODE + code;
}

/** The start of `message` that fits in a close frame, cut between characters. */
export function closeReason(message: string): string {
  const bytes = Buffer.from(message);
  if (bytes.length <= MAX_REASON_BYTES) return bytes.toString();
  let end = MAX_REASON_BYTES;
  // A byte 10xxxxxx continues a character.
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.toString("utf8", 0, end);
}

/** What an end that the gateway has not brought about means for the call. */
export function statusOfClose(code: number, reason: string): Status {
  const text = reason === "" ? "" : `: ${reason}`;
  switch (code) {
    case CloseCode.PROTOCOL_ERROR:
    case CloseCode.NOT_UTF8:
    case CloseCode.POLICY:
      return gatewayStatus("FRAME_INVALID", `the client broke the WebSocket protocol${text}`);
    case CloseCode.TOO_LARGE:
      return gatewayStatus("BODY_TOO_LARGE", `a message is longer than its limit${text}`);
    case CloseCode.TRY_LATER:
      return gatewayStatus("CLIENT_TOO_FAST", reason);
    case CloseCode.LOST:
      return gatewayStatus("CLIENT_GONE", `the connection was lost${text}`);
    default:
      return gatewayStatus("CLIENT_GONE", `the client closed the WebSocket with ${code}${text}`);
  }
}
