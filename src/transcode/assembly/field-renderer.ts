/**
 * `response_body`: the JSON of one field, cut out of the reply's wire bytes without reading the rest.
 *
 * What comes more than once follows the rules of parsing: messages merge, of a oneof the last member counts.
 * Source: https://protobuf.dev/programming-guides/encoding/#last-one-wins
 */
import type { DescField } from "@bufbuild/protobuf";
import type { CompiledCodec } from "../compiled/codec.ts";
import { type FieldPlan, fieldOf, type MessagePlan, Wire } from "../compiled/plan.ts";
import type { FieldPath } from "../fields/field-path.ts";

const EMPTY: Uint8Array = new Uint8Array(0);

/** One step from a message to a field in it. */
interface Step {
  readonly field: FieldPlan;
  /** The numbers of the other members of its oneof. */
  readonly rivals: ReadonlySet<number>;
}

/** Renders the field that a path leads to. */
export class FieldRenderer {
  readonly #codec: CompiledCodec;
  readonly #parents: readonly Step[];
  readonly #leaf: Step;
  /** The message that holds the field, as the JSON of that field alone. */
  readonly #alone: MessagePlan;
  readonly #unset: string;

  /** `unset` is the JSON of the field where the reply does not hold it. */
  constructor(path: FieldPath, codec: CompiledCodec, unset: string) {
    this.#codec = codec;
    this.#parents = path.parents.map((parent) => stepOf(codec, parent));
    this.#leaf = stepOf(codec, path.leaf);
    this.#alone = codec.plans.fieldPlan(path.leaf);
    this.#unset = unset;
  }

  /** @throws {StatusError} UPSTREAM_REPLY_INVALID */
  render(message: Uint8Array): Uint8Array {
    let owner = message;
    for (const step of this.#parents) owner = this.#slice(owner, step);
    const { rivals } = this.#leaf;
    const isReplaced = rivals.size > 0 && this.#isReplaced(owner);
    const json = this.#codec.writeJson(this.#alone, isReplaced ? EMPTY : owner, -1);
    return json.length > 0 ? json : Buffer.from(this.#unset, "utf8");
  }

  /** The content of a message field: one slice, or several joined, which is how protobuf merges. */
  #slice(owner: Uint8Array, { field, rivals }: Step): Uint8Array {
    const wire = this.#codec.scanning;
    wire.reset(owner);
    let found: Uint8Array[] = [];
    while (wire.pos < wire.end) {
      const tag = wire.tag();
      if (rivals.has(tag >>> 3)) found = [];
      if (tag !== field.tag) {
        wire.skip(tag, this.#codec.plans.options.maxDepth);
        continue;
      }
      const isGroup = (tag & 7) === Wire.START;
      const end = isGroup ? wire.groupEnd(tag, this.#codec.plans.options.maxDepth) : wire.lengthEnd();
      found.push(owner.subarray(wire.pos, end));
      wire.pos = end;
      if (isGroup) wire.tag();
    }
    const [only = EMPTY] = found;
    return found.length > 1 ? Buffer.concat(found) : only;
  }

  /** Whether another member of the leaf's oneof comes after it. */
  #isReplaced(owner: Uint8Array): boolean {
    const { field, rivals } = this.#leaf;
    const wire = this.#codec.scanning;
    wire.reset(owner);
    let isReplaced = false;
    while (wire.pos < wire.end) {
      const tag = wire.tag();
      if (tag === field.tag) isReplaced = false;
      else if (rivals.has(tag >>> 3)) isReplaced = true;
      wire.skip(tag, this.#codec.plans.options.maxDepth);
    }
    return isReplaced;
  }
}

function stepOf(codec: CompiledCodec, desc: DescField): Step {
  const members = desc.oneof?.fields ?? [];
  return {
    field: fieldOf(codec.plans.messagePlan(desc.parent), desc),
    rivals: new Set(members.flatMap((each) => (each === desc ? [] : [each.number]))),
  };
}
