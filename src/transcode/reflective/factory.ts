/** The reflective codec behind its port, and its writer for those who only want to show a message. */
import type { DescMessage, Registry } from "@bufbuild/protobuf";
import type { Problem } from "../../status/index.ts";
import { planBinding } from "../binding/binding-plan.ts";
import { MessageTypes } from "../fields/message-types.ts";
import { TypeNames } from "../fields/type-names.ts";
import type { BindingSpec, TranscodeOptions, Transcoder, TranscoderFactory } from "../transcoder.ts";
import type { CodecScope } from "./codec-scope.ts";
import { ReflectiveTranscoder } from "./reflective-transcoder.ts";
import { decodeMessage, type JsonWriteOptions, messageToJson } from "./write-json.ts";

/** Makes the reflective codec. What it learns of types is shared by its transcoders, and dies with the descriptors. */
export function createReflectiveFactory(): TranscoderFactory {
  return new ReflectiveFactory();
}

class ReflectiveFactory implements TranscoderFactory {
  readonly name = "reflective";
  readonly #types = new MessageTypes();
  readonly #names = new WeakMap<Registry, TypeNames>();

  compile(
    spec: BindingSpec,
    options: TranscodeOptions,
    registry: Registry,
    where: string,
  ): { readonly transcoder: Transcoder } | { readonly problems: readonly Problem[] } {
    const planned = planBinding(spec, where);
    if ("problems" in planned) return planned;
    const scope: CodecScope = {
      types: this.#types,
      names: this.#namesOf(registry),
      maxDepth: options.maxDepth,
    };
    return { transcoder: new ReflectiveTranscoder(planned.plan, options, scope) };
  }

  #namesOf(registry: Registry): TypeNames {
    let names = this.#names.get(registry);
    if (names === undefined) {
      names = new TypeNames(registry);
      this.#names.set(registry, names);
    }
    return names;
  }
}

/**
 * A message's bytes as ProtoJSON, for people (`sluice explain`): well-known values without a JSON form, such as a mask
 * of camelCase fields, are shown by their fields.
 * @throws {StatusError} UPSTREAM_REPLY_INVALID if the bytes are not a `desc`, or nest too deep.
 */
export function renderMessage(
  desc: DescMessage,
  bytes: Uint8Array,
  options: JsonWriteOptions & Pick<TranscodeOptions, "maxDepth">,
  registry: Registry,
): string {
  const scope: CodecScope = {
    types: new MessageTypes(),
    names: new TypeNames(registry),
    maxDepth: options.maxDepth,
  };
  return messageToJson(scope, options, decodeMessage(scope, desc, bytes), "as-fields");
}
