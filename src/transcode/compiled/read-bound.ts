/**
 * Path captures woven into a JSON body while it is read.
 *
 * A message that holds a path-bound field appears once on the wire, with that field inside it: parsers exist that do not
 * merge a second occurrence (protobufjs, which many Node.js servers use). So the value of the path, encoded beforehand,
 * is written where the object ends; what the body says of the same field is compared with it as bytes and taken back.
 */
import { refuse } from "../../status/index.ts";
import type { FieldPath } from "../fields/field-path.ts";
import type { LeafFault } from "../query/leaf-text.ts";
import { type ByteSink, VALUE_ROOM } from "./byte-sink.ts";
import { type FieldPlan, type MessagePlan, Type, Wire } from "./plan.ts";
import type { ReadState } from "./read-state.ts";

/** What a request body has to say of a bound field: nothing, the path's own value, another, or another oneof member. */
export type Finding = "absent" | "same" | "other" | "oneof";

/** One path variable, compiled. The values are those of the request being assembled. */
export interface BoundVariable {
  readonly path: FieldPath;
  /** The fields of the path, compiled. */
  readonly parents: readonly FieldPlan[];
  readonly leaf: FieldPlan;
  /** Whether the field lies in what a JSON body fills. */
  readonly isInBody: boolean;
  /** Where the encoded field (tag and value; nothing for an implicit zero) stands in `ReadState.values`. */
  start: number;
  end: number;
  finding: Finding;
  /** Why the capture is no value of the field. */
  fault: LeafFault | undefined;
}

/** A bound field of a message, or a message that holds bound fields. */
interface BoundMember {
  readonly field: FieldPlan;
  /** All variables at or below the member. */
  readonly variables: readonly BoundVariable[];
  readonly message: BoundMessage | undefined;
  isGiven: boolean;
}

/** The path variables inside one message type. */
export class BoundMessage {
  readonly plan: MessagePlan;
  readonly members: readonly BoundMember[];
  /** Whether the message was among what was read, and so has its captures. */
  isWoven = false;

  /** `depth` counts the parents of each variable that lead to the message. */
  constructor(plan: MessagePlan, variables: readonly BoundVariable[], depth: number) {
    this.plan = plan;
    const groups = new Map<FieldPlan, BoundVariable[]>();
    for (const variable of variables) {
      const member = variable.parents[depth] ?? variable.leaf;
      const group = groups.get(member);
      if (group === undefined) groups.set(member, [variable]);
      else group.push(variable);
    }
    this.members = [...groups].map(([field, group]) => {
      const isParent = group[0]?.parents[depth] !== undefined;
      const message = isParent ? new BoundMessage(field.message, group, depth + 1) : undefined;
      return { field, variables: group, message, isGiven: false };
    });
  }

  /** Whether the path fills `field` or something in it. */
  holds(field: FieldPlan): boolean {
    return this.members.some((member) => member.field === field);
  }

  /** Forgets the last request. */
  reset(): void {
    this.isWoven = false;
    for (const member of this.members) {
      member.isGiven = false;
      member.message?.reset();
    }
  }
}

/** Reads one value and writes it with its tag. */
type FieldReader = (state: ReadState, field: FieldPlan) => void;

/** Reads a field of a message that has bound fields. */
export function readBoundField(
  state: ReadState,
  bound: BoundMessage,
  field: FieldPlan,
  readField: FieldReader,
): void {
  const member = bound.members.find((candidate) => candidate.field === field);
  if (member === undefined) {
    readField(state, field);
    return;
  }
  member.isGiven = true;
  if (member.message !== undefined) {
    state.bound = member.message;
    readField(state, field);
    return;
  }
  const { wire, values } = state;
  const mark = wire.length;
  readField(state, field);
  const variable = member.variables[0];
  if (variable === undefined) return;
  const isSame = isEqual(wire, mark, wire.length, values, variable.start, variable.end);
  variable.finding = isSame ? "same" : "other";
  wire.length = mark;
}

/**
 * Writes what the path binds in the message that has just been read, whose seen bits begin at `base`.
 * Returns how many required fields that adds.
 */
export function weaveBound(state: ReadState, bound: BoundMessage, base: number): number {
  let requiredCount = 0;
  bound.isWoven = true;
  for (const member of bound.members) {
    if (member.isGiven) {
      if (member.message === undefined) writeVariable(state, member);
      continue;
    }
    const { field } = member;
    if (field.oneof >= 0 && state.hasSeen(base, bound.plan.fields.length + field.oneof)) {
      for (const variable of member.variables) variable.finding = "oneof";
    }
    writeMember(state, member, "");
    if (field.required) requiredCount++;
  }
  return requiredCount;
}

/** Writes a member that the body does not give; `prefix` is the path to its message. */
function writeMember(state: ReadState, member: BoundMember, prefix: string): void {
  const { field, message } = member;
  if (message === undefined) {
    writeVariable(state, member);
    return;
  }
  const { wire } = state;
  const path = `${prefix}${field.desc.name}.`;
  wire.ensure(VALUE_ROOM);
  wire.varint(field.tag);
  const start = field.type === Type.GROUP ? -1 : wire.open();
  for (const inner of message.members) writeMember(state, inner, path);
  for (const { required, index, desc } of message.plan.requiredCount === 0 ? [] : message.plan.fields) {
    if (!required || message.members.some((inner) => inner.field.index === index)) continue;
    throw refuse("JSON_INVALID", `${path}${desc.name}: the required field is not set`, `${path}${desc.name}`);
  }
  if (start >= 0) wire.close(start);
  else {
    wire.ensure(VALUE_ROOM);
    wire.varint(((field.number << 3) | Wire.END) >>> 0);
  }
}

function writeVariable({ wire, values }: ReadState, member: BoundMember): void {
  const variable = member.variables[0];
  if (variable !== undefined) wire.copy(values, variable.start, variable.end);
}

/** Whether two runs of bytes are equal. */
export function isEqual(
  a: ByteSink,
  aStart: number,
  aEnd: number,
  b: ByteSink,
  bStart: number,
  bEnd: number,
): boolean {
  return a.bytes.compare(b.bytes, bStart, bEnd, aStart, aEnd) === 0;
}
