import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { routeRows } from "../../../src/control/index.ts";
import { tableOf } from "../../../src/gateway/index.ts";
import { formatProblem } from "../../../src/status/index.ts";
import { type CompileInput, compile, ECHO, LIBRARY, routeOf } from "./compile.ts";

const SOURCE = "address: localhost:1, schema: { reflection: true }";

/** The annotation of this method has a binding of the shape of one of the library's. */
const ECHO_RULE = "http: { rules: [{ selector: sluice.test.v1.EchoService.Echo, get: /v1/echo }] }";

/** Two listeners, the first as given, and the upstreams `echo` and `library`. */
function twoListeners(first: string, more = "", beside = ""): CompileInput {
  return {
    yaml: `listeners:
  - { address: 127.0.0.1:1, name: public${first} }
  - { address: 127.0.0.1:2 }
upstreams:
  echo: { ${SOURCE}, ${ECHO_RULE}${more} }
  library: { ${SOURCE} }
${beside}`,
    schemas: { echo: ECHO, library: LIBRARY },
  };
}

describe("a listener serves the routes", () => {
  test("all of them without routes", () => {
    const { snapshot, problems } = compile(twoListeners(""));
    assert.deepEqual(problems.map(formatProblem), []);
    assert.deepEqual(tableOf(snapshot, 0).routes, snapshot.routes);
    assert.ok(snapshot.routes.length > 0);
  });

  test("that include means, and no others", () => {
    const { snapshot, problems } = compile(
      twoListeners(", routes: { include: [{ upstream: library, methods: GET }, { path: /v1/ping }] }"),
    );
    assert.deepEqual(problems.map(formatProblem), []);
    for (const { upstream, httpMethod, template } of tableOf(snapshot, 0).routes) {
      assert.ok((upstream === "library" && httpMethod === "GET") || template === "/v1/ping", template);
    }
    const { matcher } = tableOf(snapshot, 0);
    assert.equal(matcher.match("GET", "/v1/ping").kind, "found");
    assert.equal(matcher.match("GET", "/v1/shelves").kind, "found");
    assert.equal(matcher.match("GET", "/v1/echo").kind, "not-found");
    const book = "/v1/shelves/1/books/2";
    assert.deepEqual(matcher.allowedMethods(book), ["GET", "HEAD"], "others are not served here");
    assert.ok(tableOf(snapshot, 1).matcher.allowedMethods(book).includes("DELETE"));
  });

  test("but for those that exclude means, which wins", () => {
    const { snapshot, problems } = compile(
      twoListeners(", routes: { include: [{ path: /v1/** }], exclude: [{ upstream: echo }] }"),
    );
    assert.deepEqual(problems.map(formatProblem), []);
    assert.ok(tableOf(snapshot, 0).routes.length > 0);
    for (const { upstream } of tableOf(snapshot, 0).routes) assert.equal(upstream, "library");
    assert.equal(tableOf(snapshot, 1).routes.length, snapshot.routes.length);
  });
});

test("listeners with equal route sets share one matcher", () => {
  const set = "routes: { exclude: [{ path: /v1/ping }] }";
  const yaml = `listeners:
  - { address: 127.0.0.1:1, ${set} }
  - { address: 127.0.0.1:2, ${set}, cors: { enabled: true, origins: ["*"] } }
  - { address: 127.0.0.1:3 }
upstreams: { echo: { ${SOURCE} } }
`;
  const { snapshot, problems } = compile({ yaml });
  assert.deepEqual(problems.map(formatProblem), []);
  assert.equal(tableOf(snapshot, 0).matcher, tableOf(snapshot, 1).matcher);
  assert.notEqual(tableOf(snapshot, 0).matcher, tableOf(snapshot, 2).matcher);
  assert.equal(tableOf(snapshot, 0).policies[0]?.cors, undefined);
  assert.equal(tableOf(snapshot, 1).policies[0]?.cors?.name, "cors");
});

test("rows name the listeners of a route, by name or address", () => {
  const { snapshot } = compile(twoListeners(", routes: { include: [{ upstream: library }] }"));
  const rows = routeRows(snapshot);
  assert.deepEqual(rows.find(({ upstream }) => upstream === "echo")?.listeners, ["127.0.0.1:2"]);
  assert.deepEqual(rows.find(({ upstream }) => upstream === "library")?.listeners, ["public", "127.0.0.1:2"]);
});

test("two upstreams may have one path on different listeners", () => {
  const yaml = `listeners:
  - { address: 127.0.0.1:1, routes: { include: [{ upstream: one }] } }
  - { address: 127.0.0.1:2, routes: { include: [{ upstream: two }] } }
upstreams:
  one: { ${SOURCE} }
  two: { ${SOURCE} }
`;
  const { snapshot, problems } = compile({ yaml });
  assert.deepEqual(problems.map(formatProblem), []);
  for (const [index, upstream] of ["one", "two"].entries()) {
    const match = tableOf(snapshot, index).matcher.match("GET", "/v1/ping");
    assert.equal(match.kind === "found" && match.value.upstream, upstream);
  }
});

test("where one listener serves both, the first of them serves, and the conflict is told once", () => {
  const yaml = `listeners:
  - { address: 127.0.0.1:1 }
  - { address: 127.0.0.1:2, routes: { include: [{ upstream: two, path: /v1/ping, methods: GET }] } }
upstreams:
  one: { ${SOURCE} }
  two: { ${SOURCE}, routes: [{ path: /v1/ping, deadline: 1s }] }
`;
  const { snapshot, problems } = compile({ yaml });
  const told = problems.map(formatProblem).filter((problem) => problem.includes("GET /v1/ping of"));
  assert.equal(told.length, 1, told.join("\n"));
  assert.deepEqual(
    snapshot.routes.filter(({ template, httpMethod }) => template === "/v1/ping" && httpMethod === "GET")
      .length,
    2,
    "the second serves where the first does not",
  );
});

describe("problems of route sets", () => {
  const rows: readonly (readonly [what: string, input: CompileInput, problems: readonly string[]])[] = [
    [
      "a listener that is left without a route",
      twoListeners(", routes: { include: [{ path: /v1/ping }], exclude: [{ selector: '*' }] }"),
      [
        "sluice.yaml:2:43: listener public serves no route (sluice routes lists them all; change include and exclude, or remove the listener)",
      ],
    ],
    [
      "conditions that mean no route",
      twoListeners(", routes: { exclude: [{ path: /v1/pnig }, { path: /v1/ping, methods: PUT }] }"),
      [
        "sluice.yaml:2:63: excludes no route: there is none of path /v1/pnig (sluice routes lists them all; a pattern is compared with templates)",
        "sluice.yaml:2:83: excludes no route: there is none of path /v1/ping and methods PUT (sluice routes lists them all; a pattern is compared with templates)",
      ],
    ],
    [
      "an override that means no route, of an upstream or of all",
      twoListeners(
        "",
        ", routes: [{ path: /v9/**, deadline: 1s }]",
        "routes: [{ selector: a.B.C, deadline: 1s }]\n",
      ),
      [
        "sluice.yaml:5:153: these options hold for no route: there is none of path /v9/** (sluice routes lists them all; a pattern is compared with templates)",
        "sluice.yaml:7:10: these options hold for no route: there is none of selector a.B.C (sluice routes lists them all; a pattern is compared with templates)",
      ],
    ],
    [
      "CORS that a route and a listener make unsound together",
      twoListeners(
        ", cors: { enabled: true, origins: [https://a.test], credentials: true }",
        ", routes: [{ path: /v1/ping, cors: { origins: ['*'] } }]",
      ),
      [
        'sluice.yaml:2:43: CORS of listener public with what routes change of it, {"origins":["*"]}: the origin * cannot be combined with credentials (write the keys that belong together in one place; until then these routes have no CORS here)',
      ],
    ],
  ];
  for (const [what, input, expected] of rows) {
    test(what, () => assert.deepEqual(compile(input).problems.map(formatProblem), expected));
  }

  test("none is told of routes that may still come", () => {
    const input = twoListeners(
      ", routes: { include: [{ upstream: library }] }",
      "",
      "routes: [{ path: /v9, etag: weak }]\n",
    );
    const { problems } = compile({ ...input, schemas: { echo: ECHO }, pending: ["library"] });
    assert.deepEqual(problems.map(formatProblem), []);
  });
});

describe("a listener waits for the schema of an upstream", () => {
  for (const [routes, waits] of [
    ["", true],
    [", routes: { exclude: [{ upstream: library }] }", false],
    [", routes: { exclude: [{ upstream: library, path: /v1/** }] }", true],
    [", routes: { include: [{ upstream: echo }] }", false],
    [", routes: { include: [{ upstream: echo }, { path: /v1/** }] }", true],
  ] as const) {
    test(`${waits ? "" : "never "}with ${routes || "all routes"}`, () => {
      const { snapshot } = compile({
        ...twoListeners(routes),
        schemas: { echo: ECHO },
        pending: ["library"],
      });
      assert.deepEqual(tableOf(snapshot, 0).pendingUpstreams, waits ? ["library"] : []);
    });
  }
});

describe("the options of a route come from", () => {
  test("the file's overrides after the upstream's own options, and before the upstream's overrides", () => {
    const compiled = compile({
      yaml: `defaults: { deadline: 1s, etag: weak, idleTimeout: 1s, uploadChunkBytes: 1KiB }
upstreams:
  echo:
    ${SOURCE.replace(", ", "\n    ")}
    deadline: 2s
    idleTimeout: 2s
    uploadChunkBytes: 2KiB
    routes:
      - { selector: "*", deadline: 4s }
routes:
  - { path: /v1/**, deadline: 3s, idleTimeout: 3s }
  - { path: /v1/echo, idleTimeout: 5s }
`,
    });
    const { settings } = routeOf(compiled, "GET", "/v1/ping");
    assert.deepEqual(
      [settings.deadlineMs, settings.idleTimeoutMs, settings.uploadChunkBytes, settings.etag],
      [4000, 3000, 2048, "weak"],
    );
    assert.equal(routeOf(compiled, "GET", "/v1/echo").settings.idleTimeoutMs, 5000);
  });

  test("an override by path and method for one binding of a method alone", () => {
    const compiled = compile({
      yaml: `upstreams: { echo: { ${SOURCE}, routes: [{ path: /v1/ping, methods: [DELETE], deadline: 7s }] } }`,
    });
    assert.equal(routeOf(compiled, "DELETE", "/v1/ping").settings.deadlineMs, 7000);
    assert.equal(routeOf(compiled, "GET", "/v1/ping").settings.deadlineMs, 30_000);
  });

  test("cache for GET alone, and headers for every method", () => {
    const compiled = compile({
      yaml: `defaults:
  cache: { control: "public, max-age=60", errors: no-store, vary: [accept-language, x-a] }
  responseHeaders: { set: { X-Frame-Options: DENY, x-gone: "1" } }
upstreams: { echo: { ${SOURCE}, responseHeaders: { set: { x-gone: "" } } } }`,
    });
    const get = routeOf(compiled, "GET", "/v1/ping").settings;
    assert.equal(get.cacheControl, "public, max-age=60");
    assert.equal(get.errors.cacheControl, "no-store");
    assert.deepEqual(get.fixedHeaders, ["x-frame-options", "DENY", "vary", "accept-language, x-a"]);
    const post = routeOf(compiled, "POST", "/v1/ping").settings;
    assert.deepEqual([post.cacheControl, post.errors.cacheControl], [undefined, undefined]);
    assert.deepEqual(post.fixedHeaders, ["x-frame-options", "DENY"]);
    assert.deepEqual(compiled.snapshot.headers, ["x-frame-options", "DENY", "x-gone", "1"]);
  });
});
