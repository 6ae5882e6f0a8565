/**
 * A random message of every request type, through the codec in both directions, against @bufbuild/protobuf: the JSON says
 * the same, and both JSONs come back as the same message.
 */
import {
  type DescMessage,
  equals,
  fromBinary,
  type JsonValue,
  type Message,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import type { MethodSchema } from "../../src/schema/index.ts";
import type { TranscodeOptions, Transcoder, TranscoderFactory } from "../../src/transcode/index.ts";
import type { Random } from "../support/random.ts";
import type { Loaded } from "./load.ts";
import { randomMessage } from "./random-message.ts";
import { megabytes, type Report } from "./report.ts";

const OPTIONS: TranscodeOptions = {
  unknownFields: "reject",
  ignoredQueryParameters: [],
  emitDefaults: false,
  enumsAsNumbers: false,
  int64: "string",
  protoFieldNames: false,
  pretty: false,
  prettyPrintParameter: false,
  maxDepth: 100,
};
/** Its JSON is not JSON but its own bytes. */
const RAW = "google.api.HttpBody";

/** Checks the request type of every method with `factory`, and reports. */
export function checkMessages(
  loaded: Loaded,
  factory: TranscoderFactory,
  random: Random,
  report: Report,
): void {
  report.heading(`messages, codec ${factory.name}`);
  const byType = new Map<string, MethodSchema>();
  for (const method of loaded.schema.services.flatMap((service) => service.methods)) {
    byType.set(method.inputShape.typeName, method);
  }
  byType.delete(RAW);
  report.figure("request types", `${byType.size}`);
  let bytes = 0;
  let done = 0;
  const from = performance.now();
  for (const method of byType.values()) {
    report.progress("types", done++, byType.size);
    try {
      bytes += new TypeCheck(loaded, factory, method, report).run(random);
    } catch (error) {
      report.mismatch(`${method.inputShape.typeName}: ${String(error)}`);
    }
  }
  const seconds = (performance.now() - from) / 1000;
  report.figure(
    "wire -> JSON -> wire",
    `${done} messages, ${bytes} bytes, ${seconds.toFixed(1)} s with the oracle`,
  );
  report.figure("RSS with the descriptors of all of them", megabytes(process.memoryUsage.rss()));
}

/** One type. */
class TypeCheck {
  readonly #desc: DescMessage;
  readonly #transcoder: Transcoder;
  readonly #registry: Loaded["snapshot"]["registry"];
  readonly #report: Report;

  constructor({ snapshot }: Loaded, factory: TranscoderFactory, method: MethodSchema, report: Report) {
    const { input, inputShape } = method;
    this.#desc = input;
    this.#registry = snapshot.registry;
    this.#report = report;
    const echo: MethodSchema = {
      fullName: method.fullName,
      rpcPath: method.rpcPath,
      kind: "unary",
      input,
      output: input,
      inputShape,
      outputShape: inputShape,
      descriptor: method.descriptor,
      httpRule: undefined,
      idempotency: "unknown",
    };
    const spec = { method: echo, variables: [], body: "*", responseBody: "", httpMethod: "POST" };
    const compiled = factory.compile(spec, OPTIONS, this.#registry, input.typeName);
    if ("problems" in compiled) throw new Error(compiled.problems.map(({ what }) => what).join("; "));
    this.#transcoder = compiled.transcoder;
  }

  /** The message's size in bytes. */
  run(random: Random): number {
    const { message } = randomMessage(this.#desc, random);
    const wire = toBinary(this.#desc, message);
    const oracle = toJson(this.#desc, message, { registry: this.#registry });
    const rendered = this.#transcoder.render(wire, false);
    if (typeof rendered !== "string" && !(rendered instanceof Uint8Array)) throw new Error("a raw body");
    const text = typeof rendered === "string" ? rendered : Buffer.from(rendered).toString("utf8");
    // JSON.parse gives JsonValues.
    const json = JSON.parse(text) as JsonValue;
    if (!isSame(json, oracle)) this.#differ("its JSON", text, oracle);
    this.#compareBack("its own JSON", Buffer.from(text), message);
    this.#compareBack("the oracle's JSON", Buffer.from(JSON.stringify(oracle)), message);
    return wire.length;
  }

  #compareBack(what: string, body: Uint8Array, message: Message): void {
    const parts = { captures: [], query: "", contentType: "application/json", body };
    const back = fromBinary(this.#desc, this.#transcoder.assemble(parts).message);
    if (equals(this.#desc, back, message)) return;
    const found = Buffer.from(toBinary(this.#desc, back)).toString("hex");
    this.#differ(`the wire from ${what}`, Buffer.from(body).toString(), found);
  }

  #differ(what: string, given: string, wanted: JsonValue): void {
    const shown = JSON.stringify(wanted);
    this.#report.mismatch(
      `${this.#desc.typeName}: ${what} differs: ${given.slice(0, 300)} | ${shown.slice(0, 300)}`,
    );
  }
}

/**
 * Whether two JSON values say the same. The oracle writes floats with the digits of doubles; that the shorter ones mean
 * the same float is all that can be asked here, and the way back shows that none is lost.
 */
function isSame(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  if (typeof a === "number" && typeof b === "number") return a === b || Math.fround(a) === Math.fround(b);
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return a === b;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [left, right] = [new Map(Object.entries(a)), new Map(Object.entries(b))];
  return left.size === right.size && [...left].every(([key, value]) => isSame(value, right.get(key)));
}
