import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import {
  type PathMatcher,
  PathMatcherBuilder,
  type PathTemplate,
  parseTemplate,
  TemplateError,
  type TemplateSegment,
} from "../../../src/routing/index.ts";
import { httpStatusOf, StatusError } from "../../../src/status/index.ts";
import {
  ACCEPTED_DIFFERENCES,
  type Answer,
  MATCH_DIFFERENCES,
  PARSE_DIFFERENCES,
} from "./template-differences.ts";

interface Suite {
  readonly suite: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly routes: readonly { readonly id: string; readonly method: string; readonly template: string }[];
  readonly cases: readonly MatchCase[];
}

interface MatchCase {
  readonly method: string;
  readonly path?: string;
  readonly path_generator?: string;
  readonly query?: string;
  readonly route: string | null;
  readonly status?: number;
  readonly bindings?: readonly (readonly [string, string])[];
}

interface ParseCase {
  readonly template: string;
  readonly segments?: readonly string[];
  readonly verb?: string;
  readonly tokens?: readonly string[];
  readonly field_paths?: readonly string[];
  readonly variables?: readonly {
    readonly field_path: string;
    readonly start: number;
    readonly end: number;
  }[];
}

// The files are this repository's own fixtures; their shape is the one above.
const templates = read("templates.json") as { suites: readonly Suite[]; parse: readonly ParseCase[] };
const invalid = read("templates_invalid.json") as { cases: readonly { template: string }[] };

function read(name: string): unknown {
  return JSON.parse(readFileSync(`test/cases/${name}`, "utf8"));
}

interface Route {
  readonly id: string;
  readonly fieldPaths: readonly string[];
}

function matcherOf(suite: Suite): PathMatcher<Route> {
  const builder = new PathMatcherBuilder<Route>();
  const reservedExpansion =
    suite.options.unescape === "all_except_reserved" ? "keep-reserved" : "all-except-slash";
  for (const { id, method, template } of suite.routes) {
    let parsed: PathTemplate;
    try {
      parsed = parseTemplate(template);
    } catch (error) {
      // A rule that cannot be compiled is dropped alone; PARSE_DIFFERENCES says which those are.
      assert.ok(
        error instanceof TemplateError && PARSE_DIFFERENCES.has(template),
        `${template}: ${String(error)}`,
      );
      continue;
    }
    const route = { id, fieldPaths: parsed.variables.map(({ fieldPath }) => fieldPath) };
    builder.add(method, parsed, route, { reservedExpansion });
  }
  return builder.build();
}

function pathOf(row: MatchCase): string {
  if (row.path_generator === undefined) return (row.path ?? "").split("?")[0] ?? "";
  assert.match(row.path_generator, /^"\/a\/" \+ "\/"\*64000 \+ "\/[xy]"$/);
  return `/a/${"/".repeat(64000)}${row.path_generator.slice(-3, -1)}`;
}

function answer(matcher: PathMatcher<Route>, row: MatchCase): Answer {
  try {
    const result = matcher.match(row.method, pathOf(row));
    if (result.kind !== "found") return { route: null, status: result.kind === "not-found" ? 404 : 405 };
    const bindings = result.value.fieldPaths.map(
      (fieldPath, i) => [fieldPath, result.captures[i] ?? ""] as const,
    );
    return { route: result.value.id, bindings };
  } catch (error) {
    if (error instanceof StatusError) return { route: null, status: httpStatusOf(error.status, {}) };
    throw error;
  }
}

/** What the source expects of the path alone (its query bindings are the codec's); what it leaves open is taken from ours. */
function expected(row: MatchCase, ours: Answer): Answer {
  if (row.route === null) {
    // grpc-gateway answers 501 where RFC 9110 has 405.
    const status = row.status === 501 ? 405 : (row.status ?? ours.status);
    return status === undefined ? { route: null } : { route: null, status };
  }
  const parameters = new Set(new URLSearchParams(row.query ?? "").keys());
  const bindings = row.bindings?.filter(([fieldPath]) => !parameters.has(fieldPath)) ?? ours.bindings;
  return bindings === undefined ? { route: row.route } : { route: row.route, bindings };
}

describe("a path is matched as other transcoders' cases say", () => {
  const unused = new Set(MATCH_DIFFERENCES.keys());
  for (const suite of templates.suites) {
    test(suite.suite, () => {
      const matcher = matcherOf(suite);
      for (const row of suite.cases) {
        const name = `${suite.suite}: ${row.method} ${row.path ?? row.path_generator}`;
        const ours = answer(matcher, row);
        const difference = MATCH_DIFFERENCES.get(name);
        unused.delete(name);
        if (difference === undefined) {
          assert.deepEqual(ours, expected(row, ours), name);
          continue;
        }
        assert.deepEqual(ours, difference.ours, `${name}: ${difference.reason}`);
        assert.notDeepEqual(ours, expected(row, ours), `${name} is listed as a difference, but is none`);
      }
    });
  }
  test("every difference that is listed belongs to a case", () => {
    assert.deepEqual([...unused], []);
  });
});

describe("a template is parsed as other transcoders' cases say", () => {
  for (const row of templates.parse) {
    test(row.template, () => {
      const reason = PARSE_DIFFERENCES.get(row.template);
      if (reason !== undefined) {
        assert.throws(() => parseTemplate(row.template), TemplateError, reason);
        return;
      }
      const parsed = parseTemplate(row.template);
      const fieldPaths = parsed.variables.map(({ fieldPath }) => fieldPath);
      if (row.segments !== undefined) assert.deepEqual(parsed.segments, row.segments.map(segmentOf));
      if (row.verb !== undefined) assert.equal(parsed.verb, decodeURIComponent(row.verb));
      if (row.field_paths !== undefined) assert.deepEqual(fieldPaths, row.field_paths);
      if (row.tokens !== undefined) assert.deepEqual(tokensOf(parsed), row.tokens);
      if (row.variables === undefined) return;
      const variables = parsed.variables.map(({ fieldPath, start, end }) => ({
        field_path: fieldPath,
        start,
        end,
      }));
      // Sources count an end behind `**` from the end of the path, and -1 is the end itself.
      const positive = (end: number): number => (end < 0 ? parsed.segments.length + end + 1 : end);
      assert.deepEqual(
        variables,
        row.variables.map(({ field_path, start, end }) => ({ field_path, start, end: positive(end) })),
      );
    });
  }
});

describe("a template that a source refuses", () => {
  for (const { template } of invalid.cases) {
    const reason = ACCEPTED_DIFFERENCES.get(template);
    test(`${JSON.stringify(template)} is ${reason === undefined ? "refused" : `accepted: ${reason}`}`, () => {
      if (reason !== undefined) {
        assert.equal(parseTemplate(template).text, template);
        return;
      }
      assert.throws(
        () => parseTemplate(template),
        (error) =>
          error instanceof TemplateError &&
          error.offset >= 0 &&
          error.offset <= template.length &&
          error.what !== "" &&
          error.hint !== "",
      );
    });
  }
  test("every difference that is listed belongs to a case", () => {
    const known = new Set([
      ...invalid.cases.map(({ template }) => template),
      ...templates.parse.map(({ template }) => template),
      ...templates.suites.flatMap(({ routes }) => routes.map(({ template }) => template)),
    ]);
    const listed = [...ACCEPTED_DIFFERENCES.keys(), ...PARSE_DIFFERENCES.keys()];
    assert.deepEqual(
      listed.filter((template) => !known.has(template)),
      [],
    );
  });
});

/** A segment of a fixture: a wildcard, or a literal as it was written. */
function segmentOf(text: string): TemplateSegment {
  return text === "*" || text === "**" ? { kind: text } : { kind: "literal", text: decodeURIComponent(text) };
}

/** The template as grpc-gateway's tokenizer cuts it, without the leading slash and the verb. */
function tokensOf({ text: written, segments, variables }: PathTemplate): readonly string[] {
  return segments.flatMap((segment, i) => {
    const opening = variables.find(({ start }) => start === i);
    const text = segment.kind === "literal" ? segment.text : segment.kind;
    const isBare = opening !== undefined && written.includes(`{${opening.fieldPath}}`);
    const tokens = i === 0 ? [] : ["/"];
    if (opening !== undefined) tokens.push("{", opening.fieldPath);
    if (opening !== undefined && !isBare) tokens.push("=");
    if (!isBare) tokens.push(text);
    if (variables.some(({ end }) => end === i + 1)) tokens.push("}");
    return tokens;
  });
}
