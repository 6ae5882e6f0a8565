/**
 * Transcoders that are compiled when their route is first used: of a large API most routes never are.
 */
import type { Registry } from "@bufbuild/protobuf";
import type {
  AssembledRequest,
  BindingSpec,
  HttpBodyReply,
  RequestBodyKind,
  RequestParts,
  StreamedFile,
  TranscodeOptions,
  Transcoder,
  TranscoderFactory,
} from "./transcoder.ts";

/** The transcoder of a binding that `checkBinding` has found sound. */
export function deferTranscoder(
  factory: TranscoderFactory,
  spec: BindingSpec,
  options: TranscodeOptions,
  registry: Registry,
): Transcoder {
  return new DeferredTranscoder(factory, spec, options, registry);
}

class DeferredTranscoder implements Transcoder {
  readonly #factory: TranscoderFactory;
  readonly #spec: BindingSpec;
  readonly #options: TranscodeOptions;
  readonly #registry: Registry;
  #compiled: Transcoder | undefined;

  constructor(factory: TranscoderFactory, spec: BindingSpec, options: TranscodeOptions, registry: Registry) {
    this.#factory = factory;
    this.#spec = spec;
    this.#options = options;
    this.#registry = registry;
    this.#compiled = undefined;
  }

  get repliesWithHttpBody(): boolean {
    return (this.#compiled ?? this.#compile()).repliesWithHttpBody;
  }

  get requestBody(): RequestBodyKind {
    return (this.#compiled ?? this.#compile()).requestBody;
  }

  assemble(parts: RequestParts): AssembledRequest {
    return (this.#compiled ?? this.#compile()).assemble(parts);
  }

  complete(message: Uint8Array, captures: readonly string[], query: string): AssembledRequest {
    return (this.#compiled ?? this.#compile()).complete(message, captures, query);
  }

  streamedFile(name: string, before: readonly string[]): StreamedFile | undefined {
    return (this.#compiled ?? this.#compile()).streamedFile(name, before);
  }

  render(message: Uint8Array, pretty: boolean): Uint8Array | string | HttpBodyReply {
    return (this.#compiled ?? this.#compile()).render(message, pretty);
  }

  #compile(): Transcoder {
    const { fullName } = this.#spec.method;
    const compiled = this.#factory.compile(this.#spec, this.#options, this.#registry, fullName);
    if ("problems" in compiled) {
      const what = compiled.problems.map((problem) => problem.what).join("; ");
      throw new Error(`${fullName}: a checked binding does not compile: ${what}`);
    }
    this.#compiled = compiled.transcoder;
    return compiled.transcoder;
  }
}
