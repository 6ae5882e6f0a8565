// biome-ignore-all lint/suspicious/noTemplateCurlyInString: such text is what the config language is about.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type Config,
  type ConfigResult,
  configFromFlags,
  configLoader,
  type Environment,
  parseConfigText,
} from "../../../src/config/index.ts";
import { formatProblem } from "../../../src/status/index.ts";

const HEAD = "listeners: [{ address: :8080 }]\n";
const SOUND = `${HEAD}upstreams: { library: { address: h:1, schema: { reflection: true } } }\n`;

function parse(text: string, environment: Environment = {}): Config {
  const { config, problems } = parseConfigText(text, "/etc/sluice/c.yaml", environment);
  assert.deepEqual(problems.map(formatProblem), []);
  assert.ok(config !== undefined);
  return config;
}

function problemsOf(text: string, environment: Environment = {}): readonly string[] {
  return parseConfigText(text, "c.yaml", environment).problems.map(formatProblem);
}

function loadBytes(bytes: Uint8Array): Promise<ConfigResult> {
  return configLoader({ path: "c.yaml", readFile: () => Promise.resolve(bytes), environment: {} })();
}

test("health checks and ejections are switched by one word", () => {
  const { upstreams } = parse(`${HEAD}upstreams:
  a: { address: h:1, schema: { reflection: true }, healthCheck: true, outlierEjection: false }
  b: { address: h:1, schema: { reflection: true }, client: grpc-js, healthCheck: false, outlierEjection: false }
`);
  const check = {
    service: "",
    mode: "watch",
    intervalMs: 10_000,
    timeoutMs: 1000,
    unhealthyAfter: 2,
    healthyAfter: 1,
  };
  assert.deepEqual(
    upstreams.map(({ health }) => health),
    [
      { check, ejection: undefined, panicThresholdPercent: 50 },
      { check: undefined, ejection: undefined, panicThresholdPercent: 50 },
    ],
  );
});

test("everything that an upstream can have is read", () => {
  const { upstreams } = parse(`${HEAD}upstreams:
  a-b_1:
    address:
      - localhost:1
      - { address: "[::1]:2", weight: 3 }
      - unix:/run/a.sock
      - { address: unix:///run/b.sock }
      - dns:///localhost:4
    loadBalancing: weighted
    connections:
      perEndpoint: 2
      connectTimeout: 1s
      maxAge: 10m
      keepalive: { time: 0s, timeout: 5s }
      resolveInterval: 0s
      warmUp: 0s
    limits: { maxInFlight: 0, maxPending: 0, maxPendingBytes: 1KiB }
    healthCheck:
      { service: a.B, mode: check, interval: 1s, timeout: 100ms, unhealthyAfter: 3, healthyAfter: 4 }
    outlierEjection:
      consecutiveFailures: 0
      latencyFactor: 0
      baseEjection: 1s
      maxEjection: 1s
      maxEjected: 10
      panicThreshold: 0
    tls: { ca: ca.pem, serverName: a.internal, certificate: c.pem, key: /abs/c.key, minVersion: TLSv1.3 }
    authority: "[::1]:443"
    metadata: { x-tenant: "a b", x-key-bin: "_-8=,AQI" }
    requestCompression: gzip
    schema: { reflection: { timeout: 1s }, descriptors: [one.binpb, /abs/two.binpb], protos: [api], importPaths: [.] }
    http: { serviceConfig: ../service.yaml }
    autoMapping: true
    maxReceiveMessageBytes: 1GB
    deadline: 0s
    idleTimeout: 1h30m
    requestHeaders: { rename: { X-Tenant: tenant }, prefix: Grpc-Metadata- }
    errors: { statusByCode: { FAILED_PRECONDITION: 412 } }
    routes:
      - { selector: a.B.C, deadline: 2s, json: { pretty: true } }
`);
  const [upstream] = upstreams;
  assert.ok(upstream !== undefined);
  assert.equal(upstream.name, "a-b_1");
  assert.deepEqual(upstream.addresses, [
    { address: "localhost:1", weight: 1 },
    { address: "[::1]:2", weight: 3 },
    { address: "unix:/run/a.sock", weight: 1 },
    { address: "unix:/run/b.sock", weight: 1 },
    { address: "dns:///localhost:4", weight: 1 },
  ]);
  assert.equal(upstream.loadBalancing, "weighted");
  assert.deepEqual(upstream.connections, {
    perEndpoint: 2,
    connectTimeoutMs: 1000,
    maxAgeMs: 600_000,
    keepaliveMs: Number.POSITIVE_INFINITY,
    keepaliveTimeoutMs: 5000,
    resolveIntervalMs: Number.POSITIVE_INFINITY,
    warmUpMs: 0,
  });
  assert.deepEqual(upstream.limits, {
    maxInFlight: Number.POSITIVE_INFINITY,
    maxPending: 0,
    maxPendingBytes: 1024,
  });
  assert.deepEqual(upstream.health, {
    check: {
      service: "a.B",
      mode: "check",
      intervalMs: 1000,
      timeoutMs: 100,
      unhealthyAfter: 3,
      healthyAfter: 4,
    },
    ejection: {
      consecutiveFailures: Number.POSITIVE_INFINITY,
      latencyFactor: Number.POSITIVE_INFINITY,
      baseEjectionMs: 1000,
      maxEjectionMs: 1000,
      maxEjectedPercent: 10,
    },
    panicThresholdPercent: 0,
  });
  assert.deepEqual(upstream.tls, {
    ca: { text: "ca.pem", resolved: "/etc/sluice/ca.pem" },
    serverName: "a.internal",
    identity: {
      certificate: { text: "c.pem", resolved: "/etc/sluice/c.pem" },
      key: { text: "/abs/c.key", resolved: "/abs/c.key" },
    },
    minVersion: "TLSv1.3",
  });
  assert.equal(upstream.authority, "[::1]:443");
  assert.deepEqual(upstream.metadata, ["x-tenant", "a b", "x-key-bin", "_-8=,AQI"]);
  assert.equal(upstream.requestCompression, "gzip");
  assert.deepEqual(upstream.schema, {
    reflection: { timeoutMs: 1_000, intervalMs: 60_000 },
    descriptors: [
      { text: "one.binpb", resolved: "/etc/sluice/one.binpb" },
      { text: "/abs/two.binpb", resolved: "/abs/two.binpb" },
    ],
    onBreakingChange: "apply",
    protos: [{ text: "api", resolved: "/etc/sluice/api" }],
    importPaths: [{ text: ".", resolved: "/etc/sluice" }],
  });
  assert.deepEqual(upstream.http.serviceConfig, { text: "../service.yaml", resolved: "/etc/service.yaml" });
  assert.equal(upstream.autoMapping, true);
  assert.equal(upstream.maxReceiveMessageBytes, 1e9);
  assert.equal(upstream.options.deadlineMs, Number.POSITIVE_INFINITY);
  assert.equal(upstream.options.idleTimeoutMs, 5_400_000);
  assert.deepEqual(upstream.options.requestHeaders?.rename, { "x-tenant": "tenant" });
  assert.equal(upstream.options.requestHeaders?.prefix, "grpc-metadata-");
  assert.deepEqual(upstream.options.errors?.statusByCode, { 9: 412 });
  assert.equal(upstream.routes[0]?.condition.selector, "a.B.C");
  assert.equal(upstream.routes[0]?.options.deadlineMs, 2_000);
  assert.equal(upstream.routes[0]?.options.json?.pretty, true);
});

test("tls: true trusts the system's authorities, false is plaintext", () => {
  const tlsOf = (tls: string): unknown =>
    parse(`${HEAD}upstreams: { a: { address: h:1, tls: ${tls}, schema: { reflection: true } } }\n`)
      .upstreams[0]?.tls;
  assert.deepEqual(tlsOf("true"), {
    ca: undefined,
    serverName: undefined,
    identity: undefined,
    minVersion: "TLSv1.2",
  });
  assert.equal(tlsOf("false"), undefined);
});

test("sections without content count as left out", () => {
  const config = parse(`${SOUND}admin:\ndefaults:\nshutdown:\n`);
  assert.equal(config.admin.address.path ?? config.admin.address.port, 9901);
  assert.equal(config.shutdown.drainTimeoutMs, 30_000);
});

test("listeners on port 0 and an admin that is switched off collide with nothing", () => {
  const config = parse(
    SOUND.replace(
      HEAD,
      "listeners: [{ address: h:0 }, { address: h:0 }, { address: localhost:9901 }]\n",
    ).concat("admin: { enabled: false }\n"),
  );
  assert.equal(config.listeners.length, 3);
});

test("anchors and merge keys work, and places follow them", () => {
  const config = parse(`${HEAD}upstreams:
  a: &base
    address: h:1
    schema: { reflection: true }
    deadline: 1s
  b:
    <<: *base
    deadline: 2s
  c: *base
`);
  const deadlines = config.upstreams.map(({ name, options }) => [name, options.deadlineMs]);
  assert.deepEqual(deadlines, [
    ["a", 1_000],
    ["b", 2_000],
    ["c", 1_000],
  ]);
  assert.equal(config.locate(["upstreams", "b", "address"]), "/etc/sluice/c.yaml:4:14");
  assert.equal(config.locate(["upstreams", "b", "deadline"]), "/etc/sluice/c.yaml:9:15");
  assert.equal(config.locate(["upstreams", "c", "deadline"]), "/etc/sluice/c.yaml:6:15");
});

test("a path that is not in the file is located at its nearest ancestor", () => {
  const { locate } = parse(SOUND);
  assert.equal(locate(["upstreams", "library", "http", "rules", 3]), "/etc/sluice/c.yaml:2:14");
  assert.equal(locate(["nothing"]), "/etc/sluice/c.yaml:1:1");
});

test("a byte order mark and CRLF do not move places", () => {
  const { locate } = parse(`\u{feff}${SOUND.replaceAll("\n", "\r\n")}`);
  assert.equal(locate(["listeners"]), "/etc/sluice/c.yaml:1:1");
  assert.equal(locate(["upstreams", "library", "address"]), "/etc/sluice/c.yaml:2:34");
});

test("a faulty rule is dropped alone, and the others keep their places", () => {
  const text = `${HEAD}upstreams:
  library:
    address: h:1
    schema: { reflection: true }
    http:
      rules:
        - selector: a.B.NoPattern
        - selector: a.B.Get
          get: /v1/{name=books/*}
          response_body: book
          additional_bindings:
            - { post: "/v1/books:get", body: "*" }
            - custom: { kind: REPORT, path: /v1/books }
        - selector: a.B.Two
          get: /a
          put: /b
        - { selector: a.B.Misspelt, get: /a, bdoy: "*" }
        - { selector: a.B.Both, get: /a, responseBody: x, response_body: x }
        - { selector: a.B.Nested, get: /a, additionalBindings: [{ get: /b, additionalBindings: [] }] }
        - { selector: a.B.Variable, get: /a, body: "\${UNSET}" }
        - { selector: a.B.Relative, get: v1 }
        - 7
        - { selector: a.*, delete: "/v1/{name}" }
`;
  const { config, problems } = parseConfigText(text, "c.yaml", {});
  assert.deepEqual(problems.map(formatProblem), [
    'c.yaml:8:11: upstreams.library.http.rules[0]: has no HTTP method with a path template (add one, such as get: "/v1/books")',
    "c.yaml:17:11: upstreams.library.http.rules[2].put: has two patterns, get and put (keep one; put the other under additionalBindings)",
    "c.yaml:18:46: upstreams.library.http.rules[3].bdoy: is not a key here (did you mean body?)",
    "c.yaml:19:59: upstreams.library.http.rules[4].response_body: stands beside responseBody, which is the same field (keep one)",
    "c.yaml:20:76: upstreams.library.http.rules[5].additionalBindings[0].additionalBindings: is not a key here (known keys: get, put, post, delete, patch, custom, body, responseBody, response_body)",
    "c.yaml:21:52: upstreams.library.http.rules[6].body: the environment variable UNSET is not set (set UNSET, or give a default: ${UNSET:-default})",
    'c.yaml:22:42: upstreams.library.http.rules[7].get: "v1" is not a path template (templates start with /)',
    "c.yaml:23:11: upstreams.library.http.rules[8]: 7 is not a mapping (write keys and values below it)",
  ]);
  assert.deepEqual(config?.upstreams[0]?.http.rules, [
    {
      selector: "a.B.Get",
      bindings: [
        {
          method: "GET",
          template: "/v1/{name=books/*}",
          body: "",
          responseBody: "book",
          where: "c.yaml:10:16",
        },
        { method: "POST", template: "/v1/books:get", body: "*", responseBody: "", where: "c.yaml:13:23" },
        { method: "REPORT", template: "/v1/books", body: "", responseBody: "", where: "c.yaml:14:15" },
      ],
      where: "c.yaml:9:11",
    },
    {
      selector: "a.*",
      bindings: [
        { method: "DELETE", template: "/v1/{name}", body: "", responseBody: "", where: "c.yaml:24:36" },
      ],
      where: "c.yaml:24:11",
    },
  ]);
});

test("a faulty rule beside another fault is told with it", () => {
  const text = `${HEAD}upstreams: { a: { address: x, schema: { reflection: true }, http: { rules: [{}] } } }\n`;
  const { config, problems } = parseConfigText(text, "c.yaml", {});
  assert.equal(config, undefined);
  assert.deepEqual(
    problems.map(({ where }) => where),
    ["c.yaml:2:28", "c.yaml:2:77", "c.yaml:2:77"],
  );
});

test("the environment fills every kind of scalar", () => {
  const text = `listeners: [{ address: "\${HOST:-127.0.0.1}:\${PORT}", engine: "\${ENGINE}", trustedHops: "\${HOPS}" }]
upstreams:
  a:
    address: \${EMPTY:-h:1}
    schema: { reflection: "\${YES}" }
    tls: { ca: "$\${LITERAL}/\${HOST:-ca}.pem" }
    deadline: \${DEADLINE}
    autoMapping: \${YES}
`;
  const environment = { PORT: "81", ENGINE: "node", HOPS: "2", YES: "true", DEADLINE: "1m", EMPTY: "" };
  const { listeners, upstreams } = parse(text, environment);
  assert.deepEqual(listeners[0]?.address, { host: "127.0.0.1", port: 81 });
  assert.equal(listeners[0]?.engine, "node");
  assert.equal(listeners[0]?.trustedHops, 2);
  assert.deepEqual(upstreams[0]?.addresses, [{ address: "h:1", weight: 1 }]);
  assert.deepEqual(upstreams[0]?.schema.reflection, { timeoutMs: 5_000, intervalMs: 60_000 });
  assert.equal(upstreams[0]?.tls?.ca?.text, "${LITERAL}/ca.pem");
  assert.equal(upstreams[0]?.options.deadlineMs, 60_000);
  assert.equal(upstreams[0]?.autoMapping, true);
});

test("a variable cannot add structure, and what it holds is not substituted again", () => {
  const hostile = "x: {y: 1}\nstrict: true # ${HOME}";
  const text = `${SOUND}log: { level: "\${LEVEL}" }\n`;
  assert.deepEqual(problemsOf(text, { LEVEL: hostile, HOME: "/root" }), [
    `c.yaml:3:15: log.level: ${JSON.stringify(hostile)} is not one of its values (write trace, debug, info, warn, error, fatal, silent)`,
  ]);
});

test("variables that are missing, misspelt or inherited are told once, at their place", () => {
  const text = `${SOUND}log: { level: "\${A}\${B}" }\nstrict: \${}\nshutdown: { drainTimeout: "\${toString}" }\n`;
  assert.deepEqual(problemsOf(text), [
    "c.yaml:3:15: log.level: the environment variable A is not set (set A, or give a default: ${A:-default})",
    "c.yaml:3:15: log.level: the environment variable B is not set (set B, or give a default: ${B:-default})",
    'c.yaml:4:9: strict: "${}" is not a reference to a variable (write ${NAME} or ${NAME:-default}; a literal ${ is written $${)',
    "c.yaml:5:27: shutdown.drainTimeout: the environment variable toString is not set (set toString, or give a default: ${toString:-default})",
  ]);
});

test("files that cannot be read are problems at their path", async () => {
  const table = [
    ["ENOENT", "c.yaml: the file does not exist (check the path)"],
    ["EACCES", "c.yaml: the file may not be read (check its permissions)"],
    ["EISDIR", "c.yaml: this is a folder (name the file in it)"],
    ["EIO", "c.yaml: the file cannot be read: broken disk (check the path)"],
  ] as const;
  for (const [code, line] of table) {
    const readFile = (): Promise<Uint8Array> =>
      Promise.reject(Object.assign(new Error("broken disk"), { code }));
    const { config, problems } = await configLoader({ path: "c.yaml", readFile, environment: {} })();
    assert.equal(config, undefined);
    assert.deepEqual(problems.map(formatProblem), [line]);
  }
});

test("bytes that are not UTF-8 are refused, and so is a file above 1 MiB", async () => {
  const latin = await loadBytes(Uint8Array.of(0x61, 0x3a, 0x20, 0xe9));
  assert.deepEqual(latin.problems.map(formatProblem), ["c.yaml: the file is not UTF-8 (save it as UTF-8)"]);
  const large = await loadBytes(new Uint8Array(1_048_577).fill(0x23));
  assert.deepEqual(large.problems.map(formatProblem), [
    "c.yaml: the file has 1048577 bytes (at most 1048576; is it the right file?)",
  ]);
  const sound = await loadBytes(new TextEncoder().encode(SOUND));
  assert.deepEqual(sound.problems, []);
  assert.equal(sound.config?.fileName, "c.yaml");
});

test("flags stand for one upstream with reflection", () => {
  const { config, problems } = configFromFlags({ upstream: "localhost:50051" }, "/srv");
  assert.deepEqual(problems, []);
  assert.deepEqual(config?.listeners[0]?.address, { host: "0.0.0.0", port: 8080 });
  assert.deepEqual(config.admin, { enabled: true, address: { host: "127.0.0.1", port: 9901 } });
  assert.equal(config.upstreams.length, 1);
  assert.equal(config.upstreams[0]?.name, "upstream");
  assert.deepEqual(config.upstreams[0]?.addresses, [{ address: "localhost:50051", weight: 1 }]);
  assert.deepEqual(config.upstreams[0]?.schema, {
    reflection: { timeoutMs: 5_000, intervalMs: 60_000 },
    descriptors: [],
    onBreakingChange: "apply",
    protos: [],
    importPaths: [],
  });
  assert.equal(config.locate(["upstreams", "upstream", "address"]), "--upstream");
});

test("flags with descriptors do without reflection", () => {
  const flags = { upstream: ["a:1", "b:1"], descriptors: ["x.binpb"], listen: ":0", admin: "[::1]:0" };
  const { config } = configFromFlags(flags, "/data");
  assert.deepEqual(
    config?.upstreams[0]?.addresses.map(({ address }) => address),
    ["a:1", "b:1"],
  );
  assert.deepEqual(config.upstreams[0].schema, {
    reflection: undefined,
    descriptors: [{ text: "x.binpb", resolved: "/data/x.binpb" }],
    onBreakingChange: "apply",
    protos: [],
    importPaths: [],
  });
  assert.deepEqual(config.listeners[0]?.address, { host: "0.0.0.0", port: 0 });
  assert.deepEqual(config.admin.address, { host: "::1", port: 0 });
});

test("problems of flags name the flag", () => {
  const flags = { upstream: "http://h", descriptors: [""], listen: "8080", admin: "x:y" };
  assert.deepEqual(
    configFromFlags(flags, "/").problems.map(formatProblem),
    [
      '--listen: "8080" is not an address (the port is missing; write host:port or unix:/path: 0.0.0.0:8080, [::1]:8080 or :8080)',
      '--admin: "x:y" is not an address (write host:port or unix:/path: 0.0.0.0:8080, [::1]:8080 or :8080)',
      '--upstream: "http://h" is not an address (leave the scheme away; write host:port, [::1]:50051, dns:///host:port or unix:/path)',
      "--descriptors: is empty (give a value or remove the key)",
    ].toSorted(byFlag),
  );
  const taken = configFromFlags({ upstream: "h:1", listen: ":9901" }, "/").problems.map(formatProblem);
  assert.deepEqual(taken, [
    '--admin: "127.0.0.1:9901" is taken by --listen (give each listener a port of its own)',
  ]);
});

/** Flags have no order of their own; shorter paths come first. */
function byFlag(a: string, b: string): number {
  const rank = (line: string): number =>
    ["--admin", "--listen", "--upstream"].findIndex((flag) => line.startsWith(flag));
  return (rank(a) === -1 ? 3 : rank(a)) - (rank(b) === -1 ? 3 : rank(b));
}

const token = fc.constantFrom(
  ..."listeners upstreams address schema reflection http rules selector get defaults json routes library a.b".split(
    " ",
  ),
  ...": |- |\n|\n  |\n    |[|]|{|}|&a |*a|<<: |, |# |'|\"|? |---\n|%YAML |!!str |\t|\0|:8080|h:1|true|null|.nan|5s|${|${A}|$${|}|\\".split(
    "|",
  ),
);

test("no text makes the parser throw, and without a config there is a problem with a place", () => {
  const garbage = fc.oneof(
    fc.array(token, { maxLength: 60 }).map((tokens) => tokens.join("")),
    fc.string({ unit: "binary", maxLength: 200 }),
  );
  fc.assert(
    fc.property(garbage, fc.boolean(), (noise, isAppended) => {
      const text = isAppended ? `${SOUND}${noise}` : noise;
      const { config, problems } = parseConfigText(text, "c.yaml", { A: noise });
      assert.ok(config !== undefined || problems.length > 0);
      for (const { where } of problems) assert.match(where, /^c\.yaml:[1-9]\d*:[1-9]\d*$/);
    }),
    { numRuns: 500 },
  );
});

test("no plain values make the schema throw", () => {
  const values = fc.jsonValue({ maxDepth: 5 }).map((value) => JSON.stringify(value));
  fc.assert(
    fc.property(values, values, values, (a, b, c) => {
      const text = `listeners: [${a}]\nupstreams: { a: ${b}, b: { http: { rules: [${c}] }, routes: ${a} } }\ndefaults: ${c}\n`;
      const { config, problems } = parseConfigText(text, "c.yaml", {});
      assert.equal(config, undefined);
      assert.ok(problems.length > 0);
    }),
    { numRuns: 200 },
  );
});
