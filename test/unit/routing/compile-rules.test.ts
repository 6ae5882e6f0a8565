import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type CompiledRules,
  compileMethodRules,
  compileRules,
  type SelectedRule,
} from "../../../src/routing/index.ts";
import { methodWith } from "./library-schema.ts";

const METHOD = "library.v1.Library.GetBook";

function compile(...templates: readonly string[]): CompiledRules {
  return compileAll(templates);
}

function compileAll(templates: readonly string[]): CompiledRules {
  const bindings = templates.map((template) => ({ httpMethod: "GET", template, body: "", responseBody: "" }));
  return compileRules(methodWith(undefined), { bindings, source: "config", where: "rules.yaml:1:1" });
}

/** The bindings as `METHOD template body responseBody source`. */
function summary({ bindings }: CompiledRules): readonly string[] {
  return bindings.map(({ httpMethod, template, body, responseBody, source }) =>
    [httpMethod, template.text, body, responseBody, source].filter((part) => part !== "").join(" "),
  );
}

describe("a variable can be bound to", () => {
  const fields = [
    "name",
    "shelf_id",
    "blob",
    "book.name",
    "book.parent.page_count",
    "isbn",
    "other.name",
    "at",
    "limit",
    "mask",
    "at.seconds",
  ];
  for (const fieldPath of fields) {
    test(fieldPath, () => {
      const { bindings, problems } = compile(`/v1/{${fieldPath}}`);
      assert.deepEqual(problems, []);
      assert.equal(bindings[0]?.template.variables[0]?.fieldPath, fieldPath);
    });
  }
});

describe("a template that does not fit the request is a problem", () => {
  const faults: readonly (readonly [template: string, what: string, hint: string])[] = [
    [
      "/v1/{nowhere}",
      "variable nowhere: library.v1.Request has no field nowhere",
      "its fields are name, shelf_id, book",
    ],
    [
      "/v1/{shelfId}",
      "variable shelfId: library.v1.Request has no field shelfId",
      "templates use proto names: shelf_id",
    ],
    ["/v1/{shelfid}", "variable shelfid: library.v1.Request has no field shelfid", "did you mean shelf_id?"],
    ["/v1/{nane}", "variable nane: library.v1.Request has no field nane", "did you mean name?"],
    ["/v1/{book.names}", "variable book.names: library.v1.Book has no field names", "did you mean name?"],
    ["/v1/{nothing.x}", "variable nothing.x: library.v1.Nothing has no field x", "the message has no fields"],
    ["/v1/{tags}", "variable tags: tags is a repeated field", "singular"],
    ["/v1/{books.name}", "variable books.name: books is a repeated field", "singular"],
    ["/v1/{counts}", "variable counts: counts is a map field", "singular"],
    ["/v1/{book}", "variable book is a message, library.v1.Book", "{book.name}"],
    ["/v1/{nothing}", "variable nothing is a message, library.v1.Nothing", "not a message"],
    ["/v1/{extra}", "variable extra is a message, google.protobuf.Value", "not a message"],
    ["/v1/{name.first}", "variable name.first: name is not a message, so it has no field first", "{name}"],
    ["/v1/{at}/{at.seconds}", "variable at.seconds lies inside variable at", "one of them"],
    ["/v1/{name", "a variable without its `}`, at offset 9", "{field}"],
  ];
  for (const [template, what, hint] of faults) {
    test(template, () => {
      const { bindings, problems } = compile(template);
      assert.deepEqual(bindings, []);
      assert.equal(problems.length, 1);
      const [problem] = problems;
      assert.equal(problem?.severity, "error");
      assert.equal(problem.where, "rules.yaml:1:1");
      assert.equal(problem.what, `${METHOD}: GET ${template}: ${what}`);
      assert.ok(problem.hint.includes(hint), problem.hint);
    });
  }

  test("each fault is told, and drops its own binding alone", () => {
    const compiled = compile("/a/{x}/{y}", "/b/{name}", "/c/{");
    assert.deepEqual(summary(compiled), ["GET /b/{name} config"]);
    assert.equal(compiled.problems.length, 3);
  });
});

test("a problem shows no more of an endless template than it takes to find it", () => {
  const [problem] = compile(`/${"a".repeat(1_000_000)}`).problems;
  assert.ok(problem !== undefined && problem.what.length < 500);
});

describe("the rules of a method are", () => {
  const annotated = methodWith({
    pattern: { case: "post", value: "/v1/{name}" },
    body: "*",
    responseBody: "name",
    additionalBindings: [{ pattern: { case: "get", value: "/v1/{tags}" } }, {}],
  });
  const selected: SelectedRule = {
    selector: METHOD,
    source: "service-config",
    where: "service.yaml:3:5",
    bindings: [{ httpMethod: "PUT", template: "/v2/{name}", body: "book", responseBody: "" }],
  };

  test("its annotation, faults told by the method's name", () => {
    const compiled = compileMethodRules(annotated, { selected: undefined, autoMapping: "on" });
    assert.deepEqual(summary(compiled), ["POST /v1/{name} * name annotation"]);
    assert.deepEqual(
      compiled.problems.map(({ where, what }) => `${where}: ${what}`),
      [
        `${METHOD}: additional_bindings[1]: the rule has no pattern`,
        `${METHOD}: GET /v1/{tags}: variable tags: tags is a repeated field`,
      ],
    );
  });

  test("that of config in its place, also where it has nothing left", () => {
    const sources = { selected, autoMapping: "on" } as const;
    assert.deepEqual(summary(compileMethodRules(annotated, sources)), ["PUT /v2/{name} book service-config"]);
    const empty = { selected: { ...selected, bindings: [] }, autoMapping: "on" } as const;
    assert.deepEqual(compileMethodRules(annotated, empty), { bindings: [], problems: [] });
  });

  test("POST to its own name where it has none and autoMapping is on", () => {
    const bare = methodWith(undefined);
    const compiled = compileMethodRules(bare, { selected: undefined, autoMapping: "on" });
    assert.deepEqual(summary(compiled), ["POST /library.v1.Library/GetBook * auto-mapping"]);
    assert.deepEqual(compiled.problems, []);
  });

  test("none where it has none and autoMapping is off", () => {
    const bare = methodWith(undefined);
    assert.deepEqual(compileMethodRules(bare, { selected: undefined, autoMapping: "off" }), {
      bindings: [],
      problems: [],
    });
  });

  test("none where its annotation holds no sound binding: autoMapping does not hide the fault", () => {
    const compiled = compileMethodRules(methodWith({ body: "*" }), {
      selected: undefined,
      autoMapping: "on",
    });
    assert.deepEqual(summary(compiled), []);
    assert.equal(compiled.problems.length, 1);
  });
});

describe("the method of a binding is judged wherever its rule stands", () => {
  const cases: readonly [httpMethod: string, problem: string | undefined, bindings: number][] = [
    ["LOCK", undefined, 1],
    ["*", undefined, 1],
    ["head", "warning", 1],
    ["", "error", 0],
    ["NO GOOD", "error", 0],
    ["GET/", "error", 0],
    ["CONNECT", "error", 0],
    ["V2", "error", 0],
    ["A.B", "error", 0],
    ["X".repeat(33), "error", 0],
    ["M-SEARCH", undefined, 1],
  ];
  for (const [httpMethod, severity, count] of cases) {
    test(JSON.stringify(httpMethod), () => {
      const bindings = [{ httpMethod, template: "/v1", body: "", responseBody: "" }];
      const compiled = compileRules(methodWith(undefined), {
        bindings,
        source: "config",
        where: "rules.yaml:1:1",
      });
      assert.equal(compiled.bindings.length, count);
      assert.equal(compiled.problems[0]?.severity, severity);
    });
  }
});

test("of a rule with any number of bindings the first thousand count, and the rest are one problem", () => {
  const many = (template: string): CompiledRules =>
    compileAll(Array.from({ length: 200_000 }, () => template));
  const { bindings, problems } = many("/v1");
  assert.equal(bindings.length, 1000);
  assert.equal(problems.length, 1);
  assert.match(problems[0]?.what ?? "", /the rule has 200000 bindings, and the first 1000 count/);
  const broken = many("broken");
  assert.equal(broken.problems.length, 1001);
});
