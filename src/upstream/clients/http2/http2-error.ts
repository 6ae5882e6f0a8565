/**
 * Error codes of HTTP/2, and the one exception of this client: a peer that broke the protocol.
 */

/** Source: RFC 9113 section 7. */
export const ErrorCode = {
  NO_ERROR: 0x0,
  PROTOCOL_ERROR: 0x1,
  INTERNAL_ERROR: 0x2,
  FLOW_CONTROL_ERROR: 0x3,
  SETTINGS_TIMEOUT: 0x4,
  STREAM_CLOSED: 0x5,
  FRAME_SIZE_ERROR: 0x6,
  REFUSED_STREAM: 0x7,
  CANCEL: 0x8,
  COMPRESSION_ERROR: 0x9,
  CONNECT_ERROR: 0xa,
  ENHANCE_YOUR_CALM: 0xb,
  INADEQUATE_SECURITY: 0xc,
  HTTP_1_1_REQUIRED: 0xd,
} as const;

/**
 * A connection error (RFC 9113 section 5.4.1): the connection ends with a GOAWAY of `errorCode`.
 *
 * `message` completes "the upstream sent …" for people. Stream errors of the framing layer are raised to connection
 * errors, as section 5.4.1 allows: a peer whose frames are wrong is not worth a second guess.
 */
export class Http2Error extends Error {
  readonly errorCode: number;

  constructor(errorCode: number, message: string) {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(message);
    Error.stackTraceLimit = limit;
    this.name = "Http2Error";
    this.errorCode = errorCode;
  }
}
