import assert from "node:assert/strict";
import { test } from "node:test";
import { loadServiceConfig, readServiceConfig } from "../../../src/config/index.ts";
import { formatProblem } from "../../../src/status/index.ts";

test("rules are read in both spellings, other keys of the document are ignored", () => {
  const text = `type: google.api.Service
config_version: 3
name: library.example.com
apis: [{ name: library.v1.LibraryService }]
http:
  fully_decode_reserved_expansion: true
  rules:
    - selector: library.v1.LibraryService.GetBook
      get: /v1/{name=books/*}
      responseBody: "\${NOT_SUBSTITUTED}"
      additional_bindings:
        - get: /v2/{name=books/*}
    - selector: library.v1.*
      custom: { kind: "*", path: /any }
      additionalBindings: [{ patch: /v2/any, body: "*", response_body: x }]
`;
  const { rules, fullyDecodeReservedExpansion, problems } = readServiceConfig(text, "s.yaml");
  assert.deepEqual(problems, []);
  assert.equal(fullyDecodeReservedExpansion, true);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: this document is not Sluice's own, so nothing is replaced.
  const responseBody = "${NOT_SUBSTITUTED}";
  assert.deepEqual(rules, [
    {
      selector: "library.v1.LibraryService.GetBook",
      bindings: [
        { method: "GET", template: "/v1/{name=books/*}", body: "", responseBody, where: "s.yaml:9:12" },
        { method: "GET", template: "/v2/{name=books/*}", body: "", responseBody: "", where: "s.yaml:12:16" },
      ],
      where: "s.yaml:8:7",
    },
    {
      selector: "library.v1.*",
      bindings: [
        { method: "*", template: "/any", body: "", responseBody: "", where: "s.yaml:14:7" },
        { method: "PATCH", template: "/v2/any", body: "*", responseBody: "x", where: "s.yaml:15:37" },
      ],
      where: "s.yaml:13:7",
    },
  ]);
});

const CASES: readonly (readonly [name: string, text: string, rules: number, problems: readonly string[]])[] =
  [
    ["an empty document", "", 0, ["s.yaml:1:1: the file is empty (write a google.api.Service)"]],
    ["a list", "[]", 0, ["s.yaml:1:1: a list is not a mapping (write a google.api.Service)"]],
    [
      "a document of another type without http",
      "type: google.api.Distribution\n",
      0,
      [
        "s.yaml:1:1: http: is missing (write http: { rules: [...] })",
        's.yaml:1:7: type: "google.api.Distribution" is not a google.api.Service (write type: google.api.Service)',
      ],
    ],
    [
      "faults beside a sound rule",
      "http:\n  ruls: []\n  fullyDecodeReservedExpansion: 1\n  rules:\n    - { selector: a.B, get: /x }\n    - { selector: a.B, gte: /x }\n",
      1,
      [
        "s.yaml:1:1: type: is missing (write type: google.api.Service)",
        "s.yaml:2:3: http.ruls: is not a key here (did you mean rules?)",
        "s.yaml:3:33: http.fullyDecodeReservedExpansion: 1 is not a boolean (write true or false)",
        's.yaml:6:7: http.rules[1]: has no HTTP method with a path template (add one, such as get: "/v1/books")',
        "s.yaml:6:24: http.rules[1].gte: is not a key here (did you mean get?)",
      ],
    ],
    [
      "rules that are no list",
      "type: google.api.Service\nhttp: { rules: { a: 1 } }\n",
      0,
      ["s.yaml:2:9: http.rules: a mapping is not a list (write a list of rules)"],
    ],
    [
      "broken YAML",
      "type: [\n",
      0,
      [
        "s.yaml:2:1: Flow sequence in block collection must be sufficiently indented and end with a ] (check the indentation and that every bracket is closed)",
      ],
    ],
  ];

for (const [name, text, count, problems] of CASES) {
  test(`problems of a service config: ${name}`, () => {
    const result = readServiceConfig(text, "s.yaml");
    assert.deepEqual(result.problems.map(formatProblem), problems);
    assert.equal(result.rules.length, count);
    assert.equal(result.fullyDecodeReservedExpansion, undefined);
  });
}

test("a service config is loaded from its resolved path, and named as written", async () => {
  const file = { text: "s.yaml", resolved: "/etc/s.yaml" };
  const asked: string[] = [];
  const text = new TextEncoder().encode("type: google.api.Service\nhttp: { rules: [{}] }\n");
  const loaded = await loadServiceConfig(file, (path) => {
    asked.push(path);
    return Promise.resolve(text);
  });
  assert.deepEqual(asked, ["/etc/s.yaml"]);
  assert.deepEqual(
    loaded.problems.map(({ where }) => where),
    ["s.yaml:2:17", "s.yaml:2:17"],
  );
  const missing = await loadServiceConfig(file, () =>
    Promise.reject(Object.assign(new Error("no"), { code: "ENOENT" })),
  );
  assert.deepEqual(missing.problems.map(formatProblem), ["s.yaml: the file does not exist (check the path)"]);
});
