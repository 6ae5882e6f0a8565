/** The compiled codec behind its port. */
import type { Registry } from "@bufbuild/protobuf";
import type { Problem } from "../../status/index.ts";
import { planBinding } from "../binding/binding-plan.ts";
import { CompiledCodec } from "../compiled/index.ts";
import { MessageTypes } from "../fields/message-types.ts";
import type { BindingSpec, TranscodeOptions, Transcoder, TranscoderFactory } from "../transcoder.ts";
import { CompiledTranscoder } from "./compiled-transcoder.ts";

/**
 * Makes the compiled codec. Bindings of one registry that read and write alike share what is compiled of a type, and the
 * buffers; all of it goes with the registry.
 */
export function createCompiledFactory(): TranscoderFactory {
  return new CompiledFactory();
}

class CompiledFactory implements TranscoderFactory {
  readonly name = "compiled";
  readonly #types = new MessageTypes();
  readonly #codecs = new WeakMap<Registry, Map<string, CompiledCodec>>();

  compile(
    spec: BindingSpec,
    options: TranscodeOptions,
    registry: Registry,
    where: string,
  ): { readonly transcoder: Transcoder } | { readonly problems: readonly Problem[] } {
    const planned = planBinding(spec, where);
    if ("problems" in planned) return planned;
    const codec = this.#codecOf(registry, options);
    return { transcoder: new CompiledTranscoder(planned.plan, options, codec, this.#types) };
  }

  #codecOf(registry: Registry, options: TranscodeOptions): CompiledCodec {
    let codecs = this.#codecs.get(registry);
    if (codecs === undefined) {
      codecs = new Map();
      this.#codecs.set(registry, codecs);
    }
    const { unknownFields, emitDefaults, enumsAsNumbers, int64, protoFieldNames, maxDepth } = options;
    // What else there is to choose is the binding's: the codec neither reads queries nor indents.
    const key = [unknownFields, emitDefaults, enumsAsNumbers, int64, protoFieldNames, maxDepth].join();
    let codec = codecs.get(key);
    if (codec === undefined) {
      codec = new CompiledCodec(registry, { ...options, pretty: false });
      codecs.set(key, codec);
    }
    return codec;
  }
}
