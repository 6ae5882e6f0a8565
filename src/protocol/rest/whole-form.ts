/**
 * The one message of a `multipart/form-data` body: every part is a field of it (docs/transcoding.md, "Forms").
 */
import { Pieces } from "../../http/index.ts";
import type { FormPart } from "../../transcode/index.ts";
import { FormParts } from "./form-parts.ts";
import type { MessageAssembler } from "./message-assembler.ts";
import type { PartHead } from "./part-head.ts";
import type { MessageCutter } from "./streamed-body.ts";

/** Gathers all parts of a form. Nothing limits them here: the body as a whole is to be limited. */
export class WholeForm implements MessageCutter {
  readonly keepsChunks = true;
  readonly #assembler: MessageAssembler;
  readonly #form: FormParts;
  readonly #parts: FormPart[] = [];
  readonly #pieces = new Pieces();
  #head: PartHead | undefined;
  #isDone = false;

  /** @throws {StatusError} FORM_INVALID if the Content-Type names no boundary. */
  constructor(assembler: MessageAssembler, wake: () => void) {
    this.#assembler = assembler;
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
    for (let event = this.#form.next(); event !== undefined; event = this.#form.next()) {
      if (event.kind === "part") this.#head = event.head;
      else if (event.kind === "data") this.#pieces.push(event.bytes);
      else if (event.kind === "end") {
        this.#isDone = true;
        return this.#assembler.assembleForm(this.#parts);
      } else if (this.#head !== undefined) this.#parts.push({ ...this.#head, data: this.#pieces.takeAll() });
    }
    return undefined;
  }
}
