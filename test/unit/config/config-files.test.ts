import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { parse as parseYaml } from "yaml";
import * as z from "zod";
import {
  BUILT_IN_ROUTE_OPTIONS,
  type Config,
  configJsonSchema,
  configLoader,
  configReference,
  resolveRouteOptions,
} from "../../../src/config/index.ts";
import { formatProblem } from "../../../src/status/index.ts";

async function load(path: string): Promise<Config> {
  const { config, problems } = await configLoader({
    path,
    readFile: (name) => readFile(name),
    environment: {},
  })();
  assert.deepEqual(problems.map(formatProblem), []);
  assert.ok(config !== undefined);
  return config;
}

test("the minimal file parses and takes every default", async () => {
  const { locate, ...values } = await load("config/minimal.yaml");
  assert.deepEqual(values, {
    fileName: "config/minimal.yaml",
    listeners: [
      {
        name: undefined,
        address: { host: "0.0.0.0", port: 8080 },
        routes: { include: undefined, exclude: [] },
        engine: "auto",
        trailingSlash: "strict",
        maxHeaderBytes: 32_768,
        idleTimeoutMs: 65_000,
        trustedHops: 0,
        limits: {
          connections: 20_000,
          maxHeaders: 96,
          maxUrlBytes: 16_384,
          headTimeoutMs: 10_000,
          bodyTimeoutMs: 60_000,
          requestsPerConnection: Number.POSITIVE_INFINITY,
        },
        cors: {
          enabled: false,
          origins: [],
          credentials: false,
          exposeHeaders: [],
          allowHeaders: [
            "authorization",
            "content-type",
            "grpc-timeout",
            "traceparent",
            "tracestate",
            "x-request-id",
            "x-server-timeout",
          ],
          maxAgeMs: 600_000,
        },
        webSocket: {
          enabled: true,
          origins: [],
          credentials: "subprotocol",
          pingIntervalMs: 30_000,
          maxMessageBytes: 4 * 2 ** 20,
          maxHeldBytes: 16 * 2 ** 20,
        },
        tls: undefined,
        http2: "auto",
        proxyProtocol: "none",
        proxyProtocolFrom: [],
      },
    ],
    workers: 1,
    admin: { enabled: true, address: { host: "127.0.0.1", port: 9901 } },
    upstreams: [
      {
        name: "library",
        addresses: [{ address: "localhost:50051", weight: 1 }],
        loadBalancing: "least_request",
        connections: {
          perEndpoint: 8,
          connectTimeoutMs: 20_000,
          maxAgeMs: Number.POSITIVE_INFINITY,
          keepaliveMs: 300_000,
          keepaliveTimeoutMs: 20_000,
          resolveIntervalMs: 30_000,
          warmUpMs: 1000,
        },
        limits: { maxInFlight: 20_000, maxPending: 10_000, maxPendingBytes: 67_108_864 },
        health: {
          check: undefined,
          ejection: {
            consecutiveFailures: 5,
            latencyFactor: 5,
            baseEjectionMs: 5000,
            maxEjectionMs: 300_000,
            maxEjectedPercent: 50,
          },
          panicThresholdPercent: 50,
        },
        tls: undefined,
        authority: undefined,
        metadata: [],
        requestCompression: "none",
        schema: {
          reflection: { timeoutMs: 5_000, intervalMs: 60_000 },
          descriptors: [],
          protos: [],
          importPaths: [],
          onBreakingChange: "apply",
        },
        http: { rules: [], serviceConfig: undefined },
        autoMapping: false,
        client: "http2",
        maxReceiveMessageBytes: 4_194_304,
        retryBudget: { percent: 20, minPerSecond: 10, keptBytes: 67_108_864 },
        options: {},
        routes: [],
      },
    ],
    defaults: {},
    routes: [],
    strict: false,
    readiness: { require: "first" },
    shutdown: { drainTimeoutMs: 30_000, readinessDelayMs: 0 },
    log: { level: "info" },
    watch: true,
    tracing: {
      enabled: false,
      exporter: {
        endpoint: "http://127.0.0.1:4318/v1/traces",
        headers: [],
        timeoutMs: 10_000,
        intervalMs: 5000,
        queueBytes: 4 * 2 ** 20,
      },
      sampling: { ratio: 1, parent: "respect" },
      serviceName: "sluice",
      attributes: [],
    },
    accessLog: {
      enabled: true,
      format: "json",
      fields:
        "requestId traceId listener peer method path route rpc upstream status grpcStatus reason durationMs upstreamMs transcodeMs bytesIn bytesOut unknownFields".split(
          " ",
        ),
      sampling: { ratio: 1, alwaysErrors: true },
      redact: {
        query:
          "access_token api_key apikey auth awsaccesskeyid code id_token key passw* refresh_token secret sig signature token x-amz-* x-goog-*".split(
            " ",
          ),
        headers: ["authorization", "cookie", "proxy-authorization", "x-api-key", "x-goog-*"],
      },
      file: undefined,
      bufferBytes: 2 ** 20,
    },
  });
  assert.equal(locate(["upstreams", "library", "address"]), "config/minimal.yaml:9:14");
});

test("the commented file states the defaults: without its values the config is the same", async () => {
  const full = await load("config/sluice.yaml");
  const minimal = await load("config/minimal.yaml");
  const { locate: _full, fileName: _fullName, defaults, ...values } = full;
  const { locate: _minimal, fileName: _minimalName, defaults: none, ...expected } = minimal;
  assert.deepEqual(values, expected);
  assert.deepEqual(defaults, BUILT_IN_ROUTE_OPTIONS);
  assert.deepEqual(resolveRouteOptions(none), BUILT_IN_ROUTE_OPTIONS);
});

test("the commented file shows every key of the schema", async () => {
  const text = await readFile("config/sluice.yaml", "utf8");
  const missing = [...keysOf(configJsonSchema())].filter((key) => !new RegExp(`\\b${key}:`).test(text));
  // Other spellings of keys that are shown, and patterns of which one or two stand for all.
  assert.deepEqual(missing.toSorted(), ["additional_bindings", "delete", "post", "put", "response_body"]);
});

test("the commented file is known to editors by its first line", async () => {
  for (const name of ["sluice", "minimal"]) {
    const text = await readFile(`config/${name}.yaml`, "utf8");
    assert.ok(text.startsWith("# yaml-language-server: $schema=sluice.schema.json\n"));
  }
});

test("config/sluice.schema.json is what npm run generate:config writes", async () => {
  const text = await readFile("config/sluice.schema.json", "utf8");
  assert.equal(text, `${JSON.stringify(configJsonSchema(), null, 2)}\n`);
});

test("docs/configuration.md is what npm run generate:config writes", async () => {
  assert.equal(await readFile("docs/configuration.md", "utf8"), configReference());
});

test("editors accept both files, references to the environment, and refuse what the gateway refuses", async () => {
  // The schema is plain JSON; zod's type of one is wider than what can be told from here.
  const schema = z.fromJSONSchema(configJsonSchema() as Parameters<typeof z.fromJSONSchema>[0]);
  for (const name of ["sluice", "minimal"]) {
    const value: unknown = parseYaml(await readFile(`config/${name}.yaml`, "utf8"));
    assert.deepEqual(schema.safeParse(value).error?.issues ?? [], [], name);
  }
  const sound = {
    listeners: [{ address: ":1" }],
    upstreams: { a: { address: ["h:1"], schema: { reflection: {} } } },
  };
  const reference = `\${X}`;
  const varied = {
    ...sound,
    strict: reference,
    log: { level: reference },
    shutdown: { drainTimeout: reference },
  };
  assert.ok(schema.safeParse(varied).success);
  for (const wrong of [{ strict: 1 }, { logs: {} }, { listeners: [] }, { shutdown: { drainTimeout: 5 } }]) {
    assert.ok(!schema.safeParse({ ...sound, ...wrong }).success, JSON.stringify(wrong));
  }
});

test("the JSON Schema has no keywords of our own and closes every mapping with known keys", () => {
  for (const node of nodesOf(configJsonSchema())) {
    assert.deepEqual(
      Object.keys(node).filter((key) => key.startsWith("x-")),
      [],
    );
    if ("properties" in node && node.type === "object") assert.equal(node.additionalProperties, false);
  }
});

type Node = Readonly<Record<string, unknown>>;

/** Every schema in a schema. */
function* nodesOf(node: unknown): Generator<Node> {
  if (typeof node !== "object" || node === null) return;
  if (Array.isArray(node)) {
    for (const item of node) yield* nodesOf(item);
    return;
  }
  // An object that is neither null nor a list.
  const schema = node as Node;
  if (!("properties" in schema) || typeof schema.properties !== "object") {
    yield schema;
    for (const value of Object.values(schema)) yield* nodesOf(value);
    return;
  }
  yield schema;
  for (const [key, value] of Object.entries(schema)) {
    if (key === "properties") yield* Object.values(value ?? {}).flatMap((property) => [...nodesOf(property)]);
    else if (key !== "default") yield* nodesOf(value);
  }
}

function keysOf(schema: unknown): Set<string> {
  const keys = new Set<string>();
  for (const node of nodesOf(schema)) {
    if (typeof node.properties !== "object") continue;
    for (const key of Object.keys(node.properties ?? {})) keys.add(key);
  }
  return keys;
}
