/**
 * The request of one message from a `multipart/form-data` body: every part is a field of it (semantics 4).
 */
import type { BodyListener, HttpExchange } from "../../http/index.ts";
import { StatusError } from "../../status/index.ts";
import type { FormPart } from "../../transcode/index.ts";
import type { RequestReader, RequestSink } from "../protocol.ts";
import { FormParts } from "./form-parts.ts";
import type { MessageAssembler } from "./message-assembler.ts";
import type { PartHead } from "./part-head.ts";
import { Pieces } from "./pieces.ts";
import { bodyTooLarge, bodyTooSlow } from "./request-body.ts";

/** Gathers the parts of a form, up to the route's limit for the whole, and assembles one message from them. */
export class FormReader implements RequestReader, BodyListener {
  readonly #exchange: HttpExchange;
  readonly #assembler: MessageAssembler;
  readonly #limitBytes: number;
  readonly #form: FormParts;
  readonly #parts: FormPart[] = [];
  readonly #pieces = new Pieces();
  #head: PartHead | undefined;
  #sink: RequestSink | undefined;
  #bytesIn = 0;
  #isOver = false;

  /** @throws {StatusError} FORM_INVALID if the Content-Type names no boundary. */
  constructor(exchange: HttpExchange, assembler: MessageAssembler, limitBytes: number) {
    this.#exchange = exchange;
    this.#assembler = assembler;
    this.#limitBytes = limitBytes;
    this.#form = new FormParts(assembler.contentType, () => this.#deliver());
  }

  get bytesIn(): number {
    return this.#bytesIn;
  }

  start(sink: RequestSink): void {
    this.#sink = sink;
    this.#exchange.readBody(this.#limitBytes, this);
  }

  resume(): void {
    // There is one message, and all of it has been read by then.
  }

  onChunk(chunk: Uint8Array): void {
    if (this.#isOver) return;
    this.#bytesIn += chunk.byteLength;
    this.#form.push(chunk);
    this.#deliver();
  }

  onEnd(): void {
    if (!this.#isOver) this.#form.end();
  }

  onTooLarge(): void {
    this.#refuse(new StatusError(bodyTooLarge(this.#limitBytes)));
  }

  onTooSlow(timeoutMs: number): void {
    this.#refuse(new StatusError(bodyTooSlow(timeoutMs)));
  }

  #deliver(): void {
    if (this.#isOver) return;
    let message: Uint8Array;
    try {
      if (!this.#gather()) return;
      message = this.#assembler.assembleForm(this.#parts);
    } catch (error) {
      this.#refuse(error);
      return;
    }
    this.#isOver = true;
    this.#sink?.onRequestMessage(message);
    this.#sink?.onRequestEnd();
  }

  /** Takes what has come; true once the form is complete. */
  #gather(): boolean {
    for (let event = this.#form.next(); event !== undefined; event = this.#form.next()) {
      if (event.kind === "end") return true;
      if (event.kind === "part") this.#head = event.head;
      else if (event.kind === "data") this.#pieces.push(event.bytes);
      else if (this.#head !== undefined) this.#parts.push({ ...this.#head, data: this.#pieces.takeAll() });
    }
    return false;
  }

  #refuse(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#sink?.onRequestFault(error);
  }
}
