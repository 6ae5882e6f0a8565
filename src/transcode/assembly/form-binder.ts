/**
 * The parts of a form into the fields of a request: text as query parameters are read, JSON as the ProtoJSON of the field,
 * files as they are. A message that comes as JSON has the path's captures woven in, as a JSON body has.
 */
import { Form } from "../compiled/form.ts";
import { Byte } from "../compiled/json-source.ts";
import { type FieldPlan, type MessagePlan, Shape, Type } from "../compiled/plan.ts";
import { BoundMessage, type BoundVariable } from "../compiled/read-bound.ts";
import { readItem } from "../compiled/read-message.ts";
import type { ReadState } from "../compiled/read-state.ts";
import { isTraversable } from "../fields/field-path.ts";
import { inPart, partFormOf, textOfPart } from "../form/part-value.ts";
import { LeafFault } from "../query/leaf-text.ts";
import { refuseParameter } from "../query/parse-query.ts";
import { clip } from "../text/quote.ts";
import { type FormPart, MAX_REPORTED } from "../transcoder.ts";
import type { MessageNode } from "./field-tree.ts";
import { writeHttpBody } from "./http-body-request.ts";
import { mapValueOf } from "./leaf-writer.ts";
import {
  addKey,
  type Key,
  keyOf,
  oneofTwice,
  type ParameterNames,
  type ParameterScope,
  passOver,
  type Target,
} from "./parameters.ts";
import { presentPaths } from "./present-paths.ts";

/** The path's captures within one message of the request. */
export interface BoundPart {
  readonly bound: BoundMessage;
  readonly variables: readonly BoundVariable[];
}

const NO_PATHS: ReadonlySet<string> = new Set();

/** What path variables bind in each message that holds some, by the path to the message. */
export function boundParts(variables: readonly BoundVariable[]): ReadonlyMap<string, BoundPart> {
  const groups = new Map<string, { plan: MessagePlan; depth: number; variables: BoundVariable[] }>();
  for (const variable of variables) {
    let path = "";
    for (const [index, parent] of variable.parents.entries()) {
      path += index === 0 ? parent.desc.name : `.${parent.desc.name}`;
      const group = groups.get(path);
      if (group === undefined)
        groups.set(path, { plan: parent.message, depth: index + 1, variables: [variable] });
      else group.variables.push(variable);
    }
  }
  return new Map(
    [...groups].map(([path, group]) => {
      const bound = new BoundMessage(group.plan, group.variables, group.depth);
      return [path, { bound, variables: group.variables }];
    }),
  );
}

/** What the parts of one request have to do with. */
export interface FormScope extends ParameterScope {
  readonly reading: ReadState;
  readonly names: ParameterNames;
  /** Encodes the captures in the message at a path, to be woven in; undefined if there are none. */
  readonly encodeBound: (path: string) => BoundPart | undefined;
  /** Variables whose captures have been woven into JSON. */
  readonly woven: Set<BoundVariable>;
}

/**
 * Adds the field that the part fills to `root`, the request.
 * @throws {StatusError} PARAM_INVALID, PARAM_UNKNOWN, JSON_INVALID or JSON_UNKNOWN_FIELD, naming the part.
 */
export function bindPart(scope: FormScope, root: MessageNode, part: FormPart): void {
  const { name } = part;
  const target = scope.names.resolve(name);
  if (target === undefined) {
    passOver(scope, name);
    return;
  }
  const { leaf } = target;
  const owner = ownerOf(root, target, name);
  const before = owner.find(leaf);
  if (before !== undefined && leaf.shape === Shape.SINGULAR)
    throw refuseParameter(name, `"${leaf.desc.name}" is not repeated, but is given twice`);
  if (owner.rivalOf(leaf) !== undefined) throw oneofTwice(owner, leaf, name);
  const value = writePart(scope, target, part);
  if (value === undefined) {
    // As in a JSON body, null is present, which matters to the mask of a PATCH alone.
    scope.given.push(target.path);
    return;
  }
  const node = before ?? owner.add(leaf);
  if (value.key !== undefined) addKey(node, value.key, name);
  node.ranges.push(value.start, scope.writer.values.length);
  scope.given.push(...value.paths);
}

/** The message that holds the target. */
function ownerOf(root: MessageNode, { parents }: Target, name: string): MessageNode {
  let owner = root;
  for (const parent of parents) {
    const node = owner.find(parent);
    if (node !== undefined && node.message === undefined)
      throw refuseParameter(name, `"${parent.desc.name}" is given as a whole by another part`);
    const child = owner.enter(parent);
    if (child === undefined) throw oneofTwice(owner, parent, name);
    owner = child;
  }
  return owner;
}

/** A value in `LeafWriter.values`, from `start` to the end. */
interface WrittenPart {
  readonly start: number;
  readonly key: Key;
  /** The paths from the request that it gives. */
  readonly paths: readonly string[];
}

/** Encodes the part; undefined if it is a `null` that leaves the field unset. */
function writePart(scope: FormScope, target: Target, part: FormPart): WrittenPart | undefined {
  const { leaf, desc, path } = target;
  const { writer } = scope;
  const form = partFormOf(desc, part);
  try {
    if (leaf.shape !== Shape.MAP) {
      if (form === "json") return writeJson(scope, target, part);
      const start = writer.values.length;
      writeValue(scope, leaf, form, part);
      return { start, key: undefined, paths: [path] };
    }
    const start = writer.values.length;
    const key = writer.openEntry(leaf, keyOf(part.name));
    if (form === "json") copyJson(scope, part, mapValueOf(leaf), readEntry);
    else writeValue(scope, mapValueOf(leaf), form, part);
    writer.closeEntry();
    return { start, key, paths: [path] };
  } catch (error) {
    throw error instanceof LeafFault ? refuseParameter(part.name, error.message) : error;
  }
}

function writeValue({ writer }: FormScope, field: FieldPlan, form: "raw" | "text", part: FormPart): void {
  if (form === "text") writer.write(field, textOfPart(part));
  else if (!isMessage(field) || field.message.wellKnown === Form.WRAPPER) writer.writeBytes(field, part.data);
  else {
    const { contentType, data } = part;
    writeHttpBody(writer.values, field, field.message, { contentType, body: data });
  }
}

function writeJson(scope: FormScope, target: Target, part: FormPart): WrittenPart | undefined {
  const { leaf, path } = target;
  const boundPart = isOrdinary(leaf) ? scope.encodeBound(path) : undefined;
  const start = scope.writer.values.length;
  scope.reading.bound = boundPart?.bound;
  if (!copyJson(scope, part, leaf, readPart)) return undefined;
  for (const variable of boundPart?.variables ?? []) scope.woven.add(variable);
  return { start, key: undefined, paths: pathsOf(scope, target) };
}

/** Reads the part's JSON with `read` and appends what that writes; says whether it was a value. */
function copyJson(
  { reading, writer, unknown }: FormScope,
  part: FormPart,
  field: FieldPlan,
  read: (state: ReadState, field: FieldPlan) => boolean,
): boolean {
  const { json, wire } = reading;
  const mark = wire.length;
  json.reset(part.data);
  reading.depth = 0;
  reading.seenTop = 0;
  reading.unknown = [];
  try {
    json.peek();
    const isValue = read(reading, field);
    json.expectEnd();
    writer.values.copy(wire, mark, wire.length);
    for (const pointer of reading.unknownPointers())
      if (unknown.length < MAX_REPORTED) unknown.push(`${clip(part.name, 200)}${pointer}`);
    return isValue;
  } catch (error) {
    throw inPart(part.name, error);
  } finally {
    wire.length = mark;
    reading.bound = undefined;
  }
}

function readEntry(state: ReadState, field: FieldPlan): boolean {
  readItem(state, field);
  return true;
}

/** Reads one value, or all elements of a list where an array comes; false for a `null` that is no value. */
function readPart(state: ReadState, field: FieldPlan): boolean {
  const { json } = state;
  const first = json.peek();
  const isList = field.shape !== Shape.SINGULAR;
  if (first === Byte.LOWER_N && (isList || !field.nullable)) {
    json.takeNull();
    return false;
  }
  if (!isList || first !== Byte.OPEN_BRACKET) {
    readItem(state, field);
    return true;
  }
  json.pos++;
  if (json.peek() === Byte.CLOSE_BRACKET) {
    json.pos++;
    return false;
  }
  do {
    json.peek();
    readItem(state, field);
  } while (json.more(Byte.CLOSE_BRACKET));
  return true;
}

/** The paths that the JSON just read gives to the target. */
function pathsOf({ reading }: FormScope, { leaf, desc, path }: Target): readonly string[] {
  if (!isTraversable(desc)) return [path];
  const inner = presentPaths(reading, leaf.message, NO_PATHS);
  return inner.length === 0 ? [path] : inner.map((each) => `${path}.${each}`);
}

/** Whether the field holds one message without a JSON form of its own. */
export function isOrdinary(field: FieldPlan): boolean {
  return field.shape === Shape.SINGULAR && isMessage(field) && field.message.wellKnown === Form.OBJECT;
}

function isMessage({ type }: FieldPlan): boolean {
  return type === Type.MESSAGE || type === Type.GROUP;
}
