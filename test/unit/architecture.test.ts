/**
 * Holds the layers of docs/architecture.md: who may import whom, what pure modules must not touch, how long a file may be.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, test } from "node:test";

const KERNEL = ["status", "telemetry", "gen", "tls"];
const VOCABULARY = ["http", "upstream", "schema"];
const COMPUTING = ["routing", "transcode"];
const DATA_PLANE = ["policy", "protocol", "gateway"];
const CONTROL_PLANE = ["config", "control", "admin"];
const COMPOSITION = ["app", "cli", "demo", "main.ts"];
const ADAPTERS = ["http/engines", "upstream/clients", "schema/sources", "policy/cors"];

/** What each module may import besides itself. Adapters are listed apart from the module that holds their port. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  status: [],
  gen: [],
  tls: [],
  telemetry: ["status"],
  http: KERNEL,
  upstream: KERNEL,
  schema: KERNEL,
  routing: [...KERNEL, ...VOCABULARY],
  transcode: [...KERNEL, ...VOCABULARY],
  policy: [...KERNEL, ...VOCABULARY, ...COMPUTING],
  protocol: [...KERNEL, ...VOCABULARY, ...COMPUTING],
  gateway: [...KERNEL, ...VOCABULARY, ...COMPUTING, "policy", "protocol"],
  config: KERNEL,
  control: [...KERNEL, ...VOCABULARY, ...COMPUTING, ...DATA_PLANE, "config"],
  admin: [...KERNEL, "http", "control"],
  "http/engines": [...KERNEL, "http"],
  "upstream/clients": [...KERNEL, "upstream"],
  "schema/sources": [...KERNEL, "schema", "upstream"],
  "policy/cors": [...KERNEL, ...VOCABULARY, ...COMPUTING, "policy"],
};

/** Adapters are known to the composition root alone. */
const ADAPTER_USERS = ["app", ...ADAPTERS];

const sources = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => ({ name, text: readFileSync(join("src", name), "utf8") }));

function moduleOf(file: string): string {
  return ADAPTERS.find((adapter) => file.startsWith(`${adapter}/`)) ?? file.split("/")[0] ?? "";
}

function importsOf({ name, text }: { name: string; text: string }): readonly string[] {
  return [...text.matchAll(/(?:from|import\()\s*"(\.[^"]+)"/g)].map((match) =>
    normalize(join(dirname(name), match[1] ?? "")),
  );
}

describe("modules import downwards only", () => {
  for (const module of [...Object.keys(ALLOWED), ...COMPOSITION]) {
    test(module, () => {
      const strangers = sources
        .filter(({ name }) => moduleOf(name) === module)
        .flatMap((source) => importsOf(source).map((target) => ({ from: source.name, to: target })))
        .filter(({ to }) => {
          const target = moduleOf(to);
          if (target === module) return false;
          if (ADAPTERS.includes(target)) return !ADAPTER_USERS.includes(module);
          return !(ALLOWED[module]?.includes(target) ?? true);
        });
      assert.deepEqual(strangers, []);
    });
  }

  test("every folder of src has its place in the table", () => {
    const known = [...Object.keys(ALLOWED), ...COMPOSITION];
    const folders = new Set(sources.map(({ name }) => moduleOf(name)));
    assert.deepEqual(
      [...folders].filter((folder) => !known.includes(folder)),
      [],
    );
    assert.deepEqual(
      CONTROL_PLANE.filter((module) => !known.includes(module)),
      [],
    );
  });

  test("a module is entered through its door", () => {
    const sideways = sources.flatMap((source) =>
      importsOf(source)
        .filter(
          (to) =>
            moduleOf(to) !== moduleOf(source.name) && moduleOf(to) !== "gen" && !to.endsWith("/index.ts"),
        )
        .filter((to) => !ADAPTERS.includes(moduleOf(source.name)) || moduleOf(to) === "gen")
        .map((to) => ({ from: source.name, to })),
    );
    assert.deepEqual(sideways, []);
  });
});

describe("routing and transcode are pure", () => {
  const impure =
    /node:(?:fs|net|http|tls|timers|child_process)|Date\.now|performance\.now|Math\.random|\bsetTimeout|process\./;
  for (const { name, text } of sources.filter(({ name }) => COMPUTING.includes(moduleOf(name)))) {
    test(name, () => assert.doesNotMatch(text, impure, "no I/O, no clock, no chance"));
  }
});

test("the tree in docs/architecture.md names every folder", () => {
  const [, tree = ""] = readFileSync("docs/architecture.md", "utf8").split("```");
  const named = new Set([...tree.matchAll(/([\w-]+)\//g)].map((match) => match[1]));
  const folders = ["src", "test", "bench"].flatMap((parent) => [
    parent,
    ...readdirSync(parent, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name),
  ]);
  assert.deepEqual(
    folders.filter((folder) => !named.has(folder)),
    [],
  );
});

describe("files speak for themselves", () => {
  const own = sources.filter(({ name }) => !name.startsWith("gen/"));

  test("the first lines of each say what it is for", () => {
    const silent = own.filter(
      ({ name, text }) => !name.endsWith("index.ts") && !/^(?:#!.*\n)?\/\*\*/.test(text),
    );
    assert.deepEqual(
      silent.map(({ name }) => name),
      [],
    );
  });

  test("every export has a comment", () => {
    const bare = own.flatMap(({ name, text }) =>
      [
        ...text.matchAll(
          /(?<!\*\/\n)^export (?:async |abstract )?(?:const|function\*?|class|interface|type) (\w+)/gm,
        ),
      ].map((match) => `${name}: ${match[1]}`),
    );
    assert.deepEqual(bare, []);
  });
});

test("no file is longer than 450 lines", () => {
  const long = sources
    .filter(({ name }) => !name.startsWith("gen/"))
    .map(({ name, text }) => ({ name, lines: text.split("\n").length }))
    .filter(({ lines }) => lines > 450);
  assert.deepEqual(long, []);
});
