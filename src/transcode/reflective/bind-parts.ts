/** The parts of a multipart form into a message. */
import { create, type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import type { BindingPlan } from "../binding/binding-plan.ts";
import { type FieldPath, isTraversable } from "../fields/field-path.ts";
import { resolvePart } from "../form/part-target.ts";
import { inPart, partFormOf, textOfPart } from "../form/part-value.ts";
import { JsonFault, refuseBody } from "../json/json-error.ts";
import type { JsonNode } from "../json/json-tree.ts";
import { DEFAULT_MAX_VALUES, decodeText, parseJson } from "../json/parse-json.ts";
import { isPresent, presentPaths } from "../json/present-paths.ts";
import { LeafFault } from "../query/leaf-text.ts";
import { refuseParameter } from "../query/parse-query.ts";
import type { ParameterTarget } from "../query/resolve-parameter.ts";
import { clip } from "../text/quote.ts";
import { type FormPart, MAX_REPORTED, type TranscodeOptions } from "../transcoder.ts";
import { enter, hasOther, oneofTwice, type ParameterBinder } from "./bind-parameters.ts";
import type { CodecScope } from "./codec-scope.ts";
import { leafFromText } from "./leaf.ts";
import { JsonReader } from "./read-json.ts";

const NO_PATHS: ReadonlySet<string> = new Set();

/** A part that was a message as JSON. */
interface JsonPart {
  readonly fields: readonly DescField[];
  readonly root: JsonNode;
}

/** Binds the parts of one request. */
export class PartBinder {
  /** Paths (proto names from the request message) that the parts gave, those in JSON included. */
  readonly given: string[] = [];
  readonly #scope: CodecScope;
  readonly #policy: TranscodeOptions["unknownFields"];
  readonly #plan: BindingPlan;
  readonly #binder: ParameterBinder;
  readonly #messages: JsonPart[] = [];

  constructor(
    scope: CodecScope,
    policy: TranscodeOptions["unknownFields"],
    plan: BindingPlan,
    binder: ParameterBinder,
  ) {
    this.#scope = scope;
    this.#policy = policy;
    this.#plan = plan;
    this.#binder = binder;
  }

  /**
   * Sets the field of `root`, the request, that the part fills.
   * @throws {StatusError} PARAM_INVALID, PARAM_UNKNOWN, JSON_INVALID or JSON_UNKNOWN_FIELD, naming the part.
   */
  bind(root: ReflectMessage, part: FormPart): void {
    const { name } = part;
    const target = resolvePart(this.#scope.types, this.#plan, name, this.#scope.maxDepth);
    if (target.kind === "unknown") {
      this.#binder.bindUnknown(name, target);
      return;
    }
    if (target.kind === "unfit") throw refuseParameter(name, target.what);
    const owner = this.#ownerOf(root, target, name);
    const { leaf } = target;
    const isSingular = leaf.fieldKind !== "list" && leaf.fieldKind !== "map";
    const isTwice =
      this.#binder.bound.has(target.path) || (leaf.fieldKind === "message" && owner.isSet(leaf));
    if (isSingular && isTwice)
      throw refuseParameter(name, `"${leaf.name}" is not repeated, but is given twice`);
    if (hasOther(owner, leaf)) throw oneofTwice(owner, leaf, name);
    const form = partFormOf(leaf, part);
    if (form === "json") {
      this.#bindJson(owner, target, part);
      return;
    }
    const value = form === "raw" ? rawValue(leaf, part) : this.#text(leaf, part);
    this.#binder.set(owner, target, value, name, "");
    this.given.push(target.path);
  }

  /** Whether a part that was a message as JSON gives the variable's field. */
  isInJson({ parents, leaf }: FieldPath): boolean {
    const path = [...parents, leaf];
    return this.#messages.some(
      ({ fields, root }) =>
        fields.length < path.length &&
        fields.every((field, index) => field === path[index]) &&
        isPresent(root, path.slice(fields.length)),
    );
  }

  #ownerOf(root: ReflectMessage, { parents }: ParameterTarget, name: string): ReflectMessage {
    let owner = root;
    let path = "";
    for (const parent of parents) {
      path += `${path === "" ? "" : "."}${parent.name}`;
      if (this.#binder.bound.has(path))
        throw refuseParameter(name, `"${parent.name}" is given as a whole by another part`);
      const child = enter(owner, parent);
      if (child === undefined) throw oneofTwice(owner, parent, name);
      owner = child;
    }
    return owner;
  }

  #text(leaf: DescField, part: FormPart): unknown {
    try {
      return leafFromText(this.#scope, leaf, textOfPart(part));
    } catch (error) {
      throw error instanceof LeafFault ? refuseParameter(part.name, error.message) : error;
    }
  }

  #bindJson(owner: ReflectMessage, target: ParameterTarget, part: FormPart): void {
    const { leaf, parents, path } = target;
    const { types, maxDepth } = this.#scope;
    const reader = new JsonReader(this.#scope, this.#policy);
    const set = (value: unknown): void => this.#binder.set(owner, target, value, part.name, "");
    try {
      const { root } = parseJson(part.data, { maxDepth, maxValues: DEFAULT_MAX_VALUES });
      if (leaf.fieldKind === "map") set(reader.readItem(leaf, root));
      else if (leaf.fieldKind !== "list") {
        reader.readField(owner, leaf, root);
        // A null that is a value is set.
        if (root.kind !== "null" || owner.isSet(leaf)) this.#binder.bound.add(path);
      } else if (root.kind === "array") {
        for (const [index, item] of root.items.entries())
          this.#add(
            set,
            reader.at(index, () => reader.readItem(leaf, item)),
          );
      } else if (root.kind !== "null") this.#add(set, reader.readItem(leaf, root));
      if (isTraversable(leaf)) {
        this.#messages.push({ fields: [...parents, leaf], root });
        const inner = presentPaths(types, leaf.message, root, NO_PATHS);
        this.given.push(...(inner.length === 0 ? [path] : inner.map((each) => `${path}.${each}`)));
      } else this.given.push(path);
    } catch (error) {
      throw inPart(part.name, error instanceof JsonFault ? refuseBody(error, decodeText(part.data)) : error);
    }
    const { unknown } = this.#binder;
    for (const pointer of reader.unknownFields)
      if (unknown.length < MAX_REPORTED) unknown.push(`${clip(part.name, 200)}${pointer}`);
  }

  /** Adds an item, unless its name is one that is passed over. */
  #add(set: (value: unknown) => void, item: unknown): void {
    if (item !== undefined) set(item);
  }
}

/** The part's bytes: as they are, in a BytesValue, or in an HttpBody with their type. */
function rawValue(field: DescField, { contentType, data }: FormPart): unknown {
  const { message } = field;
  return message === undefined ? data : blobOf(message, contentType, data);
}

function blobOf(desc: DescMessage, contentType: string, data: Uint8Array): ReflectMessage {
  const message = reflect(desc, create(desc), false);
  for (const field of desc.fields) {
    if (field.scalar === ScalarType.BYTES) message.set(field, data);
    else if (field.scalar === ScalarType.STRING) message.set(field, contentType);
  }
  return message;
}
