/** What is wrong with `tls`, `authority`, `metadata` and `requestCompression` of an upstream, before any file is read. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseConfigText } from "../../../src/config/index.ts";
import { formatProblem } from "../../../src/status/index.ts";
import { TRANSPORT_FIELDS } from "../../../src/upstream/metadata-fields.ts";

/** One upstream with `line` at line 3, column 35. */
function problemsOf(line: string): readonly string[] {
  const start = "listeners: [{ address: :8080 }]\nupstreams:\n";
  const text = `${start}  a: { address: h:1, schema: { reflection: true }, ${line} }\n`;
  return parseConfigText(text, "c.yaml", { SECRET: "s\u00e9cret" }).problems.map((problem) =>
    formatProblem(problem).replace(/^c\.yaml:3:\d+: upstreams\.a\./, ""),
  );
}

const CASES: Readonly<Record<string, string>> = {
  "tls: { certificate: c.pem }":
    "tls.certificate: has no key beside it (add key: the PEM file of its private key)",
  "tls: { key: c.key }":
    "tls.key: has no certificate beside it (add certificate: the PEM file that the key is for)",
  "tls: { minVersion: TLSv1.1 }":
    'tls.minVersion: "TLSv1.1" is not one of its values (did you mean TLSv1.2?)',
  "tls: { cert: c.pem }":
    "tls.cert: is not a key here (known keys: ca, serverName, certificate, key, minVersion)",
  "authority: 'https://a'":
    'authority: "https://a" is not an authority (write a host such as api.example.com, or host:port)',
  "authority: 'a:99999'":
    'authority: "a:99999" is not an authority (write a host such as api.example.com, or host:port)',
  "authority: ''": 'authority: "" is not an authority (write a host such as api.example.com, or host:port)',
  "metadata: { X-Tenant: a }": 'metadata.X-Tenant: "X-Tenant" has capitals (write x-tenant)',
  "metadata: { grpc-timeout: 1S }":
    'metadata.grpc-timeout: "grpc-timeout" is reserved by gRPC (choose a name without grpc-)',
  "metadata: { 'a b': c }":
    'metadata."a b": "a b" is not a metadata name (use letters, digits, - _ and . only)',
  "metadata: { host: c }": 'metadata.host: "host" cannot be set (use authority)',
  "metadata: { a: 1 }": "metadata.a: is not text (put the value in quotes)",
  "metadata: { a: ' b' }": "metadata.a: begins or ends with a blank (remove it)",
  "metadata: { a-bin: 'a' }": "metadata.a-bin: is not base64 (encode the bytes: printf ... | base64)",
  "metadata: { a-bin: 'AQI,!' }": "metadata.a-bin: is not base64 (encode the bytes: printf ... | base64)",
  "requestCompression: brotli": 'requestCompression: "brotli" is not one of its values (write none, gzip)',
};

describe("what an upstream's calls carry", () => {
  for (const [line, problem] of Object.entries(CASES)) {
    test(line, () => assert.deepEqual(problemsOf(line), [problem]));
  }

  test("a value that cannot be sent is not shown: it may be a secret", () => {
    const [problem, ...others] = problemsOf("metadata: { authorization: 'Bearer $\u007bSECRET\u007d' }");
    assert.equal(
      problem,
      "metadata.authorization: holds a character that is not printable ASCII, the 9th (send it as a -bin name)",
    );
    assert.deepEqual(others, []);
  });

  test("metadata is limited as a whole", () => {
    const fields = Array.from({ length: 5 }, (_, i) => `a${i}: ${"x".repeat(1000)}`).join(", ");
    assert.deepEqual(problemsOf(`metadata: { ${fields} }`), [
      "metadata: has 5010 bytes of names and values (at most 4096)",
    ]);
  });

  test("no field that the clients write themselves can be set", () => {
    const accepted = [...TRANSPORT_FIELDS].filter(
      (name) => problemsOf(`metadata: { ${name}: x }`).length === 0,
    );
    assert.deepEqual(accepted, []);
  });
});
