/**
 * Whether request messages of one upstream are compressed, and which: gzip where it pays, until the upstream turns out
 * not to take it.
 *
 * An upstream refuses what it cannot decompress with UNIMPLEMENTED, and names what it takes in grpc-accept-encoding; that
 * may also come with any other reply. Some leave the list out, so an UNIMPLEMENTED from an upstream that has shown no
 * sign of gzip counts as such a refusal as well. The call that finds it out fails; those after it go uncompressed.
 * Source: gRPC, "Compression", "Compression Method Asymmetry Between Peers".
 */
import { Code, type Status } from "../status/index.ts";

/** Shorter messages are sent as they are: gzip's own 18 bytes and the time eat up the gain. */
export const MIN_COMPRESSED_BYTES = 1024;

/** zlib's fastest: on protobuf messages it takes a third of the time of its default, for a result as long. */
export const GZIP_LEVEL = 1;

/** One channel's decision. */
export class RequestCompression {
  #isOn: boolean;
  #isProven = false;

  constructor(setting: "none" | "gzip") {
    this.#isOn = setting === "gzip";
  }

  /** Whether the next call may compress its messages; what was refused once is not tried again. */
  get isOn(): boolean {
    return this.#isOn;
  }

  /** A reply named the encodings that the upstream takes. */
  onAcceptEncoding(value: string): void {
    this.#isProven = value.split(",").some((encoding) => encoding.trim() === "gzip");
    if (!this.#isProven) this.#isOn = false;
  }

  /** A call that might compress has ended; `hasCompressed` tells whether it did. */
  onStatus({ origin, code }: Status, hasCompressed: boolean): void {
    if (code === Code.OK) this.#isProven ||= hasCompressed;
    else if (origin === "upstream" && code === Code.UNIMPLEMENTED && !this.#isProven) this.#isOn = false;
  }
}
