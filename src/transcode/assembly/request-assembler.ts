/**
 * The requests of one binding: path, query and body become one wire message, without message objects in between.
 *
 * The captures that lie in a JSON body are encoded, the body is read straight into the wire with them woven in, then
 * query parameters (or a form) and the other captures are encoded and grouped by message. What body, query and path may
 * not share is found on the way; the path's own conflicts are told last, as the path binds last.
 */
import { refuse } from "../../status/index.ts";
import { type BindingPlan, bodyPrefix, boundInBody, formPaths } from "../binding/binding-plan.ts";
import { oneofConflict, pathConflict, refuseCapture } from "../binding/path-faults.ts";
import { VALUE_ROOM } from "../compiled/byte-sink.ts";
import type { CompiledCodec } from "../compiled/codec.ts";
import { Byte } from "../compiled/json-source.ts";
import { type FieldPlan, fieldOf, type MessagePlan, Shape } from "../compiled/plan.ts";
import { BoundMessage, type BoundVariable, isEqual } from "../compiled/read-bound.ts";
import { readField, readMessage } from "../compiled/read-message.ts";
import type { FieldPath } from "../fields/field-path.ts";
import type { MessageTypes } from "../fields/message-types.ts";
import { resolvePart } from "../form/part-target.ts";
import { IgnoredNames } from "../query/ignored-names.ts";
import { LeafFault } from "../query/leaf-text.ts";
import { parseForm, parseQuery, prettyPrintOf } from "../query/parse-query.ts";
import { resolveParameter } from "../query/resolve-parameter.ts";
import { bodyFormatOf, refuseMediaType } from "../text/content-type.ts";
import type { AssembledRequest, FormPart, RequestParts, TranscodeOptions } from "../transcoder.ts";
import { MessageNode } from "./field-tree.ts";
import { type BoundPart, bindPart, boundParts, type FormScope, isOrdinary } from "./form-binder.ts";
import { writeHttpBody } from "./http-body-request.ts";
import { LeafWriter, writeMaskPaths } from "./leaf-writer.ts";
import { bindNothing, bindParameter, ParameterNames, type ParameterScope } from "./parameters.ts";
import { presentPaths } from "./present-paths.ts";

/** A request being put together. */
interface Assembly extends ParameterScope {
  readonly root: MessageNode;
  /** The field that the body has filled on the wire, if it did. */
  written: FieldPlan | undefined;
  /** Whether the body was JSON. */
  isJson: boolean;
  /** Pointers of what the JSON body has beyond the schema. */
  unknownPointers: readonly string[];
  /** Variables whose captures have been woven into a part of a form. */
  woven: ReadonlySet<BoundVariable>;
  pretty: boolean;
}

/** Assembles the requests of one binding. */
export class RequestAssembler {
  readonly #binding: BindingPlan;
  readonly #options: TranscodeOptions;
  readonly #codec: CompiledCodec;
  readonly #writer: LeafWriter;
  readonly #ignored: IgnoredNames;
  readonly #input: MessagePlan;
  readonly #names: ParameterNames;
  /** The names in a form that fills the body's field. */
  readonly #formNames: ParameterNames | undefined;
  /** The names of the parts of a multipart form. */
  readonly #partNames: ParameterNames;
  readonly #boundParts: ReadonlyMap<string, BoundPart>;
  readonly #bodyField: FieldPlan | undefined;
  readonly #updateMask: FieldPlan | undefined;
  readonly #variables: readonly BoundVariable[];
  /** The message that a JSON body is, if the path binds fields in it. */
  readonly #bound: BoundMessage | undefined;
  readonly #boundInBody: ReadonlySet<string>;

  constructor(binding: BindingPlan, options: TranscodeOptions, codec: CompiledCodec, types: MessageTypes) {
    const { body } = binding;
    this.#binding = binding;
    this.#options = options;
    this.#codec = codec;
    this.#writer = new LeafWriter(codec.reading.values, types, () => codec.leafReading);
    this.#ignored = new IgnoredNames(options.ignoredQueryParameters);
    this.#input = codec.plans.messagePlan(binding.input);
    this.#names = namesIn(types, this.#input, options);
    const desc = body.kind === "field" || body.kind === "http-body" ? body.field : undefined;
    this.#bodyField = desc === undefined ? undefined : fieldOf(this.#input, desc);
    const isFilled = this.#bodyField !== undefined && isOrdinary(this.#bodyField);
    this.#formNames = isFilled ? namesIn(types, this.#bodyField.message, options) : undefined;
    this.#partNames = new ParameterNames(this.#input, options, (name) =>
      resolvePart(types, binding, name, options.maxDepth),
    );
    const { updateMask } = binding;
    this.#updateMask = updateMask === undefined ? undefined : fieldOf(this.#input, updateMask);
    this.#variables = binding.variables.map((path) => ({
      path,
      parents: parentsOf(this.#input, path),
      leaf: leafOf(this.#input, path),
      isInBody: body.kind === "message" || (body.kind === "field" && path.parents[0] === body.field),
      start: 0,
      end: 0,
      finding: "absent",
      fault: undefined,
    }));
    this.#bound = this.#boundMessage();
    this.#boundParts = boundParts(this.#variables);
    this.#boundInBody = boundInBody(binding);
  }

  /** As {@link Transcoder.assemble}. */
  assemble(parts: RequestParts): AssembledRequest {
    const { reading } = this.#codec;
    reading.reset(parts.body);
    reading.values.reset();
    try {
      return this.#assemble(parts);
    } finally {
      reading.json.release();
    }
  }

  /** As {@link Transcoder.complete}: of two values for a field the later one counts (protobuf, "Last One Wins"). */
  complete(message: Uint8Array, captures: readonly string[], query: string): AssembledRequest {
    const { reading } = this.#codec;
    reading.reset(NO_BODY);
    reading.values.reset();
    // A zero that takes no bytes would lose against the message's value.
    this.#writer.zeros = "explicit";
    try {
      const assembly = this.#begin();
      this.#bindParameters(assembly, captures, query);
      reading.wire.ensure(message.length);
      reading.wire.append(message);
      return this.#finish(assembly);
    } finally {
      this.#writer.zeros = "implied";
      reading.json.release();
    }
  }

  #assemble(parts: RequestParts): AssembledRequest {
    const assembly = this.#begin();
    this.#bindBody(assembly, parts);
    this.#bindParameters(assembly, parts.captures, parts.query);
    this.#fillUpdateMask(assembly);
    this.#checkRequired(assembly);
    return this.#finish(assembly);
  }

  #begin(): Assembly {
    return {
      root: new MessageNode(this.#input),
      writer: this.#writer,
      given: [],
      unknown: [],
      policy: this.#options.unknownFields,
      written: undefined,
      isJson: false,
      unknownPointers: NONE,
      woven: NO_VARIABLES,
      pretty: this.#options.pretty,
    };
  }

  #bindParameters(assembly: Assembly, captures: readonly string[], query: string): void {
    if (query !== "") this.#bindQuery(assembly, query);
    this.#bindPath(assembly, captures);
  }

  #finish(assembly: Assembly): AssembledRequest {
    const { wire, values } = this.#codec.reading;
    assembly.root.writeTo(wire, values);
    const { unknown, unknownPointers, pretty } = assembly;
    const unknownFields = unknown.length === 0 ? unknownPointers : [...unknownPointers, ...unknown];
    return { message: wire.take(), unknownFields, pretty };
  }

  #bindBody(assembly: Assembly, parts: RequestParts): void {
    const { body } = this.#binding;
    if (body.kind === "none") {
      if (parts.body.length > 0 || parts.form !== undefined)
        throw refuse("BODY_NOT_ALLOWED", "this route takes no request body");
      return;
    }
    if (parts.form !== undefined) {
      this.#bindParts(assembly, parts.form, parts.captures);
      return;
    }
    if (body.kind === "http-body") {
      writeHttpBody(this.#codec.reading.wire, this.#bodyField, this.#input, parts);
      this.#noteWritten(assembly);
      return;
    }
    if (parts.body.length === 0) {
      // An empty body is an empty message, so a message in a field is present; other fields stay unset.
      if (this.#bodyField !== undefined && isOrdinary(this.#bodyField)) assembly.root.enter(this.#bodyField);
      return;
    }
    const format = bodyFormatOf(parts.contentType);
    if (format === "json") this.#bindJson(assembly, parts);
    else if (format === "form" && (this.#bodyField === undefined || this.#formNames !== undefined)) {
      this.#bindForm(assembly, parts.body);
    } else throw refuseMediaType(parts.contentType);
  }

  #bindJson(assembly: Assembly, parts: RequestParts): void {
    const { reading } = this.#codec;
    const { json } = reading;
    assembly.isJson = true;
    const bound = parts.captures.length > 0 ? this.#bound : undefined;
    if (bound !== undefined) this.#encodeBound(bound, parts.captures);
    reading.bound = bound;
    const field = this.#bodyField;
    const first = json.peek();
    if (field === undefined) readMessage(reading, this.#input);
    else if (first === Byte.LOWER_N && !(field.nullable && field.shape === Shape.SINGULAR)) json.takeNull();
    else {
      readField(reading, field);
      this.#noteWritten(assembly);
    }
    json.expectEnd();
    assembly.unknownPointers = reading.unknownPointers();
  }

  /** Notes that the body's field stands on the wire, if it does: an implicit zero does not. */
  #noteWritten(assembly: Assembly): void {
    if (this.#bodyField === undefined) return;
    if (this.#codec.reading.wire.length > 0) assembly.root.setOneof(this.#bodyField);
    assembly.written = this.#bodyField;
  }

  #bindForm(assembly: Assembly, body: Uint8Array): void {
    const field = this.#bodyField;
    const target = field === undefined ? assembly.root : assembly.root.enter(field);
    if (target === undefined) return;
    const prefix = bodyPrefix(this.#binding);
    for (const parameter of parseForm(body))
      bindParameter(assembly, this.#formNames ?? this.#names, target, parameter, prefix, undefined);
  }

  #bindParts(assembly: Assembly, parts: readonly FormPart[], captures: readonly string[]): void {
    const woven = new Set<BoundVariable>();
    assembly.woven = woven;
    const scope: FormScope = {
      ...assembly,
      reading: this.#codec.reading,
      names: this.#partNames,
      encodeBound: (path) => this.#encodePart(path, captures),
      woven,
    };
    for (const part of parts) bindPart(scope, assembly.root, part);
    // As with an empty body, a message in a field is present.
    if (this.#bodyField !== undefined && isOrdinary(this.#bodyField)) assembly.root.fill(this.#bodyField);
  }

  /** Encodes the captures that lie in the message at `path`, which a part of a form gives as a whole. */
  #encodePart(path: string, captures: readonly string[]): BoundPart | undefined {
    const boundPart = captures.length === 0 ? undefined : this.#boundParts.get(path);
    if (boundPart === undefined) return undefined;
    boundPart.bound.reset();
    for (const [index, variable] of this.#variables.entries())
      if (boundPart.variables.includes(variable)) this.#encode(variable, captures[index]);
    return boundPart;
  }

  #bindQuery(assembly: Assembly, query: string): void {
    const { body } = this.#binding;
    const takesAll = body.kind === "message" || (body.kind === "http-body" && body.field === undefined);
    const reserved = body.kind === "field" || body.kind === "http-body" ? body.field : undefined;
    for (const parameter of parseQuery(query)) {
      if (this.#ignored.has(parameter.name)) continue;
      if (this.#options.prettyPrintParameter && parameter.name === "prettyPrint") {
        assembly.pretty = prettyPrintOf(parameter.value);
      } else if (takesAll) bindNothing(assembly, parameter.name, TAKES_ALL);
      else bindParameter(assembly, this.#names, assembly.root, parameter, "", reserved);
    }
  }

  /** Encodes the captures in the body, to be woven in. One that does not fit its field is told later. */
  #encodeBound(bound: BoundMessage, captures: readonly string[]): void {
    bound.reset();
    for (const [index, variable] of this.#variables.entries())
      if (variable.isInBody) this.#encode(variable, captures[index]);
  }

  /** Encodes a capture; what is wrong with it is kept, not thrown. */
  #encode(variable: BoundVariable, capture: string | undefined): void {
    const { values } = this.#writer;
    variable.start = values.length;
    variable.finding = "absent";
    variable.fault = undefined;
    try {
      if (capture !== undefined) this.#writer.write(variable.leaf, capture);
    } catch (error) {
      if (!(error instanceof LeafFault)) throw error;
      variable.fault = error;
      values.length = variable.start;
    }
    variable.end = values.length;
  }

  /** Takes the captures that the body has not taken, and tells what is wrong with any. */
  #bindPath({ root, isJson, woven }: Assembly, captures: readonly string[]): void {
    const isWoven = isJson && this.#bound?.isWoven === true;
    for (const [index, variable] of this.#variables.entries()) {
      const capture = captures[index];
      if (capture === undefined) continue;
      const isAdded = !((isWoven && variable.isInBody) || woven.has(variable));
      if (isAdded) this.#encode(variable, capture);
      if (variable.fault !== undefined) throw refuseCapture(variable.path, variable.fault);
      if (isAdded) this.#addVariable(root, variable);
      if (variable.finding === "other") throw pathConflict(variable.path, capture);
      if (variable.finding === "oneof") throw oneofConflict(variable.path, capture);
    }
  }

  /** Adds the encoded value of a variable to the fields of the request, which may hold it already. */
  #addVariable(root: MessageNode, variable: BoundVariable): void {
    let owner = root;
    for (const parent of variable.parents) {
      const child = owner.enter(parent);
      if (child === undefined) {
        variable.finding = "oneof";
        return;
      }
      owner = child;
    }
    const { leaf, start, end } = variable;
    if (owner.rivalOf(leaf) !== undefined) {
      variable.finding = "oneof";
      return;
    }
    const { values } = this.#writer;
    const before = owner.find(leaf);
    if (before === undefined) {
      owner.add(leaf).ranges.push(start, end);
      return;
    }
    const [from = 0, to = 0] = before.ranges;
    variable.finding = isEqual(values, from, to, values, start, end) ? "same" : "other";
  }

  #fillUpdateMask({ root, isJson, given }: Assembly): void {
    const field = this.#updateMask;
    const body = this.#bodyField;
    if (field === undefined || body === undefined || root.find(field) !== undefined) return;
    if (root.rivalOf(field) !== undefined) return;
    const { reading } = this.#codec;
    const paths = isJson
      ? presentPaths(reading, body.message, this.#boundInBody)
      : formPaths(given, bodyPrefix(this.#binding), this.#boundInBody);
    if (paths.length === 0) return;
    const { values } = this.#writer;
    const from = values.length;
    values.ensure(VALUE_ROOM);
    values.varint(field.tag);
    const start = values.open();
    writeMaskPaths(values, paths);
    values.close(start);
    root.add(field).ranges.push(from, values.length);
  }

  /** @throws {StatusError} if a required field is missing from what is not JSON; the reader has seen to that. */
  #checkRequired({ root, isJson, written }: Assembly): void {
    if (isJson && this.#binding.body.kind === "message") return;
    const missing = root.missingRequired((field) => field === written);
    if (missing === undefined) return;
    const reason = this.#binding.body.kind === "none" ? "PARAM_INVALID" : "JSON_INVALID";
    throw refuse(reason, `${missing}: the required field is not set`, missing);
  }

  #boundMessage(): BoundMessage | undefined {
    const variables = this.#variables.filter(({ isInBody }) => isInBody);
    if (variables.length === 0) return undefined;
    return this.#bodyField === undefined
      ? new BoundMessage(this.#input, variables, 0)
      : new BoundMessage(this.#bodyField.message, variables, 1);
  }
}

const NONE: readonly string[] = [];
const NO_BODY = new Uint8Array(0);
const NO_VARIABLES: ReadonlySet<BoundVariable> = new Set();
const TAKES_ALL = "the body fills every field here, so no query parameter binds";

/** The names of query parameters and form fields in a message. */
function namesIn(types: MessageTypes, plan: MessagePlan, options: TranscodeOptions): ParameterNames {
  return new ParameterNames(plan, options, (name) =>
    resolveParameter(types, plan.desc, name, options.maxDepth),
  );
}

/** The fields that lead from the request to the one that holds the path's last. */
function parentsOf(input: MessagePlan, { parents }: FieldPath): readonly FieldPlan[] {
  let owner = input;
  return parents.map((parent) => {
    const field = fieldOf(owner, parent);
    owner = field.message;
    return field;
  });
}

function leafOf(input: MessagePlan, path: FieldPath): FieldPlan {
  return fieldOf(parentsOf(input, path).at(-1)?.message ?? input, path.leaf);
}
