/** Query parameters and form fields into the fields of a request. */
import type { DescField } from "@bufbuild/protobuf";
import type { StatusError } from "../../status/index.ts";
import { type FieldPlan, fieldOf, type MessagePlan, Shape } from "../compiled/plan.ts";
import { LeafFault } from "../query/leaf-text.ts";
import { type QueryParameter, refuseParameter, refuseUnknown } from "../query/parse-query.ts";
import {
  describeUnknown,
  type ParameterTarget,
  type UnfitTarget,
  type UnknownTarget,
} from "../query/resolve-parameter.ts";
import { clip } from "../text/quote.ts";
import { MAX_REPORTED, type TranscodeOptions } from "../transcoder.ts";
import type { FieldNode, MessageNode } from "./field-tree.ts";
import { type LeafWriter, mapValueOf } from "./leaf-writer.ts";

/** Most names that one message type keeps resolved: clients use few, and hostile ones must not fill the memory. */
const MAX_RESOLVED = 256;

/** The field that a name stands for. */
export interface Target {
  readonly parents: readonly FieldPlan[];
  readonly leaf: FieldPlan;
  readonly desc: DescField;
  readonly path: string;
  /** The field of the request message that it is in, or is. */
  readonly top: DescField;
}

/** The names that clients use for the fields of one message type. */
export class ParameterNames {
  readonly #plan: MessagePlan;
  readonly #policy: TranscodeOptions["unknownFields"];
  readonly #resolveName: (name: string) => ParameterTarget | UnknownTarget | UnfitTarget;
  readonly #resolved = new Map<string, Target>();

  /** `resolveName` says what a name stands for, seen from a message of `plan`. */
  constructor(
    plan: MessagePlan,
    { unknownFields }: TranscodeOptions,
    resolveName: (name: string) => ParameterTarget | UnknownTarget | UnfitTarget,
  ) {
    this.#plan = plan;
    this.#policy = unknownFields;
    this.#resolveName = resolveName;
  }

  /** The field that `name` stands for, undefined if none does and that is to be passed over. @throws {StatusError} */
  resolve(name: string): Target | undefined {
    // The key of a map does not matter here, and would make the names endless.
    const bracket = name.endsWith("]") ? name.indexOf("[") : -1;
    const key = bracket < 0 ? name : `${name.slice(0, bracket)}[]`;
    const known = this.#resolved.get(key);
    if (known !== undefined) return known;
    const found = this.#resolveName(name);
    if (found.kind === "unknown") {
      if (this.#policy === "reject") throw refuseUnknown(name, describeUnknown(found));
      return undefined;
    }
    if (found.kind === "unfit") throw refuseParameter(name, found.what);
    const parents: FieldPlan[] = [];
    let owner = this.#plan;
    for (const parent of found.parents) {
      const field = fieldOf(owner, parent);
      parents.push(field);
      owner = field.message;
    }
    const leaf = fieldOf(owner, found.leaf);
    const target = { parents, leaf, desc: found.leaf, path: found.path, top: found.parents[0] ?? found.leaf };
    if (this.#resolved.size < MAX_RESOLVED) this.#resolved.set(key, target);
    return target;
  }
}

/** What the parameters of one request have to do with. */
export interface ParameterScope {
  readonly writer: LeafWriter;
  /** Paths from the request message that parameters gave. */
  readonly given: string[];
  /** Names passed over, under `unknownFields: report`. */
  readonly unknown: string[];
  readonly policy: TranscodeOptions["unknownFields"];
}

/**
 * Adds the field that the parameter names to `root`, a message at `prefix` of the request. `reserved` is a top-level
 * field that parameters may not fill, because the body does.
 * @throws {StatusError} PARAM_INVALID or PARAM_UNKNOWN
 */
export function bindParameter(
  scope: ParameterScope,
  names: ParameterNames,
  root: MessageNode,
  parameter: QueryParameter,
  prefix: string,
  reserved: DescField | undefined,
): void {
  const { name } = parameter;
  const target = names.resolve(name);
  if (target === undefined) {
    passOver(scope, name);
    return;
  }
  if (reserved !== undefined && target.top === reserved) {
    throw refuseParameter(name, `"${reserved.name}" is filled by the body alone`);
  }
  const { leaf } = target;
  let owner = root;
  for (const parent of target.parents) {
    const child = owner.enter(parent);
    if (child === undefined) throw oneofTwice(owner, parent, name);
    owner = child;
  }
  const start = scope.writer.values.length;
  const key = write(scope, leaf, parameter);
  const before = owner.find(leaf);
  if (before !== undefined && leaf.shape === Shape.SINGULAR)
    throw refuseParameter(name, `"${leaf.desc.name}" is not repeated, but is given twice`);
  if (owner.rivalOf(leaf) !== undefined) throw oneofTwice(owner, leaf, name);
  const node = before ?? owner.add(leaf);
  if (key !== undefined) addKey(node, key, name);
  node.ranges.push(start, scope.writer.values.length);
  if (before === undefined) scope.given.push(prefix + target.path);
}

/** A parameter where none can bind, for the reason `what`. @throws {StatusError} PARAM_UNKNOWN */
export function bindNothing(scope: ParameterScope, name: string, what: string): void {
  if (scope.policy === "reject") throw refuseUnknown(name, what);
  passOver(scope, name);
}

/** Passes over a name that is not known, as the route's policy says. */
export function passOver({ policy, unknown }: ParameterScope, name: string): void {
  if (policy === "report" && unknown.length < MAX_REPORTED) unknown.push(clip(name, 200));
}

function write({ writer }: ParameterScope, leaf: FieldPlan, { name, value }: QueryParameter): Key {
  try {
    if (leaf.shape !== Shape.MAP) {
      writer.write(leaf, value);
      return undefined;
    }
    const key = writer.openEntry(leaf, keyOf(name));
    writer.write(mapValueOf(leaf), value);
    writer.closeEntry();
    return key;
  } catch (error) {
    throw error instanceof LeafFault ? refuseParameter(name, error.message) : error;
  }
}

/** The key of a map's entry; undefined where the value is none. */
export type Key = ReturnType<LeafWriter["openEntry"]> | undefined;

/** Notes the key of an entry. @throws {StatusError} PARAM_INVALID if it has been given. */
export function addKey({ keys }: FieldNode, key: NonNullable<Key>, name: string): void {
  if (keys?.has(key) === true) throw refuseParameter(name, "the key is given twice");
  keys?.add(key);
}

/** The text in the brackets of `m[key]`. */
export function keyOf(name: string): string {
  return name.slice(name.indexOf("[") + 1, -1);
}

/** The refusal of a field in a oneof of which another field is given. */
export function oneofTwice(owner: MessageNode, field: FieldPlan, name: string): StatusError {
  const rival = owner.rivalOf(field);
  return refuseParameter(name, `the oneof "${field.desc.oneof?.name}" already holds "${rival?.desc.name}"`);
}
