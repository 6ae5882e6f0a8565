import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Config, parseConfigText } from "../../../src/config/index.ts";
import { installChanges } from "../../../src/control/index.ts";
import { formatProblem } from "../../../src/status/index.ts";
import { configOf } from "./compile.ts";

const BASE = "upstreams: { a: { address: a:1, schema: { reflection: true } } }";

/** The problems of going from BASE to BASE with `more`. */
function changes(more: string, before = ""): readonly string[] {
  return installChanges(configOf(`${BASE}\n${before}`), configOf(`${BASE}\n${more}`)).map(formatProblem);
}

/** Listeners as a config has them. */
function listenersOf(list: string): Config["listeners"] {
  const { config } = parseConfigText(`listeners: [${list}]\n${BASE}`, "sluice.yaml", {});
  assert.ok(config);
  return config.listeners;
}

describe("a config that differs in routing alone needs no restart", () => {
  for (const more of [
    "",
    "strict: true",
    "watch: false",
    "readiness: { require: all }",
    "log: { level: debug }",
    "defaults: { deadline: 1s }",
  ]) {
    test(more === "" ? "the same" : more, () => assert.deepEqual(changes(more), []));
  }

  test("other upstreams", () => {
    const next = configOf(
      "upstreams: { b: { address: b:1, schema: { reflection: true }, autoMapping: true } }",
    );
    assert.deepEqual(installChanges(configOf(BASE), next), []);
  });
});

describe("what needs a restart is named with both values", () => {
  const cases: readonly [more: string, problem: RegExp][] = [
    [
      "admin: { address: 127.0.0.1:1 }",
      /^sluice\.yaml:3:\d+: admin\.address\.port changes from 9901 to 1, which/,
    ],
    ["admin: { enabled: false }", /admin\.enabled changes from true to false/],
    ["accessLog: { enabled: false }", /accessLog\.enabled changes from true to false/],
    ["shutdown: { readinessDelay: 2s }", /shutdown\.readinessDelay changes from 0ms to 2000ms/],
    ["schemaCache: cache", /schemaCache changes from nothing to \{.*cache/],
  ];
  for (const [more, problem] of cases) {
    test(more, () => {
      const problems = changes(more);
      assert.equal(problems.length, 1);
      assert.match(problems[0] ?? "", problem);
    });
  }

  test("all of them, and twenty at most", () => {
    const listeners = Array.from({ length: 30 }, (_, i) => `{ address: 127.0.0.1:${i + 1000} }`).join(", ");
    const next = { ...configOf(BASE), listeners: listenersOf(listeners) };
    assert.equal(installChanges(configOf(BASE), next).length, 20);
  });

  test("but no query of a URL is shown, where keys may stand", () => {
    const endpoint = (key: string): string =>
      `tracing: { enabled: true, exporter: { endpoint: "http://a.test/v1?key=${key}" } }`;
    const text = changes(endpoint("hunter2"), endpoint("hunter1")).join();
    assert.match(text, /tracing\.exporter\.endpoint changes from "http:\/\/a\.test\/v1\?\*\*\*"/);
    assert.doesNotMatch(text, /hunter/);
  });

  test("but nothing that may be a secret is shown", () => {
    const tracingOf = (name: string, key: string): string =>
      `tracing: { serviceName: ${name}, exporter: { headers: { x-api-key: ${key} } } }`;
    const running = configOf(`${BASE}\n${tracingOf("one", "abc")}`);
    const next = configOf(`${BASE}\n${tracingOf("two", "def")}`);
    const text = installChanges(running, next).map(formatProblem).join("\n");
    assert.match(text, /tracing\.serviceName changes from "one" to "two"/);
    assert.match(text, /tracing\.exporter\.headers\S* changes from \*\*\* to \*\*\*/);
    assert.doesNotMatch(text, /abc|def\b/);
  });
});
