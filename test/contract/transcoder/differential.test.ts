/** Random requests and replies: the compiled codec and the reference give the same message or the same refusal. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fromBinary, toBinary, toJson } from "@bufbuild/protobuf";
import fc from "fast-check";
import { StatusError } from "../../../src/status/index.ts";
import {
  type AssembledRequest,
  createCompiledFactory,
  createReflectiveFactory,
  type TranscodeOptions,
  type Transcoder,
} from "../../../src/transcode/index.ts";
import { assemble, type BindingWords, type RequestWords, subjectOf, textOf } from "./codec.ts";
import { messageOf, registryOf } from "./schema.ts";

const LEAVES = {
  name: "string",
  title: "optional string",
  count: "int32",
  size: "uint32",
  offset: "sint64",
  big: "uint64",
  fixed: "fixed64",
  small: "sfixed32",
  ratio: "double",
  share: "float",
  flag: "bool",
  token: "bytes",
  kind: "enum{KIND_NONE=0,KIND_ONE=1,KIND_TWO=2}",
  at: "google.protobuf.Timestamp",
  ttl: "google.protobuf.Duration",
  mask: "google.protobuf.FieldMask",
  limit: "google.protobuf.Int64Value",
  note: "google.protobuf.StringValue",
  data: "google.protobuf.Value",
  extra: "google.protobuf.Struct",
  numbers: "repeated sint32",
  words: "repeated string",
  labels: "map<string,int32>",
  ranks: "map<int64,string>",
  left: "oneof side: string",
  right: "oneof side: int32",
};

const registry = registryOf({
  "diff.Leaf": { fields: LEAVES },
  "diff.Node": { fields: { ...LEAVES, leaf: "diff.Leaf", middle: "oneof side: diff.Leaf" } },
  "diff.Request": {
    fields: {
      ...LEAVES,
      node: "diff.Node",
      other: "oneof side: diff.Node",
      nodes: "repeated diff.Node",
      update: "{paths: google.protobuf.FieldMask}",
    },
  },
});
const input = messageOf(registry, "diff.Request");
const codecs = [createReflectiveFactory(), createCompiledFactory()].map((factory) => subjectOf(factory, {}));

const TEXTS: Readonly<Record<string, readonly string[]>> = {
  name: ["a", "", "é", "x".repeat(140)],
  title: ["a", ""],
  count: ["0", "-1", "1e3", "2147483648", "x"],
  size: ["7", "4294967295", "-1"],
  offset: ["-9223372036854775808", "5", ""],
  big: ["18446744073709551615", "0"],
  fixed: ["1", "0"],
  small: ["-3", "0"],
  ratio: ["1.5", "-0", "NaN", "0"],
  share: ["0.1", "3.5e38"],
  flag: ["true", "false", "1"],
  token: ["AQI=", "-_8", "", "*"],
  kind: ["KIND_ONE", "2", "9", "KIND_ON"],
  at: ["1970-01-01T00:00:00Z", "2024-02-29T12:00:00.5+01:00", "2024-02-30T00:00:00Z"],
  ttl: ["1.5s", "-0.5s", "1h"],
  mask: ["a,bC", "a_b", ""],
  limit: ["0", "9007199254740993"],
  note: ["", "n"],
  data: ["null", "[1,{}]", "x"],
  extra: ['{"a":1}', "[]"],
  numbers: ["1", "-2"],
  words: ["w", ""],
  left: ["l", ""],
  right: ["0", "3"],
};
const SINGULAR = Object.keys(TEXTS).filter((name) => name !== "numbers" && name !== "words");
const SCALAR_FORM = SINGULAR.filter((name) => name !== "data" && name !== "extra");
const PREFIXES = ["", "node.", "node.leaf.", "other.", "other.middle.", "node.middle."];

const leafName = fc.constantFrom(...Object.keys(TEXTS));
const path = fc
  .tuple(fc.constantFrom(...PREFIXES), fc.constantFrom(...SCALAR_FORM))
  .map((parts) => parts.join(""));

/** A text for the field that `name` ends in. */
function textFor(name: string): fc.Arbitrary<string> {
  return fc.constantFrom(...(TEXTS[name.slice(name.lastIndexOf(".") + 1)] ?? ["?"]));
}

const parameter = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constantFrom(...PREFIXES), leafName).map((parts) => parts.join("")) },
  { weight: 1, arbitrary: fc.constantFrom("labels[a]", "labels[b]", "ranks[1]", "ranks[1.0]", "ranks[x]") },
  { weight: 1, arbitrary: fc.constantFrom("nope", "node", "node.nope", "nodes", "labels", "name[x]") },
);
const query = fc
  .array(
    parameter.chain((name) =>
      textFor(name).map((text) => `${encodeURIComponent(name)}=${encodeURIComponent(text)}`),
    ),
    { maxLength: 4 },
  )
  .map((pieces) => pieces.join("&"));

function jsonValue(name: string): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 8, arbitrary: jsonLeaf(name) }, fc.constant(null));
}

function jsonLeaf(name: string): fc.Arbitrary<unknown> {
  if (name === "numbers" || name === "words") return fc.array(textFor(name), { maxLength: 3 });
  if (name === "flag") return fc.boolean();
  if (name === "data") return fc.jsonValue({ maxDepth: 2 });
  if (name === "extra") return fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 1 }), { maxKeys: 2 });
  return textFor(name).map((text) => (name === "mask" ? text.replaceAll("_", "") : text));
}

function jsonFields(names: readonly string[]): fc.Arbitrary<Record<string, unknown>> {
  return fc
    .subarray([...names], { maxLength: 4 })
    .chain((chosen) =>
      fc.tuple(...chosen.map((name) => jsonValue(name).map((value) => [name, value] as const))),
    )
    .map((entries) => Object.fromEntries(entries));
}

const leaf = jsonFields(Object.keys(TEXTS));
const node = fc
  .tuple(leaf, fc.option(leaf), fc.option(leaf, { freq: 1 }))
  .map(([own, inner, middle]) => ({ ...own, ...(inner && { leaf: inner }), ...(middle && { middle }) }));
const request = fc
  .tuple(leaf, fc.option(node), fc.option(node, { freq: 1 }), fc.array(node, { maxLength: 2 }))
  .map(([own, inner, other, nodes]) => ({
    ...own,
    ...(inner && { node: inner }),
    ...(other && { other }),
    nodes,
  }));

/** A rule and a request to it. */
interface Case {
  readonly words: BindingWords;
  readonly request: RequestWords;
  readonly options: Partial<TranscodeOptions>;
}

const bodies: readonly (readonly [body: string, json: fc.Arbitrary<unknown>])[] = [
  ["", fc.constant(undefined)],
  ["*", request],
  ["node", node],
  ["other", node],
  ["numbers", jsonLeaf("numbers")],
  ["at", jsonLeaf("at")],
  ["left", jsonLeaf("left")],
  ["nodes", fc.array(node, { maxLength: 2 })],
  ["data", jsonLeaf("data")],
  ["count", jsonValue("count")],
];

const anyCase: fc.Arbitrary<Case> = fc
  .tuple(fc.constantFrom(...bodies), fc.uniqueArray(path, { maxLength: 3 }), fc.constantFrom("POST", "PATCH"))
  .chain(([[body, json], variables, httpMethod]) =>
    fc.record({
      words: fc.constant({ input, body, variables, httpMethod }),
      request: fc.record({
        captures: fc.tuple(...variables.map(textFor)),
        query,
        body: fc.oneof(
          { weight: 8, arbitrary: json.map((value) => (value === undefined ? "" : JSON.stringify(value))) },
          fc.constantFrom("", "null", "{}", '{"nope":1}', "["),
        ),
        contentType: fc.constant("application/json"),
      }),
      options: fc.record({ unknownFields: fc.constantFrom("reject", "ignore", "report") }),
    }),
  );

const formCase: fc.Arbitrary<Case> = fc
  .tuple(fc.constantFrom("*", "node", "other"), fc.uniqueArray(path, { maxLength: 2 }))
  .chain(([body, variables]) =>
    fc.record({
      words: fc.constant({ input, body, variables, httpMethod: "PATCH" }),
      request: fc.record({
        captures: fc.tuple(...variables.map(textFor)),
        body: query,
        contentType: fc.constant("application/x-www-form-urlencoded"),
      }),
      options: fc.constant({}),
    }),
  );

/** The message as JSON and what else was said, or the refusal's reason and field. */
function outcome(transcoder: Transcoder, words: RequestWords): unknown {
  let assembled: AssembledRequest;
  try {
    assembled = assemble(transcoder, words);
  } catch (error) {
    assert.ok(error instanceof StatusError, String(error));
    return error.status.reason;
  }
  assertEachOnce(assembled.message);
  const message = toJson(input, fromBinary(input, assembled.message), { registry });
  return { message, unknown: assembled.unknownFields, pretty: assembled.pretty };
}

/** No singular message of the request stands on the wire twice: not every parser would merge them. */
function assertEachOnce(message: Uint8Array): void {
  assert.equal(toBinary(input, fromBinary(input, message)).length, message.length, "a field stands twice");
}

function check({ words, request: parts, options }: Case): void {
  const compiled = codecs.map(({ factory, compile }) => {
    try {
      return compile(words, options, registry);
    } catch (error) {
      return error instanceof assert.AssertionError
        ? undefined
        : assert.fail(`${factory.name}: ${String(error)}`);
    }
  });
  const [reference, own] = compiled;
  assert.equal(reference === undefined, own === undefined);
  if (reference === undefined || own === undefined) return;
  assert.deepEqual(outcome(own, parts), outcome(reference, parts));
}

describe("random requests", () => {
  it("give the same message or the same reason in both codecs", () => {
    fc.assert(fc.property(anyCase, check), { numRuns: 3000 });
  });

  it("give the same sent as a form", () => {
    fc.assert(fc.property(formCase, check), { numRuns: 800 });
  });
});

/** The reply as JSON, or the refusal's reason: merged seconds and nanos may have two signs, which no JSON has. */
function rendered(render: () => string): unknown {
  try {
    return { json: JSON.parse(render()) };
  } catch (error) {
    assert.ok(error instanceof StatusError, String(error));
    return error.status.reason;
  }
}

describe("random replies", () => {
  const fields = [
    "",
    "node",
    "node.leaf",
    "node.middle",
    "other.middle",
    "other",
    "nodes",
    "count",
    "title",
    "left",
  ];
  const more = [
    "right",
    "labels",
    "ranks",
    "numbers",
    "at",
    "limit",
    "data",
    "extra",
    "kind",
    "node.leaf.big",
    "other.left",
  ];

  it("have the same JSON in both codecs, whole or a field of theirs", () => {
    const piece = request.map((json) => {
      try {
        const transcoder = codecs[0]?.compile({ input, body: "*" }, { unknownFields: "ignore" }, registry);
        return transcoder === undefined
          ? new Uint8Array(0)
          : assemble(transcoder, { body: JSON.stringify(json) }).message;
      } catch {
        return new Uint8Array(0);
      }
    });
    fc.assert(
      fc.property(
        fc.array(piece, { minLength: 1, maxLength: 2 }),
        fc.constantFrom(...fields, ...more),
        fc.boolean(),
        fc.boolean(),
        (pieces, responseBody, pretty, emitDefaults) => {
          // Two messages joined are one whose fields merge.
          const reply = Buffer.concat(pieces);
          const [reference, own] = codecs.map(({ compile }) => {
            const transcoder = compile({ input, responseBody }, { emitDefaults }, registry);
            return rendered(() => textOf(transcoder.render(reply, pretty)));
          });
          assert.deepEqual(own, reference);
        },
      ),
      { numRuns: 800 },
    );
  });
});
