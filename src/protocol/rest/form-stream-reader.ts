/**
 * The requests of a client stream from a `multipart/form-data` body: fields first, then files, cut into messages
 * (semantics 4).
 *
 *   fields --file--> file --file--> file … --end--> over
 *
 * The fields ride in the first message, with path and query, and with the beginning of the first file unless a oneof
 * keeps them apart. Every file's first message says its content type.
 */
import type { BodyListener, HttpExchange } from "../../http/index.ts";
import { gatewayStatus, StatusError } from "../../status/index.ts";
import { type FormPart, isFilePart } from "../../transcode/index.ts";
import type { RequestReader, RequestSink } from "../protocol.ts";
import { type FormEvent, FormParts } from "./form-parts.ts";
import type { MessageAssembler } from "./message-assembler.ts";
import { type PartHead, refuseForm } from "./part-head.ts";
import { Pieces } from "./pieces.ts";

/** How much of a form may wait, and in what it leaves. */
export interface FormStreamLimits {
  /** Of all fields before the first file. */
  readonly fieldBytes: number;
  /** What a file is cut into. */
  readonly chunkBytes: number;
}

/** Reads a body of any length; what waits is the fields, or one message, and what one piece of the body held. */
export class FormStreamReader implements RequestReader, BodyListener {
  readonly #exchange: HttpExchange;
  readonly #assembler: MessageAssembler;
  readonly #limits: FormStreamLimits;
  readonly #form: FormParts;
  #sink: RequestSink | undefined;
  /** Fields that have come and not been sent. */
  #fields: FormPart[] = [];
  #fieldBytes = 0;
  /** The part that is coming. */
  #head: PartHead | undefined;
  readonly #pieces = new Pieces();
  /** The file that is coming, if the part is one: with its content type until that has been sent. */
  #file: PartHead | undefined;
  #hasFiles = false;
  /** Messages of the current file. */
  #sentOfFile = 0;
  #bytesIn = 0;
  #isHeld = false;
  #isOver = false;

  /** @throws {StatusError} FORM_INVALID if the Content-Type names no boundary. */
  constructor(exchange: HttpExchange, assembler: MessageAssembler, limits: FormStreamLimits) {
    this.#exchange = exchange;
    this.#assembler = assembler;
    this.#limits = limits;
    this.#form = new FormParts(assembler.contentType, () => this.#deliver());
  }

  get bytesIn(): number {
    return this.#bytesIn;
  }

  start(sink: RequestSink): void {
    this.#sink = sink;
    this.#exchange.readBody(Number.POSITIVE_INFINITY, this);
  }

  resume(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#deliver();
    if (!this.#isHeld && !this.#isOver) this.#exchange.resumeBody();
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
    // No limit was set for the whole.
  }

  #deliver(): void {
    if (this.#isOver || this.#isHeld) return;
    try {
      while (!this.#isHeld) {
        if (this.#file !== undefined && this.#pieces.byteLength >= this.#limits.chunkBytes) {
          this.#sendFile(this.#file, this.#limits.chunkBytes);
          continue;
        }
        const event = this.#form.next();
        if (event === undefined) return;
        this.#take(event);
        if (this.#isOver) return;
      }
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#exchange.pauseBody();
  }

  #take(event: FormEvent): void {
    switch (event.kind) {
      case "part":
        this.#begin(event.head);
        return;
      case "data":
        this.#pieces.push(event.bytes);
        if (this.#file === undefined) this.#checkFields(this.#fieldBytes + this.#pieces.byteLength);
        return;
      case "part-end":
        this.#endPart();
        return;
      case "end":
        this.#end();
        return;
      default:
        event satisfies never;
    }
  }

  #begin(head: PartHead): void {
    this.#head = head;
    const before = this.#fields.map(({ name }) => name);
    const streamed = isFilePart(head) ? this.#assembler.streamedFile(head.name, before) : undefined;
    if (streamed === undefined) {
      this.#fieldBytes += head.name.length + head.contentType.length;
      if (!this.#hasFiles) return;
      const name = JSON.stringify(head.name.slice(0, 100));
      throw refuseForm(`part ${name} comes after a file; in a form that is streamed, put files last`);
    }
    if (streamed === "apart" && !this.#hasFiles) this.#sendFields([]);
    this.#file = head;
    this.#hasFiles = true;
    this.#sentOfFile = 0;
  }

  #endPart(): void {
    const head = this.#head;
    const file = this.#file;
    if (file !== undefined) {
      this.#file = undefined;
      if (this.#pieces.byteLength > 0 || this.#sentOfFile === 0)
        this.#sendFile(file, this.#pieces.byteLength);
    } else if (head !== undefined) {
      this.#fieldBytes += this.#pieces.byteLength;
      this.#fields.push({ ...head, data: this.#pieces.takeAll() });
    }
  }

  #end(): void {
    this.#isOver = true;
    if (!this.#hasFiles) {
      // As of a stream without messages: path and query may have something to say.
      const isGiven = this.#fields.length > 0;
      const message = this.#assembler.assembleForm(this.#fields);
      if (isGiven || message.byteLength > 0) this.#sink?.onRequestMessage(message);
    }
    this.#sink?.onRequestEnd();
  }

  #sendFile(head: PartHead, bytes: number): void {
    const data = this.#pieces.take(bytes);
    // As with downloads, the first message of a file says what all of it is.
    const contentType = this.#sentOfFile === 0 ? head.contentType : "";
    this.#sentOfFile++;
    this.#sendFields([{ name: head.name, contentType, hasFilename: true, data }]);
  }

  /** Sends the fields that have not been sent, and `parts`. */
  #sendFields(parts: readonly FormPart[]): void {
    const message = this.#assembler.assembleForm([...this.#fields, ...parts]);
    if (this.#fields.length > 0) this.#fields = [];
    if (this.#sink?.onRequestMessage(message) === false) this.#isHeld = true;
  }

  #checkFields(bytes: number): void {
    const { fieldBytes } = this.#limits;
    if (bytes <= fieldBytes) return;
    const what = `the fields of the form are longer than the limit of ${fieldBytes} bytes`;
    throw new StatusError(gatewayStatus("BODY_TOO_LARGE", what));
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#sink?.onRequestFault(error);
  }
}
