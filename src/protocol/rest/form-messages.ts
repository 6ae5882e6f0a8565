/**
 * The messages of a client stream from a `multipart/form-data` body: fields first, then files, cut into messages
 * (docs/transcoding.md, "Forms").
 *
 *   fields --file--> file --file--> file … --end--> done
 *
 * The fields ride in the first message, with path and query, and with the beginning of the first file unless a oneof
 * keeps them apart. Every file's first message says its content type.
 */
import { Pieces } from "../../http/index.ts";
import { gatewayStatus, StatusError } from "../../status/index.ts";
import { type FormPart, isFilePart } from "../../transcode/index.ts";
import { type FormEvent, FormParts } from "./form-parts.ts";
import type { MessageAssembler } from "./message-assembler.ts";
import { type PartHead, refuseForm } from "./part-head.ts";
import type { MessageCutter } from "./streamed-body.ts";

/** How much of a form may wait, and in what it leaves. */
export interface FormStreamLimits {
  /** Of all fields before the first file. */
  readonly fieldBytes: number;
  /** What a file is cut into. */
  readonly chunkBytes: number;
}

/** Cuts a form of any length; what waits is the fields, or one message, and what one piece of the body held. */
export class FormMessages implements MessageCutter {
  readonly keepsChunks = true;
  readonly #assembler: MessageAssembler;
  readonly #limits: FormStreamLimits;
  readonly #form: FormParts;
  /** Fields that have come and not been sent. */
  #fields: FormPart[] = [];
  #fieldBytes = 0;
  /** The part that is coming. */
  #head: PartHead | undefined;
  readonly #pieces = new Pieces();
  /** The part that is coming, if it is a file. */
  #file: PartHead | undefined;
  #hasFiles = false;
  /** Messages of the current file. */
  #sentOfFile = 0;
  #isDone = false;

  /** @throws {StatusError} FORM_INVALID if the Content-Type names no boundary. */
  constructor(assembler: MessageAssembler, limits: FormStreamLimits, wake: () => void) {
    this.#assembler = assembler;
    this.#limits = limits;
    this.#form = new FormParts(assembler.contentType, wake);
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  push(chunk: Uint8Array): void {
    this.#form.push(chunk);
  }

  end(): void {
    this.#form.end();
  }

  next(): Uint8Array | undefined {
    const { chunkBytes } = this.#limits;
    for (;;) {
      if (this.#file !== undefined && this.#pieces.byteLength >= chunkBytes) {
        return this.#fileMessage(this.#file, chunkBytes);
      }
      const event = this.#form.next();
      if (event === undefined) return undefined;
      const message = this.#take(event);
      if (message !== undefined || this.#isDone) return message;
    }
  }

  /** The message that `event` completes. */
  #take(event: FormEvent): Uint8Array | undefined {
    switch (event.kind) {
      case "part":
        return this.#begin(event.head);
      case "data":
        this.#pieces.push(event.bytes);
        if (this.#file === undefined) this.#checkFields(this.#fieldBytes + this.#pieces.byteLength);
        return undefined;
      case "part-end":
        return this.#endPart();
      case "end":
        this.#isDone = true;
        return this.#hasFiles ? undefined : this.#fieldsAlone();
      default:
        return event satisfies never;
    }
  }

  #begin(head: PartHead): Uint8Array | undefined {
    this.#head = head;
    const before = this.#fields.map(({ name }) => name);
    const streamed = isFilePart(head) ? this.#assembler.streamedFile(head.name, before) : undefined;
    if (streamed === undefined) {
      this.#fieldBytes += head.name.length + head.contentType.length;
      if (!this.#hasFiles) return undefined;
      const name = JSON.stringify(head.name.slice(0, 100));
      throw refuseForm(`part ${name} comes after a file; in a form that is streamed, put files last`);
    }
    const isApart = streamed === "apart" && !this.#hasFiles;
    this.#file = head;
    this.#hasFiles = true;
    this.#sentOfFile = 0;
    return isApart ? this.#message([]) : undefined;
  }

  #endPart(): Uint8Array | undefined {
    const head = this.#head;
    const file = this.#file;
    const { byteLength } = this.#pieces;
    if (file !== undefined) {
      this.#file = undefined;
      return byteLength > 0 || this.#sentOfFile === 0 ? this.#fileMessage(file, byteLength) : undefined;
    }
    if (head === undefined) return undefined;
    this.#fieldBytes += byteLength;
    this.#fields.push({ ...head, data: this.#pieces.takeAll() });
    return undefined;
  }

  /** As of a stream without messages: path and query may have something to say. */
  #fieldsAlone(): Uint8Array | undefined {
    const isGiven = this.#fields.length > 0;
    const message = this.#message([]);
    return isGiven || message.byteLength > 0 ? message : undefined;
  }

  #fileMessage(head: PartHead, bytes: number): Uint8Array {
    const data = this.#pieces.take(bytes);
    // As with downloads, the first message of a file says what all of it is.
    const contentType = this.#sentOfFile === 0 ? head.contentType : "";
    this.#sentOfFile++;
    return this.#message([{ name: head.name, contentType, hasFilename: true, data }]);
  }

  /** Of the fields that have not been sent, and `parts`. */
  #message(parts: readonly FormPart[]): Uint8Array {
    const fields = this.#fields;
    if (fields.length === 0) return this.#assembler.assembleForm(parts);
    this.#fields = [];
    return this.#assembler.assembleForm([...fields, ...parts]);
  }

  #checkFields(bytes: number): void {
    const { fieldBytes } = this.#limits;
    if (bytes <= fieldBytes) return;
    const what = `the fields of the form are longer than the limit of ${fieldBytes} bytes`;
    throw new StatusError(gatewayStatus("BODY_TOO_LARGE", what));
  }
}
