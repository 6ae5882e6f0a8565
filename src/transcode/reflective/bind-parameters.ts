/** Query parameters and form fields into a message. */
import { create, type DescField, type ScalarType } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import type { StatusError } from "../../status/index.ts";
import { LeafFault, mapKeyLeaf } from "../query/leaf-text.ts";
import { type QueryParameter, refuseParameter, refuseUnknown } from "../query/parse-query.ts";
import {
  describeUnknown,
  type ParameterTarget,
  resolveParameter,
  type UnknownTarget,
} from "../query/resolve-parameter.ts";
import { clip } from "../text/quote.ts";
import type { Scalar } from "../text/scalar-text.ts";
import { MAX_REPORTED, type TranscodeOptions } from "../transcoder.ts";
import type { CodecScope } from "./codec-scope.ts";
import { leafFromText } from "./leaf.ts";

/** Binds the parameters of one request. */
export class ParameterBinder {
  /** Paths (proto names from the request message) of the fields that parameters filled. */
  readonly bound: Set<string> = new Set();
  /** Names that no field has, under `report`. */
  readonly unknown: string[] = [];
  readonly #scope: CodecScope;
  readonly #policy: TranscodeOptions["unknownFields"];

  constructor(scope: CodecScope, policy: TranscodeOptions["unknownFields"]) {
    this.#scope = scope;
    this.#policy = policy;
  }

  /**
   * Sets the field of `message` that the parameter names. `prefix` is the path of `message` itself, with its dot;
   * `reserved` is a top-level field that parameters may not fill, because the body does.
   * @throws {StatusError} PARAM_INVALID or PARAM_UNKNOWN
   */
  bind(message: ReflectMessage, parameter: QueryParameter, prefix: string, reserved?: DescField): void {
    const { name } = parameter;
    const target = resolveParameter(this.#scope.types, message.desc, name, this.#scope.maxDepth);
    if (target.kind === "unknown") {
      this.bindUnknown(name, target);
      return;
    }
    if (target.kind === "unfit") throw refuseParameter(name, target.what);
    if (reserved !== undefined && (target.parents[0] ?? target.leaf) === reserved) {
      throw refuseParameter(name, `"${reserved.name}" is filled by the body alone`);
    }
    let owner = message;
    for (const parent of target.parents) owner = this.#child(owner, parent, name);
    this.set(owner, target, this.#value(target.leaf, parameter), name, prefix);
  }

  /**
   * Sets the field of `owner` that `name` stands for to `value`.
   * @throws {StatusError} PARAM_INVALID if it holds a value already, or its oneof does.
   */
  set(owner: ReflectMessage, target: ParameterTarget, value: unknown, name: string, prefix: string): void {
    this.#set(owner, target, value, name, prefix);
    this.bound.add(prefix + target.path);
  }

  /** A name that no field has. @throws {StatusError} PARAM_UNKNOWN, unless the policy passes it over. */
  bindUnknown(name: string, target: UnknownTarget): void {
    if (this.#policy === "reject") throw refuseUnknown(name, describeUnknown(target));
    this.#passOver(name);
  }

  /** A parameter where none can bind, for the reason `what`. @throws {StatusError} PARAM_UNKNOWN */
  bindNothing(name: string, what: string): void {
    if (this.#policy === "reject") throw refuseUnknown(name, what);
    this.#passOver(name);
  }

  #passOver(name: string): void {
    if (this.#policy === "report" && this.unknown.length < MAX_REPORTED) this.unknown.push(clip(name, 200));
  }

  #child(owner: ReflectMessage, field: DescField, name: string): ReflectMessage {
    const child = enter(owner, field);
    if (child === undefined) throw oneofTwice(owner, field, name);
    return child;
  }

  #set(owner: ReflectMessage, target: ParameterTarget, value: unknown, name: string, prefix: string): void {
    const { leaf } = target;
    switch (leaf.fieldKind) {
      case "list":
        owner.get(leaf).add(value);
        return;
      case "map": {
        const key = this.#key(leaf.mapKey, target.mapKey ?? "", name);
        const map = owner.get(leaf);
        if (map.has(key)) throw refuseParameter(name, "the key is given twice");
        map.set(key, value);
        return;
      }
      case "scalar":
      case "enum":
      case "message":
        if (this.bound.has(prefix + target.path)) {
          throw refuseParameter(name, `"${leaf.name}" is not repeated, but is given twice`);
        }
        if (hasOther(owner, leaf)) throw oneofTwice(owner, leaf, name);
        owner.set(leaf, value);
        return;
    }
  }

  #key(type: ScalarType, text: string, name: string): Scalar {
    try {
      return mapKeyLeaf(type, text);
    } catch (error) {
      throw error instanceof LeafFault ? refuseParameter(name, error.message) : error;
    }
  }

  #value(leaf: DescField, { name, value }: QueryParameter): unknown {
    try {
      return leafFromText(this.#scope, leaf, value);
    } catch (error) {
      throw error instanceof LeafFault ? refuseParameter(name, error.message) : error;
    }
  }
}

/**
 * The message in a singular message field, made if it is unset; undefined if another field of its oneof is set.
 */
export function enter(owner: ReflectMessage, field: DescField): ReflectMessage | undefined {
  if (field.fieldKind !== "message" || hasOther(owner, field)) return undefined;
  if (owner.isSet(field)) return owner.get(field);
  const child = reflect(field.message, create(field.message), false);
  owner.set(field, child);
  return child;
}

/** Whether the oneof of `field` already holds another field. */
export function hasOther(owner: ReflectMessage, field: DescField): boolean {
  const current = field.oneof === undefined ? undefined : owner.oneofCase(field.oneof);
  return current !== undefined && current !== field;
}

/** The refusal of a field in a oneof of which another field is given. */
export function oneofTwice(owner: ReflectMessage, field: DescField, name: string): StatusError {
  const other = field.oneof === undefined ? undefined : owner.oneofCase(field.oneof);
  const what = `the oneof "${field.oneof?.name}" already holds "${other?.name}"`;
  return refuseParameter(name, what);
}
