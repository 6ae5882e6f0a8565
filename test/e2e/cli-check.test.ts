/**
 * `sluice check`: every problem with its place, what is wrong, and a hint; and `sluice serve` with the same faults, which
 * serves whatever is sound.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { ECHO_DESCRIPTORS, type EchoServer, startEchoServer } from "../support/echo-server.ts";
import { type GatewayProcess, runSluice, startGateway, temporaryFiles } from "../support/gateway-process.ts";

type Files = Awaited<ReturnType<typeof temporaryFiles>>;

const S = "sluice.test.v1.EchoService";
const HEAD = "listeners: [{ address: 127.0.0.1:0 }]\nadmin: { address: 127.0.0.1:0 }\nupstreams:\n";
const HERE = "address: localhost:1, schema: { descriptors: [echo.binpb] }";

/** What stands on a line of a config, and what is told of it: `place: text (hint)`. */
type Faulty = readonly [what: string, line: string, told: RegExp];

/** A config with one upstream a line. */
function upstreams(lines: readonly string[]): string {
  return `${HEAD}${lines.map((line, i) => `  u${i}: { ${line} }\n`).join("")}`;
}

/** A config with one rule a line. */
function rules(lines: readonly string[]): string {
  const top = `${HEAD}  echo:\n    address: localhost:1\n    schema: { descriptors: [echo.binpb] }\n    http:\n      rules:\n`;
  return `${top}${lines.map((line) => `        - ${line}\n`).join("")}`;
}

/** Faults for which a config is refused, each in an upstream of its own. */
const CONFIG: readonly Faulty[] = [
  ["an unknown key", `${HERE}, deadlin: 5s`, /\.deadlin: is not a key here \(did you mean deadline\?\)$/],
  ["a bad duration", `${HERE}, deadline: 5 parsecs`, /"5 parsecs" is not a duration \(.+\)$/],
  ["a duration without a unit", `${HERE}, deadline: 5`, /\.deadline: .+ \(.+\)$/],
  ["a bad size", `${HERE}, maxReceiveMessageBytes: 4 megs`, /"4 megs" is not a size \(.+\)$/],
  ["no address", "schema: { reflection: true }", /address.* \(.+\)$/],
  ["an address without a port", "address: localhost, schema: { reflection: true }", /"localhost" .+ \(.+\)$/],
  ["no schema source", "address: localhost:1, schema: {}", /names no source \(.+\)$/],
  [
    "a missing variable",
    `${HERE}, tls: { serverName: "\${SLUICE_NO_SUCH}" }`,
    /SLUICE_NO_SUCH is not set \(.+\)$/,
  ],
  ["a boolean that is none", `${HERE}, autoMapping: 7`, /autoMapping: .+ \(.+\)$/],
];

/** Files that cannot be used; `check` goes on to the others. */
const DESCRIPTORS: readonly Faulty[] = (
  [
    [
      "a descriptor file that is missing",
      "missing",
      /: missing: the file does not exist \(looked for at \/.*\/missing\)$/,
    ],
    [
      "proto source",
      "source.proto",
      /: source\.proto: the file holds \.proto source.* \(compile it with protoc .+\)$/,
    ],
    ["JSON", "set.json", /: set\.json: the file holds JSON.* \(.+\)$/],
    ["noise", "noise", /: noise: the file is not a binary FileDescriptorSet \(.+\)$/],
    ["an empty file", "empty", /: empty: the file is empty \(.+\)$/],
    ["a set that is cut short", "cut", /: cut: the file is not a binary FileDescriptorSet \(.+\)$/],
  ] satisfies readonly Faulty[]
).map(
  ([what, file, told]): Faulty => [what, `address: localhost:1, schema: { descriptors: [${file}] }`, told],
);

const OTHER_FILES: readonly Faulty[] = [
  [
    "a missing CA file",
    `${HERE}, tls: { ca: no.pem }`,
    /: upstream u\d+: no\.pem cannot be read: ENOENT \(.+\)$/,
  ],
  [
    "a CA file without a certificate",
    `${HERE}, tls: { ca: noise }`,
    /: upstream u\d+: noise holds no PEM certificate, .+ \(.+\)$/,
  ],
  [
    "a missing service config",
    `${HERE}, http: { serviceConfig: no.yaml }`,
    /: no\.yaml: the file does not exist \(.+\)$/,
  ],
  [
    "an upstream that is away",
    "address: 127.0.0.1:1, schema: { reflection: true }",
    /: upstream u\d+: no schema: .*127\.0\.0\.1:1.* \(see that a gRPC server listens there.*descriptor.*\)$/,
  ],
];

/** Rules that drop themselves alone. */
const RULES: readonly Faulty[] = [
  [
    "no method, and a key misspelt",
    `{ selector: ${S}.Ping, gett: /x }`,
    /gett: is not a key here \(did you mean get\?\)$/,
  ],
  [
    "an unknown path field",
    `{ selector: ${S}.Echo, get: "/a/{nope}" }`,
    /Echo: GET \/a\/\{nope\}: .*no field nope \(.+\)$/,
  ],
  ["an unknown body field", `{ selector: ${S}.EchoField, post: /b, body: nope }`, /body "nope": .* \(.+\)$/],
  [
    "a template that does not parse",
    `{ selector: ${S}.EchoPart, get: "/x/{a" }`,
    /GET \/x\/\{a: .+, at offset 5 \(.+\)$/,
  ],
  ["a template without a slash", `{ selector: ${S}.Report, get: "x" }`, /"x" is not a path template \(.+\)$/],
  ["a rule", `{ selector: ${S}.Unannotated, get: "/x/{string_value}" }`, /^$/],
  [
    "another of its shape",
    `{ selector: ${S}.UnannotatedStream, get: "/x/{to}" }`,
    /GET \/x\/\{to\} of .*UnannotatedStream has the shape of GET \/x\/\{string_value\} of .*Unannotated \(x\.yaml:14:11\) \(.+\)$/,
  ],
  [
    "the shape of an annotation",
    `{ selector: ${S}.GetDocument, get: /v1/ping }`,
    /of .*GetDocument has the shape of GET \/v1\/ping of .*Ping \(.+\) \(.+\)$/,
  ],
  [
    "a selector of nothing",
    `{ selector: ${S}.Nope, get: /y }`,
    /selector .*Nope selects no method of the schema \(.+\)$/,
  ],
  ["a selector that is none", '{ selector: "a/b", get: /x }', /"a\/b" is not a selector \(.+\)$/],
  [
    "a rule that a later one hides",
    `{ selector: ${S}.Hang, get: /z1 }`,
    /the rule for .*Hang has no effect.* \(.+\)$/,
  ],
  ["the later one", `{ selector: ${S}.Hang, get: /z2 }`, /^$/],
];

const DOCUMENTS = [
  { title: "what refuses a config", rows: CONFIG, firstLine: 4, text: upstreams },
  { title: "files", rows: [...DESCRIPTORS, ...OTHER_FILES], firstLine: 4, text: upstreams },
  { title: "rules", rows: RULES, firstLine: 9, text: rules },
] as const;

/** Whole documents that are no config at all. */
const BROKEN: readonly [what: string, text: string, told: RegExp][] = [
  ["broken YAML", `${HEAD}  echo: [\n`, /^x\.yaml:\d+:\d+: .+ \(.+\)\n/],
  ["an empty file", "", /^x\.yaml:1:1: the file is empty \(.+\)\n$/],
  ["no upstreams", "listeners: [{ address: :80 }]\n", /^x\.yaml:\d+:\d+: upstreams: .+ \(.+\)\n$/],
];

let files: Files;
before(async () => {
  const echo = readFileSync(ECHO_DESCRIPTORS);
  files = await temporaryFiles({
    "echo.binpb": echo,
    cut: echo.subarray(0, 1000),
    empty: "",
    "source.proto": 'syntax = "proto3";\n',
    "set.json": '{"file":[]}',
    noise: Uint8Array.from({ length: 512 }, (_, i) => (i * 7919) % 251),
    "good.yaml": upstreams([`${HERE}, http: { rules: [{ selector: ${S}.Unannotated, get: /x }] }`]),
    "other.yaml": "kind: Deployment\n",
    "document.yaml": upstreams([`${HERE}, http: { serviceConfig: other.yaml }`]),
  });
});
after(() => files.remove());

/** What `check` says of `text`, as file x.yaml. */
async function check(text: string): Promise<{ readonly exitCode: number | null; readonly stderr: string }> {
  await writeFile(files.path("x.yaml"), text);
  const { exitCode, stdout, stderr } = await runSluice(["check", "-c", "x.yaml"], { cwd: files.folder });
  assert.equal(stdout, "");
  return { exitCode, stderr };
}

for (const { title, rows, firstLine, text } of DOCUMENTS) {
  describe(`sluice check: ${title}`, () => {
    let lines: readonly string[] = [];
    before(async () => {
      const run = await check(text(rows.map(([, line]) => line)));
      assert.equal(run.exitCode, 1);
      lines = run.stderr.trimEnd().split("\n");
    });
    for (const [i, [what, , told]] of rows.entries()) {
      test(what, () => {
        const place = `x.yaml:${firstLine + i}:`;
        const about = lines.filter((line) => line.startsWith(place));
        if (told.source === "^$") assert.deepEqual(about, []);
        else assert.match(about.at(-1) ?? lines.join("\n"), told);
        for (const line of about) assert.match(line, /^x\.yaml:\d+:\d+: .+ \(.+\)$/);
      });
    }

    test("nothing else is told", () => {
      for (const line of lines) {
        const [, number] = /^x\.yaml:(\d+):\d+: /.exec(line) ?? [];
        assert.ok(Number(number) >= firstLine && Number(number) < firstLine + rows.length, line);
      }
    });
  });
}

describe("sluice check", () => {
  test("says ok and how many routes there are", async () => {
    const run = await runSluice(["check", "--config", "good.yaml"], { cwd: files.folder });
    assert.equal(run.stderr, "");
    assert.match(run.stdout, /^ok: \d{2,} routes\n$/);
    assert.equal(run.exitCode, 0);
  });

  for (const [what, text, told] of BROKEN) {
    test(`refuses ${what}`, async () => {
      const run = await check(text);
      assert.match(run.stderr, told);
      assert.equal(run.exitCode, 1);
    });
  }

  test("places the faults of a service config in that file", async () => {
    const run = await runSluice(["check", "-c", "document.yaml"], { cwd: files.folder });
    assert.match(
      run.stderr,
      /^other\.yaml:1:1: type: .+ \(.+\)\nother\.yaml:1:1: http: is missing \(.+\)\n$/,
    );
    assert.equal(run.exitCode, 1);
  });

  test("names a config file that is missing", async () => {
    const run = await runSluice(["check", "-c", "no.yaml"], { cwd: files.folder });
    assert.equal(run.stderr, "no.yaml: the file does not exist (check the path)\n");
    assert.equal(run.exitCode, 1);
  });

  test("names the flag, where there is no file", async () => {
    const flags = ["--upstream", "localhost:1", "--descriptors", "noise"];
    const run = await runSluice(["check", ...flags], { cwd: files.folder });
    assert.match(run.stderr, /^--descriptors: noise: the file is not a binary FileDescriptorSet \(.+\)\n$/);
    assert.equal(run.exitCode, 1);
  });
});

describe("sluice serve with faults in schema and rules", () => {
  let echo: EchoServer;
  let gateway: GatewayProcess;
  before(async () => {
    echo = await startEchoServer();
    gateway = await startGateway({
      upstreams: {
        echo: {
          address: echo.address,
          schema: { reflection: true, descriptors: ["/no/such/file.binpb"] },
          http: {
            rules: [
              { selector: `${S}.Unannotated`, get: "/x/{nope}" },
              { selector: `${S}.UnannotatedStream`, get: "/broken/{" },
              { selector: `${S}.Exact`, get: "/v1/ping" },
              { selector: `${S}.Hang`, gett: "/typo" },
              { selector: `${S}.Mirror`, put: "/good", body: "*" },
            ],
          },
        },
        faulty: { address: "localhost:1", schema: { reflection: true }, tls: { ca: "/no/such/ca.pem" } },
      },
    });
  });
  after(async () => {
    await gateway.stop();
    await echo.close();
  });

  test("tells every problem once, as a line of its log at level error", () => {
    const problems = gateway.log.filter((line) => line.msg === "problem");
    const texts = problems.map((line) => String(line.problem));
    for (const part of [
      "gett",
      "/no/such/ca.pem",
      "/no/such/file.binpb",
      "{nope}",
      "/broken/{",
      "has the shape of",
    ]) {
      assert.equal(texts.filter((text) => text.includes(part)).length, 1, `${part} in ${texts.join("\n")}`);
    }
    assert.ok(problems.every((line) => line.level === "error"));
  });

  test("serves what is sound", async () => {
    const good = await fetch(`${gateway.url()}/good`, {
      method: "PUT",
      body: "raw",
      headers: { "content-type": "a/b" },
    });
    assert.equal(await good.text(), "raw");
    assert.equal((await fetch(`${gateway.url()}/v1/echo?string_value=a`)).status, 200);
  });

  test("serves the first of two rules of one shape", async () => {
    const reply = await fetch(`${gateway.url()}/v1/ping`);
    assert.equal(reply.status, 200);
  });

  test("is ready", async () => {
    assert.equal((await fetch(`${gateway.adminUrl}/readyz`)).status, 200);
  });
});
