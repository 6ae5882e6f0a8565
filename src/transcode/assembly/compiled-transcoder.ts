/** One binding over the compiled codec. */
import { type BindingPlan, requestBodyKindOf } from "../binding/binding-plan.ts";
import type { CompiledCodec } from "../compiled/codec.ts";
import type { MessageTypes } from "../fields/message-types.ts";
import { streamedFileOf } from "../form/streamed-file.ts";
import type {
  AssembledRequest,
  HttpBodyReply,
  RequestBodyKind,
  RequestParts,
  StreamedFile,
  TranscodeOptions,
  Transcoder,
} from "../transcoder.ts";
import { ReplyRenderer } from "./reply-renderer.ts";
import { RequestAssembler } from "./request-assembler.ts";

/** The transcoder of one binding. */
export class CompiledTranscoder implements Transcoder {
  readonly requestBody: RequestBodyKind;
  readonly repliesWithHttpBody: boolean;
  readonly #assembler: RequestAssembler;
  readonly #renderer: ReplyRenderer;
  readonly #streamedFile: (name: string, before: readonly string[]) => StreamedFile | undefined;

  constructor(binding: BindingPlan, options: TranscodeOptions, codec: CompiledCodec, types: MessageTypes) {
    this.requestBody = requestBodyKindOf(binding);
    this.repliesWithHttpBody = binding.reply.kind === "http-body";
    this.#assembler = new RequestAssembler(binding, options, codec, types);
    this.#renderer = new ReplyRenderer(binding, options, codec, types);
    this.#streamedFile = (name, before) => streamedFileOf(types, binding, options.maxDepth, name, before);
  }

  assemble(parts: RequestParts): AssembledRequest {
    return this.#assembler.assemble(parts);
  }

  complete(message: Uint8Array, captures: readonly string[], query: string): AssembledRequest {
    return this.#assembler.complete(message, captures, query);
  }

  streamedFile(name: string, before: readonly string[]): StreamedFile | undefined {
    return this.#streamedFile(name, before);
  }

  render(message: Uint8Array, pretty: boolean): Uint8Array | HttpBodyReply {
    return this.#renderer.render(message, pretty);
  }
}
