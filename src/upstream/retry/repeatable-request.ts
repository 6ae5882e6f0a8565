/**
 * What a call sends, kept so that it can be sent again: one message and the end, as unary and server-streaming methods
 * have it. A call that sends anything else goes out once.
 */
import type { Call, CallListener, Metadata } from "../channel.ts";
import type { RepeatScope } from "./repeat-scope.ts";

/** Tells the upstream how often the call was sent before. Source: gRFC A6, "Exposed Retry Metadata". */
const PREVIOUS_ATTEMPTS = "grpc-previous-rpc-attempts";

/** The request of one call. */
export class RepeatableRequest {
  readonly #scope: RepeatScope;
  readonly #rpcPath: string;
  readonly #metadata: Metadata;
  readonly #deadlineMs: number;
  /** On the clock; Infinity for none. */
  readonly deadlineAt: number;
  #message: Uint8Array | undefined;
  #state: "open" | "whole" | "dropped" = "open";
  #attempts = 0;

  constructor(scope: RepeatScope, rpcPath: string, metadata: Metadata, deadlineMs: number) {
    this.#scope = scope;
    this.#rpcPath = rpcPath;
    this.#metadata = metadata;
    this.#deadlineMs = deadlineMs;
    this.deadlineAt = scope.now() + deadlineMs;
  }

  /** How often it has been sent. */
  get attempts(): number {
    return this.#attempts;
  }

  /** Whether it can be sent again: all of it has been sent, and all of it is here. */
  get isWhole(): boolean {
    return this.#state === "whole";
  }

  /** Opens the call for the first time; message and end are then the caller's to send, and to tell here. */
  open(listener: CallListener): Call {
    this.#attempts = 1;
    return this.#scope.channel.open(this.#rpcPath, this.#metadata, this.#deadlineMs, listener);
  }

  /** Sends it once more, with the time that remains. Only where `isWhole`. */
  repeat(listener: CallListener): Call {
    const metadata = [...this.#metadata, PREVIOUS_ATTEMPTS, String(this.#attempts)];
    this.#attempts++;
    const { channel, now } = this.#scope;
    const call = channel.open(this.#rpcPath, metadata, this.deadlineAt - now(), listener);
    if (this.#message !== undefined) call.send(this.#message);
    call.halfClose();
    return call;
  }

  /** The caller has sent `message`. */
  keep(message: Uint8Array): void {
    if (this.#state !== "open") return;
    if (this.#message === undefined && this.#scope.keptBytes.take(message.byteLength))
      this.#message = message;
    else this.drop();
  }

  /** The caller has sent the end. */
  complete(): void {
    if (this.#state === "open") this.#state = this.#message === undefined ? "dropped" : "whole";
  }

  /** It will not be sent again. */
  drop(): void {
    if (this.#message !== undefined) this.#scope.keptBytes.giveBack(this.#message.byteLength);
    this.#message = undefined;
    this.#state = "dropped";
  }
}
