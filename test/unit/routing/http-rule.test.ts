import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type HttpBinding, type RuleReading, readAnnotation } from "../../../src/routing/index.ts";
import { methodWith, type RuleInit } from "./library-schema.ts";

interface Case {
  readonly title: string;
  readonly annotation: RuleInit;
  readonly bindings: readonly HttpBinding[];
  /** `severity what`, shortened to what matters. */
  readonly problems: readonly string[];
}

function binding(httpMethod: string, template: string, body = "", responseBody = ""): HttpBinding {
  return { httpMethod, template, body, responseBody };
}

const cases: readonly Case[] = [
  ...(["get", "put", "post", "delete", "patch"] as const).map((verb) => ({
    title: `${verb} is ${verb.toUpperCase()}`,
    annotation: { pattern: { case: verb, value: "/v1" } } satisfies RuleInit,
    bindings: [binding(verb.toUpperCase(), "/v1")],
    problems: [],
  })),
  {
    title: "body and response_body are kept",
    annotation: { pattern: { case: "post", value: "/v1" }, body: "*", responseBody: "book" },
    bindings: [binding("POST", "/v1", "*", "book")],
    problems: [],
  },
  {
    title: "a custom kind is kept as written",
    annotation: { pattern: { case: "custom", value: { kind: "LOCK", path: "/v1" } } },
    bindings: [binding("LOCK", "/v1")],
    problems: [],
  },
  {
    title: "the custom kind * is any method",
    annotation: { pattern: { case: "custom", value: { kind: "*", path: "/v1" } } },
    bindings: [binding("*", "/v1")],
    problems: [],
  },
  {
    title: "a rule without a pattern is refused, its additional bindings are not",
    annotation: { body: "*", additionalBindings: [{ pattern: { case: "get", value: "/b" } }, { body: "x" }] },
    bindings: [binding("GET", "/b")],
    problems: ["error the rule has no pattern", "error additional_bindings[1]: the rule has no pattern"],
  },
  {
    title: "additional bindings come behind the primary one, and do not inherit from it",
    annotation: {
      pattern: { case: "post", value: "/a" },
      body: "*",
      additionalBindings: [
        { pattern: { case: "get", value: "/b" } },
        { pattern: { case: "put", value: "/c" }, body: "book", responseBody: "name" },
      ],
    },
    bindings: [binding("POST", "/a", "*"), binding("GET", "/b"), binding("PUT", "/c", "book", "name")],
    problems: [],
  },
  {
    title: "additional bindings inside additional bindings are left out",
    annotation: {
      pattern: { case: "get", value: "/a" },
      additionalBindings: [
        {
          pattern: { case: "get", value: "/b" },
          additionalBindings: [{ pattern: { case: "get", value: "/c" } }],
        },
      ],
    },
    bindings: [binding("GET", "/a"), binding("GET", "/b")],
    problems: [
      "error additional_bindings[0]: additional_bindings inside additional_bindings, which are left out",
    ],
  },
];

function check(reading: RuleReading | undefined, expected: Case): void {
  assert.deepEqual(reading?.bindings, expected.bindings);
  assert.deepEqual(
    reading?.problems.map(({ severity, what }) => `${severity} ${what}`),
    expected.problems,
  );
  for (const { where, hint } of reading?.problems ?? []) {
    assert.equal(where, "here");
    assert.notEqual(hint, "");
  }
}

describe("an annotation", () => {
  for (const each of cases) {
    const { title, annotation } = each;
    test(title, () => check(readAnnotation(methodWith(annotation), "here"), each));
  }
  test("that is absent is no rule", () => {
    assert.equal(readAnnotation(methodWith(undefined), "here"), undefined);
  });
  test("that is not an HttpRule is a problem and no rule", () => {
    const reading = readAnnotation({ httpRule: Uint8Array.of(0x12, 0x7f) }, "here");
    assert.deepEqual(reading?.bindings, []);
    assert.deepEqual(
      reading?.problems.map(({ what }) => what),
      ["the option google.api.http is not a google.api.HttpRule"],
    );
  });
});
