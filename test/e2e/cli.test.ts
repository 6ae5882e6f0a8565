/**
 * The command line of the built program: help, usage errors, `routes`, `explain`, and how `serve` refuses to start.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { after, before, describe, test } from "node:test";
import type { RouteRow } from "../../src/control/index.ts";
import { ECHO_DESCRIPTORS } from "../support/echo-server.ts";
import { type Run, runSluice, temporaryFiles } from "../support/gateway-process.ts";

const ECHO = ["--upstream", "localhost:1", "--descriptors", ECHO_DESCRIPTORS];
const LIBRARY = ["--upstream", "localhost:1", "--descriptors", "descriptors/library.binpb"];

type Files = Awaited<ReturnType<typeof temporaryFiles>>;

describe("help and usage", { concurrency: 2 }, () => {
  const rows: readonly [
    args: readonly string[],
    exitCode: number,
    stream: "stdout" | "stderr",
    text: RegExp,
  ][] = [
    [["--help"], 0, "stdout", /serve[\s\S]*check[\s\S]*routes[\s\S]*explain[\s\S]*demo/],
    [["help", "explain"], 0, "stdout", /--data <body>[\s\S]*--header <field>/],
    [
      ["serve", "--help"],
      0,
      "stdout",
      /--config <file>[\s\S]*--upstream <address>[\s\S]*--descriptors <file>/,
    ],
    [["--version"], 0, "stdout", /^\d+\.\d+\.\d+\n$/],
    [[], 1, "stderr", /^Usage: sluice/],
    [["bogus"], 1, "stderr", /^error: unknown command 'bogus'\n\(sluice --help lists the commands\)\n$/],
    [["serv"], 1, "stderr", /unknown command 'serv'\n\(Did you mean serve\?\)/],
    [["routes", "--bogus"], 1, "stderr", /^error: unknown option '--bogus'\n/],
    [["routes", "--config"], 1, "stderr", /^error: option '-c, --config <file>' argument missing\n/],
    [["routes", "extra"], 1, "stderr", /^error: too many arguments/],
    [
      ["demo", "--schema", "xml"],
      1,
      "stderr",
      /^error: .*'xml' is invalid. Allowed choices are reflection, descriptors/,
    ],
    [
      ["check"],
      1,
      "stderr",
      /^command line: neither --config nor --upstream is given \(give one of them\)\n$/,
    ],
    [["serve"], 1, "stderr", /neither --config nor --upstream is given/],
    [
      ["routes", "-c", "a.yaml", "-u", "a:1"],
      1,
      "stderr",
      /--upstream does not go with --config \(put it into the config file\)\n$/,
    ],
    [["serve", "-c", "a.yaml", "--listen", ":1"], 1, "stderr", /--listen does not go with --config/],
    [
      ["serve", "-c", "no.yaml"],
      1,
      "stderr",
      /^error: no\.yaml: the file does not exist \(check the path\)\n$/,
    ],
    [
      ["serve", ...ECHO, "--listen", "abc"],
      1,
      "stderr",
      /^error: --listen: "abc" is not an address \(.+\)\n$/,
    ],
    [["serve", ...ECHO, "--admin", "x:99999"], 1, "stderr", /^error: --admin: .*port.* \(.+\)\n$/],
    [["serve", "-u", "nonsense"], 1, "stderr", /^error: --upstream: .*"nonsense".* \(.+\)\n$/],
  ];
  for (const [args, exitCode, stream, text] of rows) {
    test(`sluice ${args.join(" ")}`, async () => {
      const run = await runSluice(args);
      assert.match(run[stream], text);
      assert.equal(run.exitCode, exitCode);
      assert.doesNotMatch(run.stderr, /\n\s+at /, "no stack");
    });
  }

  test("the version is the package's", async () => {
    const manifest = readFileSync("package.json", "utf8");
    const { stdout } = await runSluice(["--version"]);
    assert.ok(manifest.includes(`"version": "${stdout.trim()}"`), stdout);
  });
});

describe("sluice routes", () => {
  test("prints an aligned table", async () => {
    const run = await runSluice(["routes", ...LIBRARY]);
    const [headings = "", ...rows] = run.stdout.trimEnd().split("\n");
    assert.deepEqual(headings.split(/ {2,}/), ["METHOD", "TEMPLATE", "RPC", "BODY", "KIND", "SOURCE"]);
    const update = rows.find((row) => row.startsWith("PATCH"));
    assert.deepEqual(update?.split(/ {2,}/), [
      "PATCH",
      "/v1/{book.name=shelves/*/books/*}",
      "library.v1.LibraryService.UpdateBook",
      "book",
      "unary",
      "annotation",
    ]);
    assert.equal(run.stderr, "");
    assert.equal(run.exitCode, 0);
  });

  test("prints the same as JSON", async () => {
    const run = await runSluice(["routes", "--json", ...LIBRARY]);
    const { routes } = JSON.parse(run.stdout) as { routes: RouteRow[] };
    const bare = routes.find(({ template }) => template.endsWith(":bare"));
    assert.deepEqual(bare, {
      method: "GET",
      template: "/v1/{parent=shelves/*}/books:bare",
      rpc: "library.v1.LibraryService.ListBooks",
      body: "",
      responseBody: "books",
      kind: "unary",
      source: "annotation",
      upstream: "upstream",
      listeners: ["0.0.0.0:8080"],
    });
    const kinds = new Set(routes.map(({ kind }) => kind));
    assert.deepEqual(kinds, new Set(["unary", "server_streaming", "client_streaming", "bidi_streaming"]));
    assert.equal(run.exitCode, 0);
  });

  test("merges several descriptor sets", async () => {
    const run = await runSluice(["routes", ...LIBRARY, "--descriptors", ECHO_DESCRIPTORS]);
    assert.match(run.stdout, /library\.v1\.LibraryService/);
    assert.match(run.stdout, /sluice\.test\.v1\.EchoService/);
    assert.match(run.stderr, /^error: [^\n]*has the shape of[^\n]*\n$/, "they have one path in common");
  });

  test("fails, with the reason, where there is nothing", async () => {
    const run = await runSluice(["routes", "--upstream", "127.0.0.1:1"]);
    assert.match(run.stderr, /^error: --upstream: upstream upstream: no schema: .+ \(.+\)\n$/);
    assert.equal(run.exitCode, 1);
  });
});

describe("sluice explain", () => {
  let files: Files;
  before(async () => {
    files = await temporaryFiles({ "body.json": '{"stringValue":"from a file"}' });
  });
  after(() => files.remove());

  /** The lines of one section, without their indent. */
  function section(run: Run, title: string): readonly string[] {
    const [, rest = ""] = run.stdout.split(`\n${title}`);
    const [text = ""] = rest.slice(rest.indexOf("\n") + 1).split("\n\n");
    return text
      .trimEnd()
      .split("\n")
      .map((line) => line.slice(2));
  }

  test("tells candidates, captures, message, metadata and call", async () => {
    const run = await runSluice([
      "explain",
      "GET /v1/shelves/1/books?page_size=2&filter=a%26b",
      ...LIBRARY,
      "-H",
      "X-Tenant: acme",
      "-H",
      "Connection: close",
      "-H",
      "x-server-timeout: 2",
    ]);
    assert.equal(run.stderr, "");
    assert.equal(run.exitCode, 0);
    assert.equal(run.stdout.split("\n")[0], "GET /v1/shelves/1/books?page_size=2&filter=a%26b");
    const candidates = section(run, "candidates");
    assert.equal(
      candidates[0],
      "matched  GET /v1/{parent=shelves/*}/books  library.v1.LibraryService.ListBooks",
    );
    assert.ok(candidates.some((line) => /^lost {5}GET \/v1\/\{name=shelves\/\*\} /.test(line)));
    assert.equal(candidates.length % 2, 0);
    for (const [i, line] of candidates.entries()) {
      if (i % 2 === 1) assert.match(line, /^ {9}\S/, "each says why");
    }
    assert.deepEqual(section(run, "captures"), ['parent = "shelves/1"']);
    assert.deepEqual(JSON.parse(section(run, "message").join("")), {
      parent: "shelves/1",
      page_size: 2,
      filter: "a&b",
    });
    const metadata = section(run, "metadata");
    assert.ok(metadata.includes("x-tenant: acme"));
    assert.ok(!metadata.some((line) => line.startsWith("connection")), "hop-by-hop fields do not cross");
    assert.deepEqual(section(run, "call"), [
      "/library.v1.LibraryService/ListBooks (unary) of upstream upstream",
      "within 2000 ms",
    ]);
  });

  const bodies: readonly [what: string, request: string, args: readonly string[], message: object][] = [
    ["a body", "POST /v1/echo", ["--data", '{"stringValue":"a"}'], { string_value: "a" }],
    [
      "exact 64-bit integers",
      "GET /v1/echo?int64_value=9007199254740993",
      [],
      { int64_value: "9007199254740993" },
    ],
    [
      "a form",
      "POST /v1/echo",
      ["-d", "int32_value=7", "-H", "content-type: application/x-www-form-urlencoded"],
      { int32_value: 7 },
    ],
    [
      "a form in parts",
      "POST /v1/echo",
      [
        "-d",
        '--b\r\nContent-Disposition: form-data; name="int32_value"\r\n\r\n7\r\n--b--',
        "-H",
        "content-type: multipart/form-data; boundary=b",
      ],
      { int32_value: 7 },
    ],
    [
      "a field mask",
      "PATCH /v1/items/1",
      ["-d", '{"stringValue":"a"}'],
      { id: "1", item: { string_value: "a" }, update_mask: "stringValue" },
    ],
    ["HEAD as GET", "HEAD /v1/echo?bool_value=true", [], { bool_value: true }],
    ["a method in lower case", "get /v1/echo?bool_value=true", [], { bool_value: true }],
  ];
  describe("shows the message of", { concurrency: 2 }, () => {
    for (const [what, request, args, message] of bodies) {
      test(what, async () => {
        const run = await runSluice(["explain", request, ...ECHO, ...args]);
        assert.equal(run.exitCode, 0, run.stdout + run.stderr);
        assert.deepEqual(JSON.parse(section(run, "message").join("")), message);
      });
    }

    for (const [request, args, form] of [
      ["GET /v1/ping", [], "application/json"],
      ["GET /v1/blob", [], "raw bytes"],
      ["GET /v1/blob:stream", [], "raw bytes, streamed"],
      ["GET /v1/count/1", [], "application/x-ndjson, streamed (Accept chooses)"],
      [
        "GET /v1/count/1",
        ["-H", "Accept: text/event-stream"],
        "text/event-stream, streamed (Accept chooses)",
      ],
    ] as const) {
      test(`the form of the reply to ${[request, ...args].join(" ")}`, async () => {
        const run = await runSluice(["explain", request, ...ECHO, ...args]);
        assert.deepEqual(section(run, "reply"), [form]);
      });
    }

    test("every part of a stream", async () => {
      const data = '{"stringValue":"a"}{"stringValue":"b"}';
      const run = await runSluice(["explain", "-d", data, ...ECHO, "POST /v1/collect"]);
      assert.equal(run.exitCode, 0, run.stdout + run.stderr);
      const found = run.stdout.match(/string_value": "."/g);
      assert.deepEqual(found, ['string_value": "a"', 'string_value": "b"']);
      assert.match(section(run, "call")[0] ?? "", /client_streaming/);
    });

    test("a body from a file, with options before the request", async () => {
      const data = `@${files.path("body.json")}`;
      const run = await runSluice(["explain", "-d", data, ...ECHO, "POST /v1/echo"]);
      assert.deepEqual(JSON.parse(section(run, "message").join("")), { string_value: "from a file" });
    });
  });

  const refused: readonly [request: string, args: readonly string[], why: readonly RegExp[]][] = [
    ["GET /nope", [], [/^404: no route has this path$/]],
    ["PUT /v1/ping", [], [/^405: Allow: .*GET.*OPTIONS$/]],
    ["GET /v1/echo?nope=1", [], [/^400 INVALID_ARGUMENT PARAM_UNKNOWN: nope: /]],
    ["GET /v1/numbers/x/1/1/1", [], [/^400 INVALID_ARGUMENT PARAM_INVALID: int32_value: "x" /]],
    ["GET /v1/echo/%zz", [], [/^40[045]/]],
    [
      "POST /v1/echo",
      ["-d", '{"stringValue": 5}'],
      [/^400 INVALID_ARGUMENT JSON_INVALID: \/stringValue: .*5.*line 1, column 17/],
    ],
    ["GET /v1/echo", ["-d", "{}"], [/^400 INVALID_ARGUMENT BODY_NOT_ALLOWED: /]],
    ["POST /v1/collect", ["-d", "{}{]"], [/^400 INVALID_ARGUMENT JSON_INVALID: message 2: /]],
    [
      "POST /v1/echo",
      ["-d", "--b", "-H", "content-type: multipart/form-data; boundary=b"],
      [/^400 INVALID_ARGUMENT FORM_INVALID: the body ends /],
    ],
    ["GET /v1/ping", ["-H", "grpc-timeout: soon"], [/^400 INVALID_ARGUMENT HEADER_INVALID: /]],
  ];
  test("a schema that is missing is no word on the route: the gateway would answer 503", async () => {
    const run = await runSluice(["explain", "GET /v1/shelves", "--upstream", "127.0.0.1:1"]);
    assert.deepEqual(section(run, "refused"), [
      "503: no route has this path yet: the schema of upstream upstream is missing",
    ]);
    assert.equal(run.exitCode, 1);
  });

  describe("tells why a request is refused", { concurrency: 2 }, () => {
    for (const [request, args, why] of refused) {
      test([request, ...args].join(" "), async () => {
        const run = await runSluice(["explain", request, ...ECHO, ...args]);
        const lines = section(run, "refused");
        assert.equal(lines.length, why.length, run.stdout);
        for (const [i, pattern] of why.entries()) assert.match(lines[i] ?? "", pattern);
        assert.equal(run.exitCode, 1);
      });
    }

    test("and that OPTIONS is answered by the gateway", async () => {
      const run = await runSluice(["explain", "OPTIONS /v1/ping", ...ECHO]);
      assert.deepEqual(section(run, "answered by the gateway"), [
        "204: Allow: DELETE, GET, HEAD, POST, OPTIONS",
      ]);
      assert.equal(run.exitCode, 0);
    });
  });

  const usage: readonly [args: readonly string[], told: RegExp][] = [
    [["GET"], /^sluice: "GET" is not a request \(write 'GET .+'\)\n$/],
    [["GET v1/ping"], /is not a request/],
    [["GET /v1/ping HTTP/1.1"], /is not a request/],
    [["GET /v1/ping", "-H", "no colon"], /^sluice: "no colon" is not a header \(write 'name: value'\)\n$/],
    [["GET /v1/ping", "-d", "@no-such-file"], /^sluice: cannot read no-such-file: ENOENT \(.+\)\n$/],
    [[], /^error: missing required argument 'request'/],
  ];
  describe("refuses bad usage in one line", { concurrency: 2 }, () => {
    for (const [args, told] of usage) {
      test(args.join(" ") || "nothing", async () => {
        const run = await runSluice(["explain", ...args, ...ECHO]);
        assert.match(run.stderr, told);
        assert.equal(run.exitCode, 1);
      });
    }
  });
});

describe("sluice serve does not start", () => {
  for (const engine of ["uws", "node"]) {
    for (const which of ["listener", "admin"]) {
      test(`where the port of the ${which} is taken, engine ${engine}`, async () => {
        const holder = createServer();
        await new Promise<void>((resolve) => {
          holder.listen(0, "127.0.0.1", resolve);
        });
        const taken = holder.address();
        assert.ok(typeof taken === "object" && taken !== null);
        const address = `127.0.0.1:${taken.port}`;
        const files = await temporaryFiles({
          "x.yaml": JSON.stringify({
            listeners: [{ address: which === "listener" ? address : "127.0.0.1:0", engine }],
            admin: { address: which === "admin" ? address : "127.0.0.1:0" },
            upstreams: { echo: { address: "localhost:1", schema: { reflection: true } } },
          }),
        });
        try {
          const run = await runSluice(["serve", "-c", files.path("x.yaml")]);
          assert.match(
            run.stderr,
            new RegExp(
              `^sluice: cannot listen on ${address}: another process listens there \\(EADDRINUSE\\)\\n$`,
            ),
          );
          assert.equal(run.exitCode, 1);
        } finally {
          await files.remove();
          holder.close();
        }
      });
    }
  }

  const strict: readonly [what: string, upstream: object, told: RegExp][] = [
    [
      "a rule",
      {
        schema: { descriptors: ["echo.binpb"] },
        http: { rules: [{ selector: "sluice.test.v1.EchoService.Echo", get: "/{" }] },
      },
      /^x\.yaml:1:\d+: .*Echo: GET \/\{: .+ \(.+\)\n$/,
    ],
    [
      "a descriptor file",
      { schema: { descriptors: ["none.binpb"] } },
      /^x\.yaml:1:\d+: none\.binpb: the file does not exist \(.+\)\n$/,
    ],
    [
      "the form of a rule",
      { schema: { descriptors: ["echo.binpb"] }, http: { rules: [{ selector: "a.B.C", gett: "/" }] } },
      /^error: x\.yaml:1:\d+: .*no HTTP method.*\nerror: x\.yaml:1:\d+: .*gett.*\n$/,
    ],
  ];
  for (const [what, upstream, told] of strict) {
    test(`under strict with a problem of ${what}, which it tells`, async () => {
      const files = await temporaryFiles({
        "echo.binpb": readFileSync(ECHO_DESCRIPTORS),
        "x.yaml": JSON.stringify({
          listeners: [{ address: "127.0.0.1:0" }],
          admin: { address: "127.0.0.1:0" },
          strict: true,
          upstreams: { echo: { address: "localhost:1", ...upstream } },
        }),
      });
      try {
        const run = await runSluice(["serve", "-c", "x.yaml"], { cwd: files.folder });
        assert.match(run.stderr, told);
        assert.equal(run.exitCode, 1);
      } finally {
        await files.remove();
      }
    });
  }
});
