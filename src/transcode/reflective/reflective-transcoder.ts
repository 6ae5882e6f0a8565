/**
 * The reflective codec: one binding, by descriptors and message objects. Requests are served by the compiled codec; this
 * one is the reference that the contract suite compares it with. Its writer also shows details of errors
 * (`status/status-json.ts`), messages to people (`renderMessage`, for `sluice explain`) and fields that are unset.
 */
import { create, type DescField, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { refuse } from "../../status/index.ts";
import {
  type BindingPlan,
  bodyPrefix,
  boundInBody,
  formPaths,
  type MessageField,
  requestBodyKindOf,
} from "../binding/binding-plan.ts";
import { streamedFileOf } from "../form/streamed-file.ts";
import { sliceHttpBody } from "../http-body/slice-http-body.ts";
import { JsonFault, refuseBody } from "../json/json-error.ts";
import type { JsonDocument } from "../json/json-tree.ts";
import { DEFAULT_MAX_VALUES, decodeText, parseJson } from "../json/parse-json.ts";
import { isPresent, presentPaths } from "../json/present-paths.ts";
import { IgnoredNames } from "../query/ignored-names.ts";
import { parseForm, parseQuery, prettyPrintOf } from "../query/parse-query.ts";
import { bodyFormatOf, refuseMediaType } from "../text/content-type.ts";
import type {
  AssembledRequest,
  FormPart,
  HttpBodyReply,
  RequestBodyKind,
  RequestParts,
  StreamedFile,
  TranscodeOptions,
  Transcoder,
} from "../transcoder.ts";
import { bindCapture } from "./bind-captures.ts";
import { enter, ParameterBinder } from "./bind-parameters.ts";
import { PartBinder } from "./bind-parts.ts";
import type { CodecScope } from "./codec-scope.ts";
import { missingRequired } from "./missing-required.ts";
import { JsonReader } from "./read-json.ts";
import { setPaths } from "./read-well-known.ts";
import { decodeMessage, fieldToJson, type JsonWriteOptions, messageToJson } from "./write-json.ts";

/** A request being put together. */
interface Assembly {
  readonly message: ReflectMessage;
  readonly reader: JsonReader;
  readonly binder: ParameterBinder;
  /** The body, if it was JSON. */
  document: JsonDocument | undefined;
  /** The parts, if it was a form in several. */
  form: PartBinder | undefined;
  pretty: boolean;
}

/** The transcoder of one binding. */
export class ReflectiveTranscoder implements Transcoder {
  readonly requestBody: RequestBodyKind;
  readonly repliesWithHttpBody: boolean;
  readonly #plan: BindingPlan;
  readonly #options: TranscodeOptions;
  readonly #scope: CodecScope;
  readonly #ignored: IgnoredNames;
  readonly #compact: JsonWriteOptions;
  readonly #indented: JsonWriteOptions;
  /** Field numbers from the reply to its HttpBody. */
  readonly #httpBodyPath: readonly number[];
  /** Paths of the variables inside the body's field, from there. */
  readonly #boundInBody: ReadonlySet<string>;

  constructor(plan: BindingPlan, options: TranscodeOptions, scope: CodecScope) {
    this.requestBody = requestBodyKindOf(plan);
    this.repliesWithHttpBody = plan.reply.kind === "http-body";
    this.#plan = plan;
    this.#options = options;
    this.#scope = scope;
    this.#ignored = new IgnoredNames(options.ignoredQueryParameters);
    this.#compact = { ...options, pretty: false };
    this.#indented = { ...options, pretty: true };
    this.#httpBodyPath =
      plan.reply.kind === "http-body" ? plan.reply.fields.map((field) => field.number) : [];
    this.#boundInBody = boundInBody(plan);
  }

  assemble(parts: RequestParts): AssembledRequest {
    const { input } = this.#plan;
    const assembly = this.#begin(reflect(input, create(input), false));
    this.#bindBody(assembly, parts);
    if (parts.query !== "") this.#bindQuery(assembly, parts.query);
    this.#bindPath(assembly, parts.captures);
    this.#fillUpdateMask(assembly);
    return this.#finish(assembly);
  }

  complete(message: Uint8Array, captures: readonly string[], query: string): AssembledRequest {
    const { input } = this.#plan;
    const assembly = this.#begin(reflect(input, fromBinary(input, message), false));
    if (query !== "") this.#bindQuery(assembly, query);
    this.#bindPath(assembly, captures);
    return this.#finish(assembly);
  }

  #begin(message: ReflectMessage): Assembly {
    const { unknownFields } = this.#options;
    return {
      message,
      reader: new JsonReader(this.#scope, unknownFields),
      binder: new ParameterBinder(this.#scope, unknownFields),
      document: undefined,
      form: undefined,
      pretty: this.#options.pretty,
    };
  }

  #finish({ message, reader, binder, pretty }: Assembly): AssembledRequest {
    const unknownFields = [...reader.unknownFields, ...binder.unknown];
    return { message: this.#encode(message), unknownFields, pretty };
  }

  streamedFile(name: string, before: readonly string[]): StreamedFile | undefined {
    const { types, maxDepth } = this.#scope;
    return streamedFileOf(types, this.#plan, maxDepth, name, before);
  }

  render(message: Uint8Array, pretty: boolean): string | HttpBodyReply {
    const { reply, output } = this.#plan;
    if (reply.kind === "http-body") return sliceHttpBody(message, this.#httpBodyPath);
    const options = pretty ? this.#indented : this.#compact;
    let owner = decodeMessage(this.#scope, output, message);
    if (reply.kind === "message") return messageToJson(this.#scope, options, owner);
    const { parents, leaf } = reply.path;
    for (const parent of parents) {
      if (parent.fieldKind !== "message") break;
      // Of an unset message, too, the reflection gives one, with every field unset.
      owner = owner.get(parent);
    }
    return fieldToJson(this.#scope, options, owner, leaf);
  }

  #bindBody(assembly: Assembly, parts: RequestParts): void {
    const { body } = this.#plan;
    if (body.kind === "none") {
      if (parts.body.length > 0 || parts.form !== undefined)
        throw refuse("BODY_NOT_ALLOWED", "this route takes no request body");
      return;
    }
    if (parts.form !== undefined) {
      this.#bindParts(assembly, parts.form);
      return;
    }
    if (body.kind === "http-body") {
      bindHttpBody(assembly.message, body.field, parts);
      return;
    }
    const field = body.kind === "field" ? body.field : undefined;
    if (parts.body.length === 0) {
      // An empty body is an empty message, so a message in a field is present; other fields stay unset.
      if (field !== undefined && this.#isOrdinary(field)) assembly.message.set(field, newMessage(field));
      return;
    }
    const format = bodyFormatOf(parts.contentType);
    if (format === "json") this.#bindJson(assembly, field, parts.body);
    else if (format === "form" && (field === undefined || this.#isOrdinary(field))) {
      this.#bindForm(assembly, field, parts.body);
    } else {
      throw refuseMediaType(parts.contentType);
    }
  }

  #bindJson(assembly: Assembly, field: DescField | undefined, bytes: Uint8Array): void {
    try {
      const limits = { maxDepth: this.#scope.maxDepth, maxValues: DEFAULT_MAX_VALUES };
      const document = parseJson(bytes, limits);
      assembly.document = document;
      if (field === undefined) assembly.reader.readMessage(assembly.message, document.root);
      else assembly.reader.readField(assembly.message, field, document.root);
    } catch (error) {
      throw error instanceof JsonFault ? refuseBody(error, decodeText(bytes)) : error;
    }
  }

  #bindForm(assembly: Assembly, field: MessageField | undefined, bytes: Uint8Array): void {
    const parameters = parseForm(bytes);
    let target = assembly.message;
    if (field !== undefined) {
      target = newMessage(field);
      assembly.message.set(field, target);
    }
    const prefix = bodyPrefix(this.#plan);
    for (const parameter of parameters) assembly.binder.bind(target, parameter, prefix);
  }

  #bindParts(assembly: Assembly, parts: readonly FormPart[]): void {
    const { body } = this.#plan;
    const form = new PartBinder(this.#scope, this.#options.unknownFields, this.#plan, assembly.binder);
    assembly.form = form;
    for (const part of parts) form.bind(assembly.message, part);
    // As with an empty body, a message in a field is present.
    if (body.kind === "field" && this.#isOrdinary(body.field)) enter(assembly.message, body.field);
  }

  #bindQuery(assembly: Assembly, query: string): void {
    const { body } = this.#plan;
    const takesAll = body.kind === "message" || (body.kind === "http-body" && body.field === undefined);
    const reserved = body.kind === "field" || body.kind === "http-body" ? body.field : undefined;
    for (const parameter of parseQuery(query)) {
      if (this.#ignored.has(parameter.name)) continue;
      if (this.#options.prettyPrintParameter && parameter.name === "prettyPrint") {
        assembly.pretty = prettyPrintOf(parameter.value);
      } else if (takesAll) {
        assembly.binder.bindNothing(
          parameter.name,
          "the body fills every field here, so no query parameter binds",
        );
      } else {
        assembly.binder.bind(assembly.message, parameter, "", reserved);
      }
    }
  }

  #bindPath(assembly: Assembly, captures: readonly string[]): void {
    for (const [index, variable] of this.#plan.variables.entries()) {
      const capture = captures[index];
      if (capture === undefined) continue;
      const isGiven =
        assembly.binder.bound.has(variable.name) ||
        assembly.form?.isInJson(variable) === true ||
        this.#isInJson(assembly, index);
      bindCapture(this.#scope, assembly.message, variable, capture, isGiven);
    }
  }

  /** Whether the JSON body gives the field of the variable at `index`. */
  #isInJson({ document }: Assembly, index: number): boolean {
    const variable = this.#plan.variables[index];
    if (document === undefined || variable === undefined) return false;
    const fields = [...variable.parents, variable.leaf];
    const { body } = this.#plan;
    if (body.kind === "message") return isPresent(document.root, fields);
    return body.kind === "field" && fields[0] === body.field && isPresent(document.root, fields.slice(1));
  }

  #fillUpdateMask({ message, document, binder, form }: Assembly): void {
    const { updateMask, body } = this.#plan;
    if (updateMask === undefined || body.kind !== "field" || body.field.message === undefined) return;
    if (message.isSet(updateMask)) return;
    const { types } = this.#scope;
    const paths =
      document === undefined
        ? formPaths(form?.given ?? binder.bound, bodyPrefix(this.#plan), this.#boundInBody)
        : presentPaths(types, body.field.message, document.root, this.#boundInBody);
    if (paths.length === 0) return;
    const mask = newMessage(updateMask);
    setPaths(mask, types.of(updateMask.message), paths);
    message.set(updateMask, mask);
  }

  #encode(message: ReflectMessage): Uint8Array {
    try {
      return toBinary(message.desc, message.message);
    } catch (error) {
      const missing = missingRequired(message);
      if (missing === undefined) throw error;
      const reason = this.#plan.body.kind === "none" ? "PARAM_INVALID" : "JSON_INVALID";
      throw refuse(reason, `${missing}: the required field is not set`, missing);
    }
  }

  #isOrdinary(field: DescField): field is MessageField {
    return field.fieldKind === "message" && this.#scope.types.of(field.message).wellKnown === undefined;
  }
}

function newMessage(field: MessageField): ReflectMessage {
  return reflect(field.message, create(field.message), false);
}

function bindHttpBody(message: ReflectMessage, field: MessageField | undefined, parts: RequestParts): void {
  const target = field === undefined ? message : newMessage(field);
  const contentType = target.findNumber(1);
  const data = target.findNumber(2);
  if (contentType !== undefined) target.set(contentType, parts.contentType);
  if (data !== undefined) target.set(data, parts.body);
  if (field !== undefined) message.set(field, target);
}
