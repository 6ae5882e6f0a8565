/**
 * Remembers the calls that a gRPC server in a test got.
 */
import type { Metadata } from "@grpc/grpc-js";

/** A call as the server saw it. */
export interface SeenCall {
  /** `/package.Service/Method`. */
  readonly path: string;
  readonly metadata: Metadata;
  /** The `:authority` of the call. */
  readonly authority: string;
  /** The client's side of the connection, `host:port`. */
  readonly peer: string;
  /** Epoch milliseconds; Infinity if there is none. */
  readonly deadlineMs: number;
  /** The request messages so far, as they came. */
  readonly messages: readonly Buffer[];
  /** How the call ended, once it has. */
  readonly ended: Promise<"replied" | "cancelled">;
}

/** What the recorder needs of a grpc-js server call, of any kind. */
export interface RecordableCall {
  readonly metadata: Metadata;
  getPath(): string;
  getHost(): string;
  getPeer(): string;
  getDeadline(): Date | number;
  on(event: string, listener: () => void): unknown;
}

/** Keeps what came. */
export class CallRecorder {
  /** Every call so far, oldest first. */
  readonly calls: SeenCall[] = [];
  readonly #waiting: Set<() => void> = new Set();

  /** Notes a call; the result takes its messages and its end. */
  begin(call: RecordableCall): { messages: Buffer[]; replied: () => void } {
    const messages: Buffer[] = [];
    let replied = (): void => undefined;
    const ended = new Promise<"replied" | "cancelled">((resolve) => {
      replied = () => resolve("replied");
      call.on("cancelled", () => resolve("cancelled"));
    });
    const deadline = call.getDeadline();
    this.calls.push({
      path: call.getPath(),
      metadata: call.metadata,
      authority: call.getHost(),
      peer: call.getPeer(),
      deadlineMs: typeof deadline === "number" ? deadline : deadline.getTime(),
      messages,
      ended,
    });
    for (const wake of this.#waiting) wake();
    return { messages, replied };
  }

  /** Resolves once there have been `count` calls. */
  async untilCalls(count: number): Promise<readonly SeenCall[]> {
    while (this.calls.length < count) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waiting.delete(wake);
          resolve();
        };
        this.#waiting.add(wake);
      });
    }
    return this.calls;
  }
}
