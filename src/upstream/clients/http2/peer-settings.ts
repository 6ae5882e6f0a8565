/** What the upstream says of itself in SETTINGS. Source: RFC 9113 section 6.5. */
import {
  DEFAULT_MAX_FRAME_BYTES,
  DEFAULT_WINDOW_BYTES,
  MAX_WINDOW_BYTES,
  readUint32,
  SettingId,
} from "./frame.ts";
import { ErrorCode, Http2Error } from "./http2-error.ts";

const MAX_FRAME_BYTES_LIMIT: number = 2 ** 24 - 1;

/** The settings in force; each SETTINGS frame changes some. */
export class PeerSettings {
  maxConcurrentStreams: number = Number.POSITIVE_INFINITY;
  initialWindowBytes: number = DEFAULT_WINDOW_BYTES;
  maxFrameBytes: number = DEFAULT_MAX_FRAME_BYTES;
  headerTableBytes = 4096;
  /** As HPACK counts: names, values, and 32 bytes a field. */
  maxHeaderListBytes: number = Number.POSITIVE_INFINITY;

  /**
   * Takes the payload of a SETTINGS frame, a multiple of six bytes. Unknown settings mean nothing.
   * @throws {Http2Error} where a value is not allowed.
   */
  apply(bytes: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end; at += 6) {
      const id = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
      this.#set(id, readUint32(bytes, at + 2));
    }
  }

  #set(id: number, value: number): void {
    switch (id) {
      case SettingId.HEADER_TABLE_SIZE:
        this.headerTableBytes = value;
        return;
      case SettingId.ENABLE_PUSH:
        if (value !== 0) throw invalid("ENABLE_PUSH", value);
        return;
      case SettingId.MAX_CONCURRENT_STREAMS:
        this.maxConcurrentStreams = value;
        return;
      case SettingId.INITIAL_WINDOW_SIZE:
        if (value > MAX_WINDOW_BYTES) {
          throw new Http2Error(ErrorCode.FLOW_CONTROL_ERROR, `SETTINGS with INITIAL_WINDOW_SIZE ${value}`);
        }
        this.initialWindowBytes = value;
        return;
      case SettingId.MAX_FRAME_SIZE:
        if (value < DEFAULT_MAX_FRAME_BYTES || value > MAX_FRAME_BYTES_LIMIT) {
          throw invalid("MAX_FRAME_SIZE", value);
        }
        this.maxFrameBytes = value;
        return;
      case SettingId.MAX_HEADER_LIST_SIZE:
        this.maxHeaderListBytes = value;
        return;
    }
  }
}

function invalid(name: string, value: number): Http2Error {
  return new Http2Error(ErrorCode.PROTOCOL_ERROR, `SETTINGS with ${name} ${value}`);
}
