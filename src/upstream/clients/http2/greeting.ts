/**
 * How a connection begins: what this side says first, and how long the upstream may take over its part.
 *
 *     start --send--> our SETTINGS left --complete--> theirs have come --acknowledge--> settled
 *       |                    |                              |
 *       +---- onSilence -----+                              +---- onUnsettled
 *
 * Source: RFC 9113 sections 3.4 and 6.5.3.
 */
import { MAX_HEADER_LIST_BYTES, STREAM_WINDOW_BYTES } from "./connection-ports.ts";
import { CLIENT_PREFACE, SettingId } from "./frame.ts";
import type { FrameWriter } from "./frame-writer.ts";

/** What ends a greeting that takes too long. */
export interface GreetingLimits {
  /** Until the upstream's SETTINGS have come, the time to connect included. */
  readonly connectTimeoutMs: number;
  readonly onSilence: () => void;
  /** From then on until it has acknowledged ours. */
  readonly settingsTimeoutMs: number;
  readonly onUnsettled: () => void;
}

/** One connection's greeting; `stop` it with the connection. */
export class Greeting {
  readonly #limits: GreetingLimits;
  #timer: NodeJS.Timeout;
  #isComplete = false;
  #isAcknowledged = false;

  constructor(limits: GreetingLimits) {
    this.#limits = limits;
    this.#timer = setTimeout(limits.onSilence, limits.connectTimeoutMs);
  }

  /** Sends the preface and our SETTINGS. */
  send(writer: FrameWriter): void {
    writer.raw(Buffer.from(CLIENT_PREFACE, "latin1"));
    writer.settings([
      [SettingId.ENABLE_PUSH, 0],
      [SettingId.INITIAL_WINDOW_SIZE, STREAM_WINDOW_BYTES],
      [SettingId.MAX_HEADER_LIST_SIZE, MAX_HEADER_LIST_BYTES],
    ]);
  }

  /** The upstream's SETTINGS have come. */
  complete(): void {
    const { onUnsettled, settingsTimeoutMs } = this.#limits;
    this.#isComplete = true;
    clearTimeout(this.#timer);
    if (!this.#isAcknowledged) this.#timer = setTimeout(onUnsettled, settingsTimeoutMs).unref();
  }

  /** It has acknowledged ours, which it may do before it sends its own. */
  acknowledge(): void {
    this.#isAcknowledged = true;
    if (this.#isComplete) clearTimeout(this.#timer);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
