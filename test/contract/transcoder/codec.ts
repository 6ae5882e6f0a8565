/** The codec as the tests drive it: a binding from a few words, a request in, JSON out. */
import assert from "node:assert/strict";
import { createFileRegistry, type DescMessage, type FileRegistry } from "@bufbuild/protobuf";
import { type Status, StatusError } from "../../../src/status/index.ts";
import {
  type AssembledRequest,
  type BindingSpec,
  type FormPart,
  renderMessage,
  type TranscodeOptions,
  type Transcoder,
  type TranscoderFactory,
} from "../../../src/transcode/index.ts";

export const OPTIONS: TranscodeOptions = {
  unknownFields: "reject",
  ignoredQueryParameters: [],
  emitDefaults: false,
  enumsAsNumbers: false,
  int64: "string",
  protoFieldNames: false,
  pretty: false,
  prettyPrintParameter: false,
  maxDepth: 100,
};

export interface BindingWords {
  readonly input: DescMessage;
  readonly output?: DescMessage;
  readonly variables?: readonly string[];
  readonly body?: string;
  readonly responseBody?: string;
  readonly httpMethod?: string;
}

export interface RequestWords {
  readonly captures?: readonly string[];
  readonly query?: string;
  readonly contentType?: string;
  readonly body?: string | Uint8Array;
  readonly form?: readonly FormPart[];
}

export function specOf(words: BindingWords): BindingSpec {
  const output = words.output ?? words.input;
  return {
    method: {
      fullName: "demo.Service.Method",
      rpcPath: "/demo.Service/Method",
      kind: "unary",
      input: words.input,
      output,
      inputShape: words.input,
      outputShape: output,
      httpRule: undefined,
      idempotency: "unknown",
      // Nothing in transcode reads the descriptor of the method itself.
      descriptor: { kind: "rpc", input: words.input, output } as BindingSpec["method"]["descriptor"],
    },
    variables: words.variables ?? [],
    body: words.body ?? "",
    responseBody: words.responseBody ?? "",
    httpMethod: words.httpMethod ?? "POST",
  };
}

export function assemble(transcoder: Transcoder, request: RequestWords): AssembledRequest {
  const body = request.body ?? "";
  return transcoder.assemble({
    captures: request.captures ?? [],
    query: request.query ?? "",
    contentType: request.contentType ?? "",
    body: typeof body === "string" ? Buffer.from(body) : body,
    ...(request.form === undefined ? {} : { form: request.form }),
  });
}

/** A codec under test. */
export interface Subject {
  readonly factory: TranscoderFactory;
  readonly compile: (
    words: BindingWords,
    options?: Partial<TranscodeOptions>,
    registry?: FileRegistry,
  ) => Transcoder;
  /** The assembled message as JSON, defaults left out. */
  readonly assembled: (
    words: BindingWords,
    request: RequestWords,
    options?: Partial<TranscodeOptions>,
    registry?: FileRegistry,
  ) => unknown;
  /** Options for the test of that name: a skip with its reason, if the codec differs in it on purpose. */
  readonly difference: (name: string) => { readonly skip?: string };
  /** The text that this codec has where the reference has `text`, of the body `json` of a type. */
  readonly text: (text: string, typeName?: string, json?: string) => string;
}

/**
 * The codec that `factory` makes; `texts` says which texts of the reference it words otherwise, `differences` which tests
 * it answers otherwise, and why.
 */
export function subjectOf(
  factory: TranscoderFactory,
  texts: Readonly<Record<string, string>>,
  differences: Readonly<Record<string, string>> = {},
): Subject {
  const compile: Subject["compile"] = (words, options = {}, registry = createFileRegistry()) => {
    const compiled = factory.compile(specOf(words), { ...OPTIONS, ...options }, registry, "rule 1");
    if ("problems" in compiled) assert.fail(compiled.problems.map((problem) => problem.what).join("; "));
    return compiled.transcoder;
  };
  return {
    factory,
    compile,
    assembled: (words, request, options = {}, registry = createFileRegistry()) => {
      const { message } = assemble(compile(words, options, registry), request);
      return JSON.parse(renderMessage(words.input, message, OPTIONS, registry));
    },
    difference: (name) => {
      const skip = differences[name];
      return skip === undefined ? {} : { skip };
    },
    text: (text, typeName, json) =>
      texts[`${json} ${text}`] ?? texts[`${typeName} ${text}`] ?? texts[text] ?? text,
  };
}

/** A reply's JSON as text. */
export function textOf(reply: ReturnType<Transcoder["render"]>): string {
  if (typeof reply === "string") return reply;
  return reply instanceof Uint8Array ? Buffer.from(reply).toString() : assert.fail("not JSON");
}

/** The status that `run` is refused with. */
export function refusal(run: () => unknown): Status {
  try {
    run();
  } catch (error) {
    if (error instanceof StatusError) return error.status;
    throw error;
  }
  return assert.fail("was not refused");
}

/** `REASON text`, as the tables of refusals write it. */
export function refusalText(run: () => unknown): string {
  const { reason, message } = refusal(run);
  return `${reason} ${message}`;
}
