import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { PathMatcherBuilder, parseTemplate } from "../../../src/routing/index.ts";
import { find, insert, TrieNode, trieEntry } from "../../../src/routing/segment-trie.ts";
import { SplitPath } from "../../../src/routing/split-path.ts";
import { type ReferenceRule, referenceMatch } from "./reference-matcher.ts";

/** Segments of a template over a small alphabet, so that rules overlap; at most one `**`. */
const segments = fc
  .tuple(
    fc.array(fc.constantFrom("a", "b", "*", "{}"), { maxLength: 3 }),
    fc.option(fc.array(fc.constantFrom("a", "b", "*", "{}"), { maxLength: 2 }), { nil: undefined }),
  )
  .map(([before, behind]) => (behind === undefined ? before : [...before, "{=**}", ...behind]));

const rule = fc
  .tuple(fc.constantFrom("GET", "POST", "*", "HEAD"), segments, fc.constantFrom("", "", ":a", ":b:a"))
  .map(([method, parts, verb]): ReferenceRule => {
    const named = parts.map((part, i) => part.replace("{", `{v${i}`));
    return { method, template: parseTemplate(`/${named.join("/")}${parts.length === 0 ? "" : verb}`) };
  });

const path = fc
  .array(fc.constantFrom("a", "b", "c", "", "a:a", "b:b:a", ":a"), { maxLength: 6 })
  .map((parts) => `/${parts.join("/")}`);

test("the matcher answers as the reference does, and explain names the same winner", () => {
  fc.assert(
    fc.property(
      fc.array(rule, { minLength: 1, maxLength: 12 }),
      path,
      fc.constantFrom("GET", "HEAD", "PUT"),
      (rules, requestPath, method) => {
        const builder = new PathMatcherBuilder<ReferenceRule>();
        const kept = rules.filter((each) => builder.add(each.method, each.template, each) === undefined);
        const matcher = builder.build();
        const expected = referenceMatch(kept, method, requestPath);
        const result = matcher.match(method, requestPath);
        assert.equal(result.kind === "found" ? result.value : undefined, expected?.rule);
        if (result.kind === "found" && expected !== undefined) {
          const captures = expected.rule.template.variables.map(({ start, end }) =>
            expected.taken.slice(start, end).flat().join("/"),
          );
          assert.deepEqual(result.captures, captures);
        }
        const matched = matcher.explain(method, requestPath).filter(({ outcome }) => outcome === "matched");
        assert.deepEqual(
          matched.map(({ value }) => value),
          expected === undefined ? [] : [expected.rule],
        );
        const allowed = matcher.allowedMethods(requestPath);
        for (const each of ["GET", "HEAD", "POST", "PUT", "OPTIONS"]) {
          const isFound = referenceMatch(kept, each, requestPath) !== undefined;
          assert.equal(allowed.includes(each), isFound, each);
        }
        if (result.kind === "method-not-allowed") assert.deepEqual(result.allow, allowed);
      },
    ),
    { numRuns: 4000 },
  );
});

/** Any text that can be a segment. */
const value = fc
  .string({ unit: "binary", minLength: 1, maxLength: 8 })
  .filter((text) => text !== "." && text !== "..");

test("what a client expands into a template comes back from the match", () => {
  const filled = fc.tuple(segments, fc.array(value, { minLength: 8, maxLength: 8 }), fc.nat(3), fc.boolean());
  fc.assert(
    fc.property(filled, ([parts, values, multiLength, hasVerb]) => {
      const left = [...values];
      const pathParts: string[] = [];
      const expected: string[] = [];
      for (const part of parts) {
        if (part === "a" || part === "b") {
          pathParts.push(part);
          continue;
        }
        const taken = left.splice(0, part === "{=**}" ? Math.min(multiLength, 3) : 1);
        pathParts.push(...taken.map(encodeURIComponent));
        // A slash in the data of `**` stays encoded.
        if (part === "{=**}") expected.push(taken.map((text) => text.replaceAll("/", "%2F")).join("/"));
        else if (part === "{}") expected.push(taken.join("/"));
      }
      const verb = hasVerb && pathParts.length > 0 && parts.length > 0 ? ":do" : "";
      const named = parts.map((part, i) => part.replace("{", `{v${i}`));
      const template = parseTemplate(`/${named.join("/")}${verb}`);
      const builder = new PathMatcherBuilder<object>();
      builder.add("GET", template, {});
      const result = builder.build().match("GET", `/${pathParts.join("/")}${verb}`);
      assert.deepEqual(result.kind === "found" && result.captures, expected);
    }),
    { numRuns: 3000 },
  );
});

test("no path makes a look-up fail otherwise than with a refusal of the path", () => {
  const builder = new PathMatcherBuilder<object>();
  for (const template of ["/a/{x}", "/{x=**}/b:go", "/{x=a/*/b}/**", "/"]) {
    builder.add("GET", parseTemplate(template), {});
  }
  const matcher = builder.build();
  const pieces = fc.constantFrom(
    "/",
    "a",
    "b",
    ":",
    "go",
    "%",
    "%2F",
    "%2e",
    "..",
    "%c3",
    "%a9",
    "é",
    "\u0000",
    "?",
  );
  fc.assert(
    fc.property(
      fc.array(pieces, { maxLength: 15 }),
      fc.constantFrom("strict", "ignore"),
      (parts, trailingSlash) => {
        try {
          matcher.match("GET", parts.join(""), trailingSlash);
        } catch (error) {
          assert.ok(error instanceof Error && error.name === "StatusError", String(error));
        }
      },
    ),
    { numRuns: 4000 },
  );
});

describe("a look-up is bounded by the size of the table", () => {
  /** How many nodes a failing look-up visits, and how many there can be at most. */
  function cost(templates: readonly string[], requestPath: string): { visits: number; nodes: number } {
    const root = new TrieNode<string>();
    let nodes = 1;
    for (const text of templates) {
      const template = parseTemplate(text);
      insert(root, trieEntry("GET", template, text, "all-except-slash"));
      nodes += template.segments.length;
    }
    const split = SplitPath.parse(requestPath, "strict");
    assert.ok(split !== undefined);
    assert.equal(find(root, split, 0, "POST"), undefined);
    return { visits: split.visits, nodes };
  }

  test("with every mixture of literals and wildcards in it, no node is visited twice", () => {
    const templates = Array.from({ length: 1024 }, (_, bits) =>
      Array.from({ length: 10 }, (_, i) => ((bits >> i) & 1 ? "/a" : "/*")).join(""),
    );
    assert.equal(cost(templates, "/a".repeat(10)).visits, 2047);
  });

  test("with ** at every depth and suffixes of every length behind it", () => {
    const templates = Array.from({ length: 30 }, (_, depth) =>
      Array.from({ length: 30 }, (_, suffix) => `${"/*".repeat(depth)}/**${"/*".repeat(suffix)}`),
    ).flat();
    const { visits, nodes } = cost(templates, "/a".repeat(1000));
    assert.ok(visits <= nodes, `${visits} visits of ${nodes} nodes`);
  });

  test("a path of ten thousand segments costs no more than one as long as the templates", () => {
    const templates = ["/*/*/*/*", "/a/*/*/b", "/**/a/*", "/*/**/b"];
    assert.ok(cost(templates, "/a".repeat(10_000)).visits <= 16);
  });

  test("a segment of ten thousand colons is tried at no more of them than a verb has", () => {
    const split = SplitPath.parse(`/${"a:".repeat(10_000)}b`, "strict");
    assert.ok(split !== undefined);
    let colon = split.firstColon(2);
    const behind: string[] = [];
    for (; colon >= 0; colon = split.nextColon(colon)) behind.push(split.textBehind(colon));
    assert.deepEqual(behind, ["a:b", "b"]);
  });
});
