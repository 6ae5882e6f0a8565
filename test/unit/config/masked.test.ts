import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MASK, maskedConfig, parseConfigText } from "../../../src/config/index.ts";

function masked(upstream: object, more: object = {}): unknown {
  const text = JSON.stringify({
    listeners: [{ address: "127.0.0.1:8080" }],
    upstreams: { library: { address: "127.0.0.1:50051", schema: { reflection: true }, ...upstream } },
    ...more,
  });
  const { config, problems } = parseConfigText(text, "sluice.yaml", { TOKEN: "hunter2" });
  assert.deepEqual(problems, []);
  assert.ok(config !== undefined);
  return maskedConfig(config);
}

describe("maskedConfig", () => {
  test("shows names of metadata and no value", () => {
    const text = JSON.stringify(
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the config's own way to write variables.
      masked({ metadata: { authorization: "Bearer ${TOKEN}", "x-team": "books" } }),
    );
    assert.match(text, /"metadata":\{"authorization":"\*\*\*","x-team":"\*\*\*"\}/);
    assert.doesNotMatch(text, /hunter2|books/);
  });

  test("shows files as they were written, never what is in them", () => {
    const text = JSON.stringify(
      masked({ tls: { ca: "ca.pem", certificate: "client.pem", key: "client.key" } }),
    );
    assert.match(text, /"ca":"ca\.pem"/);
    assert.match(text, /"key":"client\.key"/);
  });

  test("shows defaults and where the config comes from", () => {
    const shown = masked({});
    assert.ok(typeof shown === "object" && shown !== null && "file" in shown && "admin" in shown);
    assert.equal(shown.file, "sluice.yaml");
    assert.deepEqual(shown.admin, { enabled: true, address: { host: "127.0.0.1", port: 9901 } });
  });

  test("shows lists of names, which are no values", () => {
    const text = JSON.stringify(masked({}));
    assert.match(text, /"redact":\{[^}]*"headers":\["authorization","cookie"/);
    assert.match(text, /"credentials":"subprotocol"/);
  });

  test("shows where traces go without the query, where keys may stand", () => {
    const tracing = { exporter: { endpoint: "https://otel.test/v1/traces?api-key=hunter2" } };
    const text = JSON.stringify(masked({}, { tracing }));
    assert.match(text, /"endpoint":"https:\/\/otel\.test\/v1\/traces\?\*\*\*"/);
  });

  test("hides what the exporter of traces sends", () => {
    const tracing = { exporter: { headers: { "x-team-id": "hunter2" } } };
    const text = JSON.stringify(masked({}, { tracing }));
    assert.match(text, /"headers":\{"x-team-id":"\*\*\*"\}/);
    assert.doesNotMatch(text, /hunter2/);
  });

  test("can be written as JSON by itself", () => {
    assert.doesNotThrow(() => JSON.stringify(masked({})));
    assert.equal(MASK, "***");
  });
});
