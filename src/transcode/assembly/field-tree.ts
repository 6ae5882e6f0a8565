/**
 * The fields that query, form and path fill, grouped by message, so that each message appears once on the wire: parsers
 * exist that do not merge a second occurrence (protobufjs, which many Node.js servers use).
 *
 * Values are encoded when they are added, into one buffer for the whole request; the tree holds where they stand.
 */
import type { ByteSink } from "../compiled/byte-sink.ts";
import { VALUE_ROOM } from "../compiled/byte-sink.ts";
import { type FieldPlan, type MessagePlan, Shape, Type, Wire } from "../compiled/plan.ts";
import type { Scalar } from "../text/scalar-text.ts";

/** Up to so many fields are searched one by one. */
const LINEAR = 8;

/** One field that has been given. */
export interface FieldNode {
  readonly field: FieldPlan;
  /** The fields inside, if it is a message that is filled field by field. */
  readonly message: MessageNode | undefined;
  /** Where its values stand: start, end, start, end… With their tags, but for the elements of packed lists. */
  readonly ranges: number[];
  /** The keys given so far, if it is a map. */
  readonly keys: Set<Scalar> | undefined;
}

/** A message being filled. */
export class MessageNode {
  readonly plan: MessagePlan;
  readonly nodes: FieldNode[] = [];
  #byField: Map<FieldPlan, FieldNode> | undefined = undefined;
  #oneofs: Map<number, FieldPlan> | undefined = undefined;

  constructor(plan: MessagePlan) {
    this.plan = plan;
  }

  /** What has been given of `field`. */
  find(field: FieldPlan): FieldNode | undefined {
    if (this.#byField !== undefined) return this.#byField.get(field);
    for (const node of this.nodes) if (node.field === field) return node;
    return undefined;
  }

  /** The other member of its oneof that is set, if `field` is a member of one. */
  rivalOf(field: FieldPlan): FieldPlan | undefined {
    if (field.oneof < 0) return undefined;
    const current = this.#oneofs?.get(field.oneof);
    return current === field ? undefined : current;
  }

  /** Notes that `field`, a member of a oneof, is set, here or in the body. */
  setOneof(field: FieldPlan): void {
    if (field.oneof < 0) return;
    this.#oneofs ??= new Map();
    this.#oneofs.set(field.oneof, field);
  }

  /** Adds a field that has not been given, to be filled with values. */
  add(field: FieldPlan): FieldNode {
    return this.#push(field, undefined);
  }

  /** The message in `field`, a singular one, added if it is not there; undefined if a rival in its oneof is set. */
  enter(field: FieldPlan): MessageNode | undefined {
    if (this.rivalOf(field) !== undefined) return undefined;
    const node = this.find(field) ?? this.#push(field, new MessageNode(field.message));
    if (node.message === undefined) throw new Error(`${field.desc.name} is filled as one value`);
    return node.message;
  }

  /** Makes `field`, a singular message, present: empty if nothing in it has been given and no rival is set. */
  fill(field: FieldPlan): void {
    if (this.find(field) === undefined) this.enter(field);
  }

  /** Writes all fields to `wire`. */
  writeTo(wire: ByteSink, values: ByteSink): void {
    // Values that stand side by side, which those of flat requests do, are copied at once.
    let from = 0;
    let to = 0;
    for (const { field, message, ranges } of this.nodes) {
      if (message !== undefined || field.shape === Shape.PACKED) {
        wire.copy(values, from, to);
        from = to;
        if (message === undefined) openPacked(wire, field, ranges);
        else writeMessage(wire, values, field, message);
      }
      for (let index = 0; index < ranges.length; index += 2) {
        const start = ranges[index] ?? 0;
        if (start !== to) {
          wire.copy(values, from, to);
          from = start;
        }
        to = ranges[index + 1] ?? 0;
      }
    }
    wire.copy(values, from, to);
  }

  /** The path of a required field that is missing, here or in a message inside; undefined if none is. */
  missingRequired(isGiven: (field: FieldPlan) => boolean = isNeverGiven): string | undefined {
    if (this.plan.requiredCount > 0) {
      for (const field of this.plan.fields)
        if (field.required && this.find(field) === undefined && !isGiven(field)) return field.desc.name;
    }
    for (const { field, message } of this.nodes) {
      const inner = message?.missingRequired();
      if (inner !== undefined) return `${field.desc.name}.${inner}`;
    }
    return undefined;
  }

  #push(field: FieldPlan, message: MessageNode | undefined): FieldNode {
    const keys = field.shape === Shape.MAP ? new Set<Scalar>() : undefined;
    const node: FieldNode = { field, message, ranges: [], keys };
    this.nodes.push(node);
    if (this.#byField !== undefined) this.#byField.set(field, node);
    else if (this.nodes.length > LINEAR)
      this.#byField = new Map(this.nodes.map((each) => [each.field, each]));
    this.setOneof(field);
    return node;
  }
}

function isNeverGiven(): boolean {
  return false;
}

function writeMessage(wire: ByteSink, values: ByteSink, field: FieldPlan, message: MessageNode): void {
  wire.ensure(VALUE_ROOM);
  wire.varint(field.tag);
  if (field.type === Type.GROUP) {
    message.writeTo(wire, values);
    wire.ensure(VALUE_ROOM);
    wire.varint(((field.number << 3) | Wire.END) >>> 0);
    return;
  }
  const start = wire.open();
  message.writeTo(wire, values);
  wire.close(start);
}

/** Writes what stands before the elements of a packed list. */
function openPacked(wire: ByteSink, field: FieldPlan, ranges: readonly number[]): void {
  wire.ensure(VALUE_ROOM);
  wire.varint(field.tag);
  wire.varint(sizeOf(ranges));
}

function sizeOf(ranges: readonly number[]): number {
  let size = 0;
  for (let index = 0; index < ranges.length; index += 2)
    size += (ranges[index + 1] ?? 0) - (ranges[index] ?? 0);
  return size;
}
