/**
 * Cuts the DATA of a reply into gRPC's messages.
 *
 *     message = flag (1 byte: 0 plain, 1 compressed)  length (4 bytes)  bytes
 *
 * Source: gRPC over HTTP/2, "Length-Prefixed-Message".
 */
import { LONG_MESSAGE_BYTES, messageMemory } from "../../message-memory.ts";
import { MESSAGE_PREFIX_BYTES } from "./frame-writer.ts";

/**
 * A message is collected in a buffer of its full length only once this much of it is there, so that announcing lengths
 * costs an upstream as much as sending.
 */
const TRUSTED_BYTES: number = 64 * 1024;

/** What `read` stopped at. */
export type ReadOutcome = "more" | "message" | "too-large" | "bad-flag";

/** Reads the messages of one reply. */
export class MessageReader {
  readonly #limitBytes: number;
  #prefixBytes = 0;
  #flag = 0;
  #length = 0;
  #body: Buffer | undefined;
  #filled = 0;
  #message: Buffer = EMPTY;
  /** Where `read` stopped. */
  position = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** The message that `read` has completed; a copy that belongs to the taker. */
  get message(): Buffer {
    return this.#message;
  }

  /** Whether that message is compressed. */
  get isCompressed(): boolean {
    return this.#flag === 1;
  }

  /** Whether a message is incomplete. */
  get isInMessage(): boolean {
    return this.#prefixBytes > 0;
  }

  /** Bytes that the message under way still needs, as far as known. */
  get missingBytes(): number {
    return this.#prefixBytes === MESSAGE_PREFIX_BYTES ? this.#length - this.#filled : 0;
  }

  /** Reads from `bytes[start, end)` up to the end of one message; `position` tells how far it came. */
  read(bytes: Buffer, start: number, end: number): ReadOutcome {
    let at = start;
    while (this.#prefixBytes < MESSAGE_PREFIX_BYTES) {
      if (at === end) return this.#stop(at, "more");
      const byte = bytes[at++] ?? 0;
      if (this.#prefixBytes++ === 0) {
        if (byte > 1) return this.#stop(at, "bad-flag");
        this.#flag = byte;
        this.#length = 0;
      } else {
        this.#length = this.#length * 256 + byte;
      }
      if (this.#prefixBytes === MESSAGE_PREFIX_BYTES && this.#length > this.#limitBytes) {
        return this.#stop(at, "too-large");
      }
    }
    const taken = Math.min(this.#length - this.#filled, end - at);
    if (this.#filled === 0 && taken === this.#length) {
      this.#message = copyOf(bytes, at, at + taken);
      this.#prefixBytes = 0;
      return this.#stop(at + taken, "message");
    }
    if (taken === 0) return this.#stop(at, "more");
    const body = this.#bodyFor(this.#filled + taken);
    bytes.copy(body, this.#filled, at, at + taken);
    this.#filled += taken;
    if (this.#filled < this.#length) return this.#stop(at + taken, "more");
    this.#message = body;
    this.#body = undefined;
    this.#filled = 0;
    this.#prefixBytes = 0;
    return this.#stop(at + taken, "message");
  }

  #stop(at: number, outcome: ReadOutcome): ReadOutcome {
    this.position = at;
    return outcome;
  }

  #bodyFor(bytes: number): Buffer {
    const body = this.#body;
    if (body !== undefined && body.length >= bytes) return body;
    const isTrusted = this.#length <= TRUSTED_BYTES || bytes * 4 >= this.#length;
    const size = isTrusted ? this.#length : Math.max(TRUSTED_BYTES, bytes * 2);
    const larger = size < LONG_MESSAGE_BYTES ? Buffer.allocUnsafe(size) : messageMemory.take(size);
    if (body !== undefined) {
      body.copy(larger, 0, 0, this.#filled);
      messageMemory.giveBack(body);
    }
    this.#body = larger;
    return larger;
  }
}

const EMPTY: Buffer = Buffer.alloc(0);

function copyOf(bytes: Buffer, start: number, end: number): Buffer {
  const copy = Buffer.allocUnsafe(end - start);
  bytes.copy(copy, 0, start, end);
  return copy;
}
