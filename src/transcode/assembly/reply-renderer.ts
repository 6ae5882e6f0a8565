/** The replies of one binding: whole messages, one field of them, or the bytes of an HttpBody. */
import type { BindingPlan } from "../binding/binding-plan.ts";
import type { CompiledCodec } from "../compiled/codec.ts";
import { indentJson } from "../compiled/indent-json.ts";
import type { MessagePlan } from "../compiled/plan.ts";
import { jsonLimitOf } from "../compiled/write-state.ts";
import type { MessageTypes } from "../fields/message-types.ts";
import { sliceHttpBody } from "../http-body/slice-http-body.ts";
import { unsetFieldJson } from "../reflective/write-json.ts";
import type { HttpBodyReply, TranscodeOptions } from "../transcoder.ts";
import { FieldRenderer } from "./field-renderer.ts";

/** Renders the replies of one binding. */
export class ReplyRenderer {
  readonly #codec: CompiledCodec;
  readonly #output: MessagePlan;
  readonly #field: FieldRenderer | undefined;
  /** Field numbers from the reply to its HttpBody; undefined if it is JSON. */
  readonly #httpBodyPath: readonly number[] | undefined;

  constructor(
    { output, reply }: BindingPlan,
    options: TranscodeOptions,
    codec: CompiledCodec,
    types: MessageTypes,
  ) {
    const scope = { types, names: codec.plans.names, maxDepth: options.maxDepth };
    this.#codec = codec;
    this.#output = codec.plans.messagePlan(output);
    this.#field =
      reply.kind === "field"
        ? new FieldRenderer(reply.path, codec, unsetFieldJson(reply.path, options, scope))
        : undefined;
    this.#httpBodyPath = reply.kind === "http-body" ? reply.fields.map(({ number }) => number) : undefined;
  }

  /** As {@link Transcoder.render}. */
  render(message: Uint8Array, pretty: boolean): Uint8Array | HttpBodyReply {
    if (this.#httpBodyPath !== undefined) return sliceHttpBody(message, this.#httpBodyPath);
    const json = this.#field?.render(message) ?? this.#codec.writeJson(this.#output, message);
    return pretty ? indentJson(json, jsonLimitOf(message.length)) : json;
  }
}
