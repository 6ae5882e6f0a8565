/**
 * The compiled codec: JSON text to wire bytes and back, one message type at a time, with no message object in between.
 */
import type { DescMessage, Registry } from "@bufbuild/protobuf";
import type { TranscodeOptions } from "../transcoder.ts";
import { indentJson } from "./indent-json.ts";
import { type MessagePlan, PlanCache } from "./plan.ts";
import { readMessage } from "./read-message.ts";
import { ReadState } from "./read-state.ts";
import { WireSource } from "./wire-source.ts";
import { writeMessage } from "./write-message.ts";
import { jsonLimitOf, WriteState } from "./write-state.ts";

/** What reading a JSON text gave. */
export interface ReadMessage {
  /** The message's wire bytes, the caller's to keep. */
  readonly message: Uint8Array;
  /** JSON pointers of unknown fields, at most 64, under `unknownFields: report`. */
  readonly unknownFields: readonly string[];
}

/**
 * JSON of one message type to its wire bytes.
 * @throws {StatusError} INVALID_ARGUMENT, reason JSON_INVALID or JSON_UNKNOWN_FIELD, with one violation: the JSON
 * pointer; the text says what was expected and found, at which line and column.
 */
export type JsonReader = (json: Uint8Array) => ReadMessage;

/**
 * Wire bytes of one message type to compact JSON in UTF-8 (indented where the options say `pretty`), the caller's to
 * keep. Fields ascend by number.
 * @throws {StatusError} INTERNAL, reason UPSTREAM_REPLY_INVALID, if the bytes are not a message of the type;
 * RESOURCE_EXHAUSTED, reason UPSTREAM_REPLY_TOO_LARGE, if their JSON is longer than `jsonLimitOf` allows.
 */
export type JsonWriter = (message: Uint8Array) => Uint8Array;

/**
 * Readers and writers for all types of one registry under one set of options.
 * A type is compiled when first used and then kept. Calls do not overlap, and so all types share one set of buffers.
 */
export class CompiledCodec {
  readonly plans: PlanCache;
  readonly reading: ReadState;
  #leafReading: ReadState | undefined = undefined;
  readonly writing: WriteState;
  /** For looking through a message before it is written. */
  readonly scanning: WireSource = new WireSource();
  readonly #isPretty: boolean;
  readonly #readers = new Map<DescMessage, JsonReader>();
  readonly #writers = new Map<DescMessage, JsonWriter>();

  constructor(registry: Registry, options: TranscodeOptions) {
    this.plans = new PlanCache(registry, options);
    this.reading = new ReadState(this.plans);
    this.writing = new WriteState(this.plans);
    this.#isPretty = options.pretty;
  }

  /** The reader of a type; the same one each time. */
  jsonReader(desc: DescMessage): JsonReader {
    let reader = this.#readers.get(desc);
    if (reader === undefined) {
      const plan = this.plans.messagePlan(desc);
      reader = (json) => this.#read(plan, json);
      this.#readers.set(desc, reader);
    }
    return reader;
  }

  /** The writer of a type; the same one each time. */
  jsonWriter(desc: DescMessage): JsonWriter {
    let writer = this.#writers.get(desc);
    if (writer === undefined) {
      const plan = this.plans.messagePlan(desc);
      writer = (message) => this.#write(plan, message);
      this.#writers.set(desc, writer);
    }
    return writer;
  }

  /** For JSON inside of a request whose body is being read: the JSON text of a query parameter. */
  get leafReading(): ReadState {
    this.#leafReading ??= new ReadState(this.plans);
    return this.#leafReading;
  }

  /**
   * Writes a message as compact JSON, the caller's to keep. `depth` is how many levels stand around it: -1 for a plan
   * whose JSON is that of a field in it.
   * @throws {StatusError} as {@link JsonWriter}.
   */
  writeJson(plan: MessagePlan, message: Uint8Array, depth: number = 0): Uint8Array {
    const state = this.writing;
    state.reset(message);
    state.depth = depth;
    try {
      writeMessage(state, plan, message.length);
      return state.json.take();
    } finally {
      state.wire.release();
      state.json.reset();
    }
  }

  #read(plan: MessagePlan, text: Uint8Array): ReadMessage {
    const state = this.reading;
    const { json } = state;
    state.reset(text);
    try {
      json.peek();
      readMessage(state, plan);
      json.expectEnd();
      return { message: state.wire.take(), unknownFields: state.unknownPointers() };
    } finally {
      json.release();
    }
  }

  #write(plan: MessagePlan, message: Uint8Array): Uint8Array {
    const json = this.writeJson(plan, message);
    return this.#isPretty ? indentJson(json, jsonLimitOf(message.length)) : json;
  }
}
