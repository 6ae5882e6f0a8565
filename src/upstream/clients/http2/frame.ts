/**
 * Numbers of the HTTP/2 framing layer.
 *
 *     +-----------------------------------------------+
 *     |                 Length (24)                   |
 *     +---------------+---------------+---------------+
 *     |   Type (8)    |   Flags (8)   |
 *     +-+-------------+---------------+-------------------------------+
 *     |R|                 Stream Identifier (31)                      |
 *     +=+=============================================================+
 *     |                   Frame Payload (0...)                      ...
 *
 * Source: RFC 9113 sections 4.1, 6 and 6.5.2.
 */

/** Length of every frame's head. */
export const FRAME_HEAD_BYTES = 9;

/** The largest payload that every peer takes, and the largest that this client asks for. */
export const DEFAULT_MAX_FRAME_BYTES: number = 16_384;

/** A window of a peer that has not said otherwise. */
export const DEFAULT_WINDOW_BYTES: number = 65_535;

/** No window may grow beyond this. */
export const MAX_WINDOW_BYTES: number = 2 ** 31 - 1;

/** A connection has no stream beyond this: stream numbers have 31 bits. */
export const MAX_STREAM_ID: number = 2 ** 31 - 1;

/** Types of frames. */
export const FrameType = {
  DATA: 0x0,
  HEADERS: 0x1,
  PRIORITY: 0x2,
  RST_STREAM: 0x3,
  SETTINGS: 0x4,
  PUSH_PROMISE: 0x5,
  PING: 0x6,
  GOAWAY: 0x7,
  WINDOW_UPDATE: 0x8,
  CONTINUATION: 0x9,
} as const;

/** Flags of frames, each for some types alone. */
export const Flag = {
  /** DATA, HEADERS. */
  END_STREAM: 0x1,
  /** SETTINGS, PING. */
  ACK: 0x1,
  END_HEADERS: 0x4,
  PADDED: 0x8,
  PRIORITY: 0x20,
} as const;

/** Identifiers of the parameters in SETTINGS. */
export const SettingId = {
  HEADER_TABLE_SIZE: 0x1,
  ENABLE_PUSH: 0x2,
  MAX_CONCURRENT_STREAMS: 0x3,
  INITIAL_WINDOW_SIZE: 0x4,
  MAX_FRAME_SIZE: 0x5,
  MAX_HEADER_LIST_SIZE: 0x6,
} as const;

/** What a client sends first (RFC 9113 section 3.4). */
export const CLIENT_PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/** The unsigned 32-bit number at `at`. */
export function readUint32(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] ?? 0) * 0x1000000 +
    (((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0))
  );
}
