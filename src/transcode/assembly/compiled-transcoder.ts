/** One binding over the compiled codec. Nothing of it is compiled before its first request. */
import type { BindingPlan } from "../binding/binding-plan.ts";
import type { CompiledCodec } from "../compiled/codec.ts";
import type { MessageTypes } from "../fields/message-types.ts";
import type {
  AssembledRequest,
  HttpBodyReply,
  RequestParts,
  TranscodeOptions,
  Transcoder,
} from "../transcoder.ts";
import { ReplyRenderer } from "./reply-renderer.ts";
import { RequestAssembler } from "./request-assembler.ts";

/** The transcoder of one binding. */
export class CompiledTranscoder implements Transcoder {
  readonly repliesWithHttpBody: boolean;
  readonly #binding: BindingPlan;
  readonly #options: TranscodeOptions;
  readonly #codec: CompiledCodec;
  readonly #types: MessageTypes;
  #assembler: RequestAssembler | undefined;
  #renderer: ReplyRenderer | undefined;

  constructor(binding: BindingPlan, options: TranscodeOptions, codec: CompiledCodec, types: MessageTypes) {
    this.repliesWithHttpBody = binding.reply.kind === "http-body";
    this.#binding = binding;
    this.#options = options;
    this.#codec = codec;
    this.#types = types;
    this.#assembler = undefined;
    this.#renderer = undefined;
  }

  assemble(parts: RequestParts): AssembledRequest {
    this.#assembler ??= new RequestAssembler(this.#binding, this.#options, this.#codec, this.#types);
    return this.#assembler.assemble(parts);
  }

  render(message: Uint8Array, pretty: boolean): Uint8Array | HttpBodyReply {
    this.#renderer ??= new ReplyRenderer(this.#binding, this.#options, this.#codec, this.#types);
    return this.#renderer.render(message, pretty);
  }
}
