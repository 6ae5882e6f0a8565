/**
 * The port of the codec: one binding, compiled. `assembly/` fills it over the plans of `compiled/`; `reflective/` is the
 * reference that it is compared with.
 */
import type { Registry } from "@bufbuild/protobuf";
import type { MethodSchema } from "../schema/index.ts";
import type { Problem, Status } from "../status/index.ts";

/** What a binding of a `google.api.HttpRule` says about messages. */
export interface BindingSpec {
  readonly method: MethodSchema;
  /** Field path (proto names, dotted: `book.name`) of every path variable, in the order of the captures. */
  readonly variables: readonly string[];
  /** `"*"`, a top-level field's proto name, or "" for none. */
  readonly body: string;
  /** A field of the reply (dotted where nested), or "" for the whole message. */
  readonly responseBody: string;
  /** The HTTP method; PATCH fills an unset FieldMask from the body. */
  readonly httpMethod: string;
}

/** Options of one route, after the cascade of config. */
export interface TranscodeOptions {
  readonly unknownFields: "reject" | "ignore" | "report";
  /** Query parameters that never bind and never count as unknown; `*` at the end matches any rest (`utm_*`). */
  readonly ignoredQueryParameters: readonly string[];
  readonly emitDefaults: boolean;
  readonly enumsAsNumbers: boolean;
  readonly int64: "string" | "number-if-safe";
  readonly protoFieldNames: boolean;
  readonly pretty: boolean;
  /** Whether `?prettyPrint=true` is understood. */
  readonly prettyPrintParameter: boolean;
  /** Deepest nesting of JSON and of messages, both directions. */
  readonly maxDepth: number;
}

/** Most unknown names that are reported of one body, and of one query. */
export const MAX_REPORTED: number = 64;

/** One part of a `multipart/form-data` body. Source: RFC 7578. */
export interface FormPart {
  /** The field that it fills, named as query parameters name fields. */
  readonly name: string;
  /** The part's Content-Type, verbatim; "" if it had none, which means text. */
  readonly contentType: string;
  /** Whether it came with a file name, so that a blob is taken as it is. */
  readonly hasFilename: boolean;
  readonly data: Uint8Array;
}

/** The parts of an HTTP request that become one message. */
export interface RequestParts {
  /** One decoded value for each variable of the binding; none at all for later messages of a stream. */
  readonly captures: readonly string[];
  /** The raw query, still percent-encoded. */
  readonly query: string;
  /** The request's Content-Type, verbatim; "" if it had none. */
  readonly contentType: string;
  readonly body: Uint8Array;
  /** The body, where it was a `multipart/form-data` that has been taken apart; `body` is then empty. */
  readonly form?: readonly FormPart[] | undefined;
}

/**
 * How the first message of a file stands to the fields that came before it in a form: it holds them too, or follows a
 * message of their own, because one of them (or the path) sets another member of a oneof that the file is in.
 */
export type StreamedFile = "joined" | "apart";

/** A request ready to be sent. */
export interface AssembledRequest {
  readonly message: Uint8Array;
  /** Unknown names seen under `unknownFields: report`: JSON pointers and query names. */
  readonly unknownFields: readonly string[];
  /** Whether the reply is to be indented. */
  readonly pretty: boolean;
}

/** A reply of type `google.api.HttpBody`: raw bytes with their own content type (may be empty). */
export interface HttpBodyReply {
  readonly contentType: string;
  readonly data: Uint8Array;
}

/**
 * What a binding reads its body as: nothing, a JSON value, a JSON value that may itself be an array (a repeated field,
 * ListValue, Value), or raw bytes for a `google.api.HttpBody`.
 */
export type RequestBodyKind = "none" | "json" | "json-list" | "http-body";

/** One binding's way between HTTP and protobuf. Stateless between calls. */
export interface Transcoder {
  readonly requestBody: RequestBodyKind;
  /** Whether `render` gives HttpBodyReply, for every message, rather than JSON. */
  readonly repliesWithHttpBody: boolean;
  /**
   * Builds the request message: body, then query, then path (docs/transcoding.md, "Request to message").
   * @throws {StatusError} INVALID_ARGUMENT, naming field and value.
   */
  assemble(parts: RequestParts): AssembledRequest;
  /**
   * Completes a request message that came encoded with what path and query say, which wins over what it has (repeated
   * fields are appended to, as protobuf merges messages). The message itself is not looked at; it may be empty.
   * @throws {StatusError} INVALID_ARGUMENT, naming field and value.
   */
  complete(message: Uint8Array, captures: readonly string[], query: string): AssembledRequest;
  /**
   * Where a form becomes several messages: how the file in the part `name` is sent after the parts called `before`;
   * undefined where `name` does not stand for bytes or an HttpBody, so that the part is taken whole.
   */
  streamedFile(name: string, before: readonly string[]): StreamedFile | undefined;
  /**
   * Renders one reply message as JSON, in memory of its own, or as a raw body, a view of the message.
   * @throws {StatusError} INTERNAL, reason UPSTREAM_REPLY_INVALID, if the bytes are not a message of the output type.
   */
  render(message: Uint8Array, pretty: boolean): Uint8Array | string | HttpBodyReply;
}

/** Renders a status as the JSON text of `google.rpc.Status`, details included. Never throws. */
export type StatusRenderer = (status: Status) => string;

/** A codec: makes transcoders. */
export interface TranscoderFactory {
  readonly name: string;
  /** Compiles one binding; where the rule does not fit the types, the problems say why. `where` is put in them. */
  compile(
    spec: BindingSpec,
    options: TranscodeOptions,
    registry: Registry,
    where: string,
  ): { readonly transcoder: Transcoder } | { readonly problems: readonly Problem[] };
}
