/**
 * The calls of one channel that wait for a connection with room, in the order of their coming, within limits.
 */
import type { Status } from "../../../status/index.ts";
import type { ChannelLimits } from "../../channel.ts";
import { overloaded } from "../../reply-faults.ts";
import type { Http2Call } from "./call.ts";

/** Keeps waiting calls, and refuses those that are too many or too large. */
export class WaitingCalls {
  readonly #address: string;
  readonly #limits: ChannelLimits;
  /** With the bytes that each holds. */
  readonly #calls = new Map<Http2Call, number>();
  #bytes = 0;
  #refusedCalls = 0;
  #refusedBytes = 0;

  /** `address` is for people. */
  constructor(address: string, limits: ChannelLimits) {
    this.#address = address;
    this.#limits = limits;
  }

  get count(): number {
    return this.#calls.size;
  }

  /** What the messages of the calls hold. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Calls refused since there were too many. */
  get refusedCalls(): number {
    return this.#refusedCalls;
  }

  /** Calls refused since they held too much. */
  get refusedBytes(): number {
    return this.#refusedBytes;
  }

  /** The calls, the oldest first; some may be taken out meanwhile. */
  [Symbol.iterator](): Iterator<Http2Call> {
    return this.#calls.keys();
  }

  /** Lets a call wait; gives the status to refuse it with where it may not. */
  add(call: Http2Call): Status | undefined {
    const { maxPending, maxPendingBytes } = this.#limits;
    if (this.#calls.size >= maxPending) {
      this.#refusedCalls++;
      return overloaded(this.#address, "waiting calls", maxPending, "maxPending");
    }
    const bytes = call.outbox.unsentBytes;
    if (this.#bytes + bytes > maxPendingBytes) return this.#tooManyBytes();
    this.#calls.set(call, bytes);
    this.#bytes += bytes;
    return undefined;
  }

  /** A call has grown by `bytes`; gives the status to end it with where that is too much. Others are passed over. */
  grow(call: Http2Call, bytes: number): Status | undefined {
    const before = this.#calls.get(call);
    if (before === undefined) return undefined;
    if (this.#bytes + bytes > this.#limits.maxPendingBytes) return this.#tooManyBytes();
    this.#calls.set(call, before + bytes);
    this.#bytes += bytes;
    return undefined;
  }

  /** The call waits no more, if it did. */
  remove(call: Http2Call): void {
    const bytes = this.#calls.get(call);
    if (bytes === undefined) return;
    this.#bytes -= bytes;
    this.#calls.delete(call);
  }

  #tooManyBytes(): Status {
    this.#refusedBytes++;
    const { maxPendingBytes } = this.#limits;
    return overloaded(this.#address, "bytes in waiting calls", maxPendingBytes, "maxPendingBytes");
  }
}
