import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseConfigText } from "../../../src/config/index.ts";
import { formatProblem } from "../../../src/status/index.ts";

const HEAD =
  "listeners: [{ address: :8080 }]\nupstreams: { a: { address: h:1, schema: { reflection: true } } }\n";

function read(text: string) {
  const { config, problems } = parseConfigText(`${HEAD}${text}`, "c.yaml", {});
  return { config, problems: problems.map(formatProblem) };
}

describe("tracing", () => {
  test("is read", () => {
    const { config, problems } = read(`tracing:
  enabled: true
  exporter: { endpoint: "https://c.test/in?x=1", headers: { X-Key: k }, timeout: 1s, interval: 1s, queueBytes: 1MiB }
  sampling: { ratio: 0.01, parent: ignore }
  serviceName: edge
  attributes: { cloud.region: eu, shard: 7, canary: true }
`);
    assert.deepEqual(problems, []);
    assert.deepEqual(config?.tracing, {
      enabled: true,
      exporter: {
        endpoint: "https://c.test/in?x=1",
        headers: ["x-key", "k"],
        timeoutMs: 1000,
        intervalMs: 1000,
        queueBytes: 2 ** 20,
      },
      sampling: { ratio: 0.01, parent: "ignore" },
      serviceName: "edge",
      attributes: ["cloud.region", "eu", "shard", 7, "canary", true],
    });
  });

  test("an endpoint without a path gets the one of the specification", () => {
    for (const endpoint of ["http://c.test:4318", "http://c.test:4318/"]) {
      const { config } = read(`tracing: { exporter: { endpoint: "${endpoint}" } }`);
      assert.equal(config?.tracing.exporter.endpoint, "http://c.test:4318/v1/traces");
    }
  });

  const faults: readonly [text: string, complaint: string][] = [
    [
      "exporter: { endpoint: collector:4318 }",
      'exporter.endpoint: "collector:4318" is not an HTTP URL (write http://host:4318/v1/traces)',
    ],
    [
      'exporter: { endpoint: "http://u:geheim@c.test" }',
      "exporter.endpoint: holds a user or a password (put credentials under headers)",
    ],
    [
      'exporter: { headers: { "a b": x } }',
      'exporter.headers."a b": "a b" is not a header name (write a name such as x-request-id)',
    ],
    [
      "exporter: { headers: { Content-Type: x } }",
      'exporter.headers.Content-Type: "Content-Type" is written by the exporter (remove it)',
    ],
    [
      "sampling: { ratio: 2 }",
      "sampling.ratio: 2 is not a share (write a number from 0 to 1: 0.01 is one in a hundred)",
    ],
    [
      "sampling: { ratio: 1% }",
      'sampling.ratio: "1%" is not a share (write a number from 0 to 1: 0.01 is one in a hundred)',
    ],
    [
      "sampling: { parent: trust }",
      'sampling.parent: "trust" is not one of its values (write respect, ignore)',
    ],
    [
      "attributes: { Region: eu }",
      'attributes.Region: "Region" is not the name of an attribute (write lower-case words with dots: cloud.region)',
    ],
    ["attributes: { a: [1] }", "attributes.a: a list is not text (put the value in quotes)"],
  ];
  for (const [text, complaint] of faults) {
    test(`${text} is refused`, () => {
      const { config, problems } = read(`tracing: { ${text} }`);
      assert.equal(config, undefined);
      assert.deepEqual(
        problems.map((problem) => problem.replace(/^c\.yaml:\d+:\d+: tracing\./, "")),
        [complaint],
      );
      assert.ok(!problems.join().includes("geheim"));
    });
  }
});

describe("the access log", () => {
  test("is read", () => {
    const { config, problems } = read(`accessLog:
  format: "{time} {method} {header.x-tenant} {{}}"
  fields: [method, query, header.user-agent]
  sampling: { ratio: "0.5", alwaysErrors: false }
  redact: { query: [], headers: ["X-*"] }
  file: access.log
  bufferBytes: 64KiB
`);
    assert.deepEqual(problems, []);
    assert.deepEqual(config?.accessLog, {
      enabled: true,
      format: "{time} {method} {header.x-tenant} {{}}",
      fields: ["method", "query", "header.user-agent"],
      sampling: { ratio: 0.5, alwaysErrors: false },
      redact: { query: [], headers: ["x-*"] },
      file: { text: "access.log", resolved: `${process.cwd()}/access.log` },
      bufferBytes: 65_536,
    });
  });

  const faults: readonly [text: string, complaint: string][] = [
    [
      "format: jsno",
      'format: "jsno" is no format: it names no field (write json, or a template: {method} {path} {status} {durationMs}ms)',
    ],
    [
      'format: "{method"',
      'format: "{method" is no format: "{method" is not closed (write {name}, or {{ for a brace)',
    ],
    ['format: "method}"', 'format: "method}" is no format: a } has no { before it (write }} for a brace)'],
    ["fields: []", "fields: is empty (name one: fields: [method, path, status])"],
    ["fields: [methd]", 'fields[0]: "methd" is not a field (did you mean method?)'],
    ["bufferBytes: 1", "bufferBytes: 1 is too little (at least 16KiB)"],
  ];
  for (const [text, complaint] of faults) {
    test(`${text} is refused`, () => {
      const { config, problems } = read(`accessLog: { ${text} }`);
      assert.equal(config, undefined);
      assert.deepEqual(
        problems.map((problem) => problem.replace(/^c\.yaml:\d+:\d+: accessLog\./, "")),
        [complaint],
      );
    });
  }

  test("a template's unknown name is told with the names that there are", () => {
    const { problems } = read('accessLog: { format: "{method} {statsu}" }');
    assert.match(
      problems[0] ?? "",
      /"\{statsu\}" is not a field \(fields: time, requestId, .*, header\.NAME\)$/,
    );
  });
});
