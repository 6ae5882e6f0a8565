import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type SelectedRule, selectRules } from "../../../src/routing/index.ts";

const METHODS = ["a.v1.Shelf.Get", "a.v1.Shelf.List", "a.v1.Book.Get", "a.v10.Book.Get", "b.Other.Do"];
const METHODS_OF_SCHEMA = METHODS.map((fullName) => ({ fullName }));

function rule(selector: string, where: string = selector): SelectedRule {
  return { selector, source: "config", where, bindings: [] };
}

describe("a selector", () => {
  const selectors: readonly (readonly [selector: string, selected: readonly string[]])[] = [
    ["a.v1.Shelf.Get", ["a.v1.Shelf.Get"]],
    ["a.v1.Shelf", []],
    ["a.v1.Shelf.*", ["a.v1.Shelf.Get", "a.v1.Shelf.List"]],
    ["a.v1.*", ["a.v1.Shelf.Get", "a.v1.Shelf.List", "a.v1.Book.Get"]],
    ["a.*", ["a.v1.Shelf.Get", "a.v1.Shelf.List", "a.v1.Book.Get", "a.v10.Book.Get"]],
    ["*", METHODS],
    ["b.Other.Do, a.v1.Book.*", ["a.v1.Book.Get", "b.Other.Do"]],
    ["a.v1*", []],
    ["a.*.Get", []],
    ["A.v1.Shelf.Get", []],
    [".*", []],
    ["", []],
  ];
  for (const [selector, selected] of selectors) {
    test(`${JSON.stringify(selector)} selects ${selected.length} of ${METHODS.length} methods`, () => {
      const { byMethod } = selectRules(METHODS_OF_SCHEMA, [rule(selector)]);
      assert.deepEqual([...byMethod.keys()].sort(), [...selected].sort());
    });
  }
});

describe("rules of config", () => {
  /** Which rule each method got, by where it stands, and the problems. */
  function select(...rules: readonly SelectedRule[]): {
    got: Record<string, string>;
    problems: readonly string[];
  } {
    const { byMethod, problems } = selectRules(METHODS_OF_SCHEMA, rules);
    return {
      got: Object.fromEntries([...byMethod].map(([name, { where }]) => [name, where])),
      problems: problems.map(({ severity, where, what }) => `${severity} ${where}: ${what}`),
    };
  }

  test("the last that selects a method wins, exact or not", () => {
    assert.deepEqual(select(rule("b.*", "1"), rule("b.Other.Do", "2")).got, { "b.Other.Do": "2" });
    assert.deepEqual(select(rule("b.Other.Do", "1"), rule("b.*", "2")).got, { "b.Other.Do": "2" });
  });

  test("one that is left nothing is told", () => {
    assert.deepEqual(select(rule("b.Other.Do", "1"), rule("b.*", "2")).problems, [
      "warning 1: the rule for b.Other.Do has no effect: later rules select the same methods",
    ]);
    assert.deepEqual(select(rule("*", "1"), rule("b.*", "2")).problems, []);
  });

  test("one that selects no method is told, each pattern of its list", () => {
    assert.deepEqual(select(rule("c.*, b.Other.Do, a.v1.shelf.get", "1")), {
      got: { "b.Other.Do": "1" },
      problems: [
        "warning 1: selector c.* selects no method of the schema",
        "warning 1: selector a.v1.shelf.get selects no method of the schema",
      ],
    });
    const [problem] = selectRules(METHODS_OF_SCHEMA, [rule("a.v1.shelf.get")]).problems;
    assert.equal(problem?.hint, "names are compared with their case: a.v1.Shelf.Get");
  });

  test("one that is malformed is a problem, and selects nothing", () => {
    for (const selector of ["a.*.Get", "a.b*", "", "a..b", "/a.B/C", "1.a"]) {
      const { got, problems } = select(rule(selector, "1"));
      assert.deepEqual(got, {});
      assert.deepEqual(problems, [`error 1: selector ${JSON.stringify(selector)} is not a qualified name`]);
    }
  });
});
