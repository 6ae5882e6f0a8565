/** Every row of test/cases/query.json: what other transcoders' public tests state, answered as docs/transcoding.md says. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { type DescMessage, fromBinary, fromJson, type JsonValue, toJson } from "@bufbuild/protobuf";
import { MessageTypes } from "../../../src/transcode/fields/message-types.ts";
import { resolveParameter } from "../../../src/transcode/query/resolve-parameter.ts";
import {
  assemble,
  type BindingWords,
  type RequestWords,
  refusal,
  refusalText,
  type Subject,
} from "./codec.ts";
import { type MessageSource, messageOf, registryOf } from "./schema.ts";

/** The cases, as tests of one codec. */
export function queryCasesCases(subject: Subject): void {
  const { compile } = subject;

  interface Row {
    readonly id: string;
    readonly schema: string;
    readonly query: string;
    readonly http?: string;
    readonly body?: string;
    readonly bound_elsewhere?: readonly string[];
    readonly options?: {
      readonly ignore_unknown_query_parameters?: boolean;
      readonly ignored_query_parameters?: readonly string[];
    };
    readonly expect: {
      readonly json?: JsonValue;
      readonly error?: boolean;
      readonly may_be_a_parameter?: boolean;
    };
  }

  interface Cases {
    readonly schemas: Readonly<Record<string, MessageSource>>;
    readonly cases: readonly Row[];
  }

  /** What the row would need of us, and why it is answered otherwise: a refusal's text, or the message made. */
  interface Difference {
    readonly why: string;
    readonly refusal?: RegExp;
    readonly json?: JsonValue;
  }

  const BODY_FIELD = "fields of the body's field come from the body, all others from the query";
  const PATH_RULES = "the path is authoritative, and a query that disagrees is refused rather than dropped";
  const GO_DURATION = "durations have their JSON form; Go's is grpc-gateway's alone";

  const DIFFERENCES: Readonly<Record<string, Difference>> = {
    q015: { why: GO_DURATION, refusal: /PARAM_INVALID duration_value: "13h0m0s" is not a duration/ },
    q058: { why: GO_DURATION, refusal: /PARAM_INVALID durationValue: "13h0m0s" is not a duration/ },
    q044: { why: GO_DURATION, refusal: /PARAM_INVALID duration_value: / },
    q103: { why: PATH_RULES, json: { boolValue: true, stringValue: "str", repeatedValue: ["a", "b", "c"] } },
    q104: {
      why: BODY_FIELD,
      refusal: /PARAM_INVALID nested.nested.bool_value: "nested" is filled by the body alone/,
    },
    q105: {
      why: "a body fills one top-level field, so nothing else can hold nested.nested back from the query",
      json: {
        nested: { stringValue: "str", nested: { boolValue: true, stringValue: "str" } },
        stringValue: "str",
      },
    },
    q106: {
      why: `${PATH_RULES}; here the values agree`,
      json: {
        nested: { stringValue: "str", nested: { boolValue: true, stringValue: "str" } },
        stringValue: "str",
      },
    },
    q107: {
      why: "the row's number has 306 digits, three short of what it is said to be",
      json: { doubleValue: 1.7976931348623156e305 },
    },
    q149: { why: "quotes are part of a string's value", json: { stringValueWrapper: '"hello world"' } },
    q153: {
      why: "null is the name of no enum value",
      refusal: /PARAM_INVALID enum_value: "null" is not a value/,
    },
    q182: { why: BODY_FIELD, refusal: /"shelf" is filled by the body alone/ },
    q183: { why: BODY_FIELD, refusal: /"shelf" is filled by the body alone/ },
    q184: { why: BODY_FIELD, refusal: /"book" is filled by the body alone/ },
    q185: { why: BODY_FIELD, refusal: /"book" is filled by the body alone/ },
    q186: { why: BODY_FIELD, refusal: /"book" is filled by the body alone/ },
    q187: { why: BODY_FIELD, refusal: /"book" is filled by the body alone/ },
    q188: { why: BODY_FIELD, refusal: /"book" is filled by the body alone/ },
    q193: { why: PATH_RULES, refusal: /PATH_CONFLICT shelf: the path says "100"/ },
    q197: { why: PATH_RULES, refusal: /PATH_CONFLICT resource_id: the path says "my_resource_id"/ },
    q199: { why: PATH_RULES, refusal: /PATH_CONFLICT n_id.n_id: the path says "my_nested_id"/ },
    q203: {
      why: "a GET route takes no body, a form neither",
      refusal: /BODY_NOT_ALLOWED/,
    },
    q206: { why: "maps are written m[k]=v alone", refusal: /PARAM_INVALID map.name: "map" has no fields/ },
    q208: { why: "an open enum holds any number, in a query as in JSON", json: { sex: 2 } },
  };

  /** Shapes that the rows imply but `schemas` does not spell out. */
  const IMPLIED: Readonly<Record<string, MessageSource>> = {
    "gw.ABitOfEverything": {
      fields: {
        single_nested: "{name: string, amount: uint32, ok: enum{FALSE=0,TRUE=1}}",
        double_value: "double",
        bool_value: "bool",
        string_value: "string",
        mapped_string_value: "map<string,string>",
        repeated_string_value: "repeated string",
        optional_string_value: "optional string",
        resource_id: "string",
        n_id: "{n_id: string, val: string}",
      },
    },
  };

  /** The parts of a request that a row tells in words. */
  const ROUTES: Readonly<Record<string, Omit<BindingWords, "input"> & Pick<RequestWords, "captures">>> = {
    q104: { body: "nested" },
    q106: { variables: ["nested.nested.string_value"], captures: ["str"] },
    q103: { variables: ["bool_value"], captures: ["true"] },
    q193: { variables: ["shelf"], captures: ["100"] },
    q194: { variables: ["shelf"], captures: ["100"] },
    q195: { variables: ["shelf"], captures: ["9999"] },
    q196: { variables: ["message_id"], captures: ["123456"] },
    q197: { variables: ["resource_id"], captures: ["my_resource_id"] },
    q198: { variables: ["n_id.n_id"], captures: ["my_nested_id"] },
    q199: { variables: ["n_id.n_id"], captures: ["my_nested_id"] },
    q200: { variables: ["single_nested.name"], captures: ["foo"] },
    q201: { variables: ["single_nested.ok"], captures: ["TRUE"] },
    q202: { variables: ["string_value"], captures: ["hello-world"], body: "single_nested" },
    q203: { variables: ["single_nested.name"], captures: ["foo"] },
  };

  const BODIES: Readonly<Record<string, RequestWords>> = {
    q202: { body: '{"name":"foo","amount":100}' },
    q203: {
      body: "string_value=hello-world&repeated_string_value=demo1",
      contentType: "application/x-www-form-urlencoded",
    },
  };

  // The guarantee is the fixture itself, which is part of this repository.
  const { schemas, cases } = JSON.parse(readFileSync("test/cases/query.json", "utf8")) as Cases;
  const registry = registryOf({ ...schemas, ...IMPLIED });

  describe("query.json", () => {
    it("has 211 rows", () => assert.equal(cases.length, 211));

    it("has a row for every deliberate difference", () => {
      const ids = new Set(cases.map((row) => row.id));
      assert.deepEqual(
        Object.keys(DIFFERENCES).filter((id) => !ids.has(id)),
        [],
      );
    });

    for (const row of cases)
      it(`${row.id}: ${row.schema.split(" ")[0]} ?${row.query.slice(0, 80)}`, () => check(row));
  });

  function check(row: Row): void {
    const input = messageOf(registry, row.schema.split(" ")[0] ?? "");
    if (row.expect.may_be_a_parameter !== undefined) {
      const target = resolveParameter(new MessageTypes(), input, row.query, 100);
      // Value is given as JSON text (docs/transcoding.md), which the source of these rows does not know.
      const isExpected = row.id === "q167" ? true : row.expect.may_be_a_parameter;
      assert.equal(target.kind === "target", isExpected);
      return;
    }
    const route = routeOf(row, input);
    const transcoder = compile(
      route,
      {
        unknownFields: row.options?.ignore_unknown_query_parameters === true ? "ignore" : "reject",
        ignoredQueryParameters: row.options?.ignored_query_parameters ?? [],
      },
      registry,
    );
    const request: RequestWords = {
      captures: route.captures ?? [],
      ...(row.body === undefined ? {} : { body: row.body }),
      ...BODIES[row.id],
      query: row.query,
    };
    const difference = DIFFERENCES[row.id];
    if (difference?.refusal !== undefined) {
      assert.match(
        refusalText(() => assemble(transcoder, request)),
        difference.refusal,
        difference.why,
      );
      return;
    }
    if (difference === undefined && row.expect.error === true) {
      assert.match(refusal(() => assemble(transcoder, request)).reason ?? "", /^PARAM_(INVALID|UNKNOWN)$/);
      return;
    }
    const expected = difference?.json ?? row.expect.json ?? null;
    const actual = fromBinary(input, assemble(transcoder, request).message);
    const wanted = fromJson(input, expected, { registry });
    assert.deepEqual(toJson(input, actual, { registry }), toJson(input, wanted, { registry }));
  }

  /** The binding and captures that a row tells in words, such as `PUT /shelves/1/books body "book"`. */
  function routeOf(row: Row, input: DescMessage): BindingWords & Pick<RequestWords, "captures"> {
    const told = ROUTES[row.id];
    if (told !== undefined) return { input, ...told };
    const body = /body "(\w+)"/.exec(row.http ?? "")?.[1];
    if (body === undefined) return { input };
    return row.http?.includes("/shelves/1/")
      ? { input, body, variables: ["shelf"], captures: ["1"] }
      : { input, body };
  }
}
