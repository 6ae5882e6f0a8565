import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readServiceConfig } from "../../../src/config/index.ts";
import { formatProblem } from "../../../src/status/index.ts";
import { matcherOf } from "../../support/snapshots.ts";
import { compile, ECHO, LIBRARY, routeOf } from "./compile.ts";

const S = "sluice.test.v1.EchoService";
const UPSTREAM = "address: localhost:1\n    schema: { reflection: true }";

/** One upstream, with `more` below it. */
function upstream(more = "", beside = ""): string {
  return `upstreams:\n  echo:\n    ${UPSTREAM}\n${more}${beside}`;
}

/** One upstream with these rules. */
function rules(...lines: readonly string[]): string {
  return upstream(`    http:\n      rules:\n${lines.map((line) => `        - ${line}\n`).join("")}`);
}

function serviceConfig(http: string): ReturnType<typeof readServiceConfig> {
  const read = readServiceConfig(`type: google.api.Service\nhttp:\n${http}`, "service.yaml");
  assert.deepEqual(read.problems, []);
  return read;
}

describe("where rules come from", () => {
  const document = serviceConfig(`  rules:
    - { selector: ${S}.Unannotated, get: /document/un }
    - { selector: ${S}.Ping, get: /document/ping }`);
  const inConfig = `{ selector: ${S}.Ping, get: /config/ping }`;
  const sources: readonly [what: string, yaml: string, request: string, template: string, source: string][] =
    [
      ["an annotation", upstream(), "GET /v1/ping", "/v1/ping", "annotation"],
      ["an additional binding of an annotation", upstream(), "DELETE /v1/ping", "/v1/ping", "annotation"],
      ["a rule of config", rules(inConfig), "GET /config/ping", "/config/ping", "config"],
      ["a service config", upstream(), "GET /document/un", "/document/un", "service-config"],
      ["config over the service config", rules(inConfig), "GET /config/ping", "/config/ping", "config"],
      [
        "automatic mapping",
        upstream("    autoMapping: true\n"),
        `POST /${S}/UnannotatedStream`,
        `/${S}/UnannotatedStream`,
        "auto-mapping",
      ],
    ];
  for (const [what, yaml, request, template, source] of sources) {
    test(what, () => {
      const needsDocument = what.includes("service config");
      const compiled = compile({ yaml, ...(needsDocument ? { serviceConfigs: { echo: document } } : {}) });
      const [method = "", path = ""] = request.split(" ");
      const route = routeOf(compiled, method, path);
      assert.equal(route.template, template);
      assert.equal(route.source, source);
      assert.equal(route.upstream, "echo");
    });
  }

  test("a rule of config replaces every binding of the annotation", () => {
    const { snapshot, problems } = compile({ yaml: rules(inConfig) });
    assert.equal(matcherOf(snapshot).match("GET", "/v1/ping", "strict").kind, "not-found");
    assert.deepEqual(problems, []);
  });

  test("without autoMapping a method without a rule cannot be reached", () => {
    const { snapshot } = compile({ yaml: upstream() });
    assert.equal(matcherOf(snapshot).match("POST", `/${S}/Unannotated`, "strict").kind, "not-found");
  });

  test("an upstream that has methods, and a rule for none of them, is told", () => {
    const services = ECHO.services.map((service) => ({
      ...service,
      methods: service.methods.filter(({ fullName }) => fullName === `${S}.Unannotated`),
    }));
    const schemas = { echo: { ...ECHO, services } };
    const told = compile({ yaml: upstream(), schemas }).problems;
    assert.equal(told.length, 1);
    assert.match(
      told.map(formatProblem).join("\n"),
      /^sluice\.yaml:\d+:\d+: upstream echo has no route: it has 1 method, and no HTTP rule \(.*autoMapping: true\)$/,
    );
    assert.deepEqual(compile({ yaml: upstream("    autoMapping: true\n"), schemas }).problems, []);
    const ofHealth = services.map((service) => ({
      ...service,
      methods: service.methods.map((method) => ({ ...method, fullName: "grpc.health.v1.Health.Check" })),
    }));
    assert.deepEqual(
      compile({ yaml: upstream(), schemas: { echo: { ...ECHO, services: ofHealth } } }).problems,
      [],
      "but for health checks",
    );
    const ofDropped = compile({ yaml: rules(`{ selector: ${S}.Unannotated, get: "/{" }`), schemas }).problems;
    assert.deepEqual(
      ofDropped.filter(({ what }) => what.includes("no route")),
      [],
    );
  });

  test("autoMapping adds nothing to a method that has a rule", () => {
    const { snapshot } = compile({ yaml: upstream("    autoMapping: true\n") });
    assert.equal(matcherOf(snapshot).match("POST", `/${S}/Ping`, "strict").kind, "not-found");
  });

  test("an upstream whose schema is not known has no routes, and is named as pending", () => {
    const yaml = `upstreams:\n  echo:\n    ${UPSTREAM}\n  library:\n    ${UPSTREAM}\n`;
    const { snapshot, problems } = compile({ yaml, schemas: { library: LIBRARY }, pending: ["echo"] });
    assert.deepEqual([...new Set(snapshot.routes.map((route) => route.upstream))], ["library"]);
    assert.deepEqual(snapshot.pendingUpstreams, ["echo"]);
    assert.equal(snapshot.revision, 7);
    assert.deepEqual(problems, []);
  });
});

describe("the cascade of options reaches the route", () => {
  const yaml = `defaults: { deadline: 7s, maxRequestBodyBytes: 1KiB, errors: { format: kratos, statusByCode: { ABORTED: 412 } } }
${upstream(`    deadline: 6s
    errors: { statusByCode: { UNKNOWN: 555 } }
    routes:
      - { selector: ${S}.*, idleTimeout: 3s }
      - { selector: ${S}.Ping, deadline: 1s, errors: { format: problem } }
      - { selector: ${S}.Count, deadline: 0s, idleTimeout: 0s }
`)}`;
  const compiled = compile({ yaml });
  const rows: readonly [request: string, deadlineMs: number, idleTimeoutMs: number, format: string][] = [
    ["GET /v1/echo", 6000, 3000, "kratos"],
    ["GET /v1/ping", 1000, 3000, "problem"],
    ["GET /v1/count/3", Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, "kratos"],
  ];
  for (const [request, deadlineMs, idleTimeoutMs, format] of rows) {
    test(request, () => {
      const [method = "", path = ""] = request.split(" ");
      const { settings } = routeOf(compiled, method, path);
      assert.equal(settings.deadlineMs, deadlineMs);
      assert.equal(settings.idleTimeoutMs, idleTimeoutMs);
      assert.equal(settings.maxRequestBodyBytes, 1024);
      assert.equal(settings.errors.format, format);
      assert.deepEqual(settings.errors.httpStatusByCode, { 10: 412, 2: 555 });
    });
  }

  test("requests without a route get the errors of defaults", () => {
    assert.equal(compiled.snapshot.errors.format, "kratos");
  });

  test("JSON options reach the transcoder", () => {
    const options = "    json: { emitDefaults: false, protoFieldNames: true }\n";
    const { transcoder } = routeOf(compile({ yaml: upstream(options) }), "GET", "/v1/echo");
    const { message } = transcoder.assemble({
      captures: [],
      query: "stringValue=a&int64Value=9007199254740993",
      contentType: "",
      body: new Uint8Array(0),
    });
    const json = transcoder.render(message, false);
    assert.ok(typeof json === "string" || json instanceof Uint8Array);
    assert.equal(Buffer.from(json).toString(), '{"int64_value":"9007199254740993","string_value":"a"}');
  });
});

describe("options of streams reach the route", () => {
  const compileWith = (sse: string): ReturnType<typeof compile> =>
    compile({
      yaml: upstream(`    etag: strong
    routes:
      - { selector: ${S}.Count, stream: { format: sse, envelope: grpc-gateway, sse: { ${sse} } } }
`),
    });

  test("with the fields that number and resume events", () => {
    const compiled = compileWith(
      "event: tick, idField: value, lastEventIdField: fail_after, heartbeat: 1s, retry: 2s",
    );
    assert.deepEqual(compiled.problems, []);
    const { settings } = routeOf(compiled, "GET", "/v1/count/3");
    assert.equal(settings.etag, "strong");
    const { format, envelope, sse } = settings.stream;
    assert.deepEqual(
      [format, envelope, sse.event, sse.heartbeatMs, sse.retryMs],
      ["sse", "grpc-gateway", "tick", 1000, 2000],
    );
    assert.equal(sse.idOf?.(Uint8Array.of(8, 7)), "7");
    assert.deepEqual([...(sse.resumeAfter?.(Uint8Array.of(8, 3), "1") ?? [])], [8, 3, 16, 1]);
  });

  test("and those of other methods are left alone", () => {
    const { settings } = routeOf(compileWith("idField: value"), "GET", "/v1/hang:stream");
    assert.equal(settings.stream.format, "ndjson");
    assert.equal(settings.stream.sse.idOf, undefined);
  });

  const faulty: readonly [sse: string, problems: readonly RegExp[]][] = [
    ["idField: nope", [/idField "nope": .* has no field "nope"/]],
    ["lastEventIdField: padding", [/lastEventIdField "padding": .* has no field "padding"/]],
    ["lastEventIdField: to", [/lastEventIdField "to" is bound by the path/]],
  ];
  for (const [sse, patterns] of faulty) {
    test(`a fault in ${sse} is a problem, and the route serves without it`, () => {
      const compiled = compileWith(sse);
      for (const [index, pattern] of patterns.entries()) {
        assert.match(formatProblem(compiled.problems[index] ?? assert.fail("a problem is missing")), pattern);
      }
      const { settings } = routeOf(compiled, "GET", "/v1/count/3");
      assert.deepEqual([settings.stream.sse.idOf, settings.stream.sse.resumeAfter], [undefined, undefined]);
    });
  }

  test("do not concern unary methods", () => {
    const yaml = upstream("    stream: { sse: { idField: value, lastEventIdField: fail_after } }\n");
    const problems = compile({ yaml }).problems.map(({ what }) => what);
    assert.ok(
      problems.every((what) => !what.includes("MetadataReply")),
      problems.join("\n"),
    );
    assert.equal(routeOf(compile({ yaml }), "GET", "/v1/ping").settings.stream.sse.idOf, undefined);
  });
});

describe("what captures of several segments keep encoded", () => {
  const path = "/v1/files/a%2Fb%3Fc%20d";
  const all = "a%2Fb?c d";
  const reserved = "a%2Fb%3Fc d";
  const rows: readonly [what: string, document: string | undefined, more: string, captured: string][] = [
    ["by default, %2F alone", undefined, "", all],
    ["by option, all reserved characters", undefined, "    reservedExpansion: keep-reserved\n", reserved],
    ["a service config says false", "  fully_decode_reserved_expansion: false", "", reserved],
    ["a service config says true", "  fullyDecodeReservedExpansion: true", "", all],
    [
      "config wins over a service config",
      "  fullyDecodeReservedExpansion: true",
      "    reservedExpansion: keep-reserved\n",
      reserved,
    ],
    [
      "a service config that says nothing changes nothing",
      "  rules: []",
      "    reservedExpansion: keep-reserved\n",
      reserved,
    ],
  ];
  for (const [what, document, more, captured] of rows) {
    test(what, () => {
      const { snapshot } = compile({
        yaml: upstream(more),
        ...(document === undefined ? {} : { serviceConfigs: { echo: serviceConfig(document) } }),
      });
      const match = matcherOf(snapshot).match("GET", path, "strict");
      assert.deepEqual(match.kind === "found" && match.captures, [captured]);
    });
  }
});

describe("a fault drops its own rule, says where, what and what to do, and the rest serves", () => {
  const good = `{ selector: ${S}.Ping, get: /good }`;
  const rows: readonly [rule: string, problem: RegExp][] = [
    [
      `{ selector: ${S}.Unannotated, get: "/x/{nope}" }`,
      /^sluice\.yaml:8:\d+: .*Unannotated: GET \/x\/\{nope\}: variable nope: .*AllTypes has no field nope \(.+\)$/,
    ],
    [
      `{ selector: ${S}.Unannotated, get: "/x/{nested}" }`,
      /^sluice\.yaml:8:\d+: .*variable nested.*message.* \(.+\)$/,
    ],
    [
      `{ selector: ${S}.Unannotated, get: "/x/{repeated_string}" }`,
      /^sluice\.yaml:8:\d+: .*variable repeated_string.* \(.+\)$/,
    ],
    [`{ selector: ${S}.Unannotated, get: "/x/{" }`, /^sluice\.yaml:8:\d+: .*at offset \d+ \(.+\)$/],
    [`{ selector: ${S}.Unannotated, get: "/x:" }`, /^sluice\.yaml:8:\d+: .*at offset \d+ \(.+\)$/],
    [`{ selector: ${S}.Unannotated, get: "/**/{string_value=**}" }`, /^sluice\.yaml:8:\d+: .* \(.+\)$/],
    [
      `{ selector: ${S}.Unannotated, post: /x, body: nope }`,
      /^sluice\.yaml:8:\d+: \S+\.Unannotated: POST \/x: body "nope".*AllTypes has no field "nope" \(.+\)$/,
    ],
    [
      `{ selector: ${S}.Unannotated, get: /x, responseBody: nope }`,
      /^sluice\.yaml:8:\d+: \S+\.Unannotated: GET \/x: response_body "nope".*AllTypes has no field "nope" \(.+\)$/,
    ],
    [`{ selector: ${S}.Nope, get: /x }`, /^sluice\.yaml:8:\d+: selector .*Nope selects no method .* \(.+\)$/],
    [`{ selector: ${S}.ping, get: /x }`, /^sluice\.yaml:8:\d+: selector .* \(.*case: .*\.Ping\)$/],
  ];
  for (const [rule, expected] of rows) {
    test(rule, () => {
      const compiled = compile({ yaml: rules(rule, good) });
      const lines = compiled.problems.map(formatProblem);
      assert.equal(lines.length, 1, lines.join("\n"));
      assert.match(lines[0] ?? "", expected);
      assert.equal(routeOf(compiled, "GET", "/good").source, "config");
      assert.equal(
        routeOf(compiled, "GET", "/v1/echo").source,
        "annotation",
        "other methods keep their rules",
      );
    });
  }

  test("a bad additional binding leaves the others of its rule", () => {
    const rule = `{ selector: ${S}.Ping, get: /a, additionalBindings: [{ get: "/{" }, { get: /c }] }`;
    const compiled = compile({ yaml: rules(rule) });
    assert.equal(compiled.problems.length, 1);
    assert.equal(routeOf(compiled, "GET", "/a").template, "/a");
    assert.equal(routeOf(compiled, "GET", "/c").template, "/c");
  });
});

describe("two rules of one shape", () => {
  test("are a problem that names both with their places; the first serves", () => {
    const yaml = rules(
      `{ selector: ${S}.Exact, get: "/same/{string_value}" }`,
      `{ selector: ${S}.Unannotated, get: "/same/{renamed=*}" }`,
    );
    const compiled = compile({ yaml });
    const [problem] = compiled.problems;
    assert.equal(compiled.problems.length, 1);
    assert.ok(problem);
    assert.equal(routeOf(compiled, "GET", "/same/x").method.fullName, `${S}.Exact`);
    assert.equal(problem.severity, "error");
    assert.match(problem.where, /^sluice\.yaml:9:/);
    assert.match(problem.what, /GET \/same\/\{renamed=\*\} of .*Unannotated/);
    assert.match(problem.what, /GET \/same\/\{string_value\} of .*Exact \(sluice\.yaml:8:\d+\)/);
    assert.match(problem.hint, /the first one serves/);
    assert.equal(compiled.snapshot.routes.filter(({ template }) => template.startsWith("/same")).length, 1);
  });

  test("of two upstreams, the one declared first serves", () => {
    const yaml = `upstreams:\n  second:\n    ${UPSTREAM}\n  first:\n    ${UPSTREAM}\n`;
    const compiled = compile({ yaml, schemas: { first: LIBRARY, second: LIBRARY } });
    assert.equal(routeOf(compiled, "GET", "/v1/shelves").upstream, "second");
    assert.equal(compiled.problems.length, compiled.snapshot.routes.length);
    assert.match(
      compiled.problems[0]?.what ?? "",
      /ListShelves at upstream first has the shape of .*ListShelves at upstream second \(/,
    );
  });

  test("of other methods do not conflict", () => {
    const yaml = rules(`{ selector: ${S}.Ping, get: /same }`, `{ selector: ${S}.Unannotated, post: /same }`);
    assert.deepEqual(compile({ yaml }).problems, []);
  });
});
