/** The messages of a client stream in JSON (docs/streaming.md). */
import { gatewayStatus, StatusError } from "../../status/index.ts";
import { type JsonSequence, JsonValues } from "./json-values.ts";
import type { MessageAssembler } from "./message-assembler.ts";
import type { MessageCutter } from "./streamed-body.ts";

const EMPTY = new Uint8Array(0);

/** A JSON value is a message. A body without any is one message if path or query have something to say, else none. */
export class JsonMessages implements MessageCutter {
  readonly keepsChunks = true;
  readonly #assembler: MessageAssembler;
  readonly #values: JsonValues;
  #isEnded = false;
  #isDone = false;

  /** `limitBytes` is for each message. */
  constructor(assembler: MessageAssembler, sequence: JsonSequence, limitBytes: number) {
    this.#assembler = assembler;
    this.#values = new JsonValues(sequence, limitBytes);
  }

  push(chunk: Uint8Array): void {
    this.#values.push(chunk);
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  end(): void {
    this.#isEnded = true;
  }

  next(): Uint8Array | undefined {
    const value = this.#values.next();
    if (value !== undefined) return this.#assemble(value);
    return this.#isEnded && !this.#isDone ? this.#last() : undefined;
  }

  #last(): Uint8Array | undefined {
    this.#isDone = true;
    const last = this.#values.end();
    if (last !== undefined) return this.#assemble(last);
    if (this.#values.count > 0) return undefined;
    const message = this.#assembler.assemble(EMPTY);
    return message.byteLength > 0 ? message : undefined;
  }

  #assemble(value: Uint8Array): Uint8Array {
    try {
      return this.#assembler.assemble(value);
    } catch (error) {
      throw inMessage(this.#values.count, error);
    }
  }
}

/** Says which message of the stream is meant. */
function inMessage(ordinal: number, error: unknown): unknown {
  if (!(error instanceof StatusError) || error.status.reason === undefined) return error;
  const { reason, message, violations } = error.status;
  return new StatusError(gatewayStatus(reason, `message ${ordinal}: ${message}`, violations));
}
