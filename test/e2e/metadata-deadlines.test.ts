/**
 * Headers in and out, deadlines and cancellation (docs/transcoding.md). The upstream tells which metadata it got.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertGatewayError, describeGateway, type Subject } from "../support/gateway-suite.ts";
import { type Answer, jsonOf } from "../support/http-request.ts";
import { RawHttpClient } from "../support/raw-http.ts";

const SERVICE = "sluice.test.v1.EchoService";

/** The echo server's MetadataReply. */
interface MetadataReply {
  readonly received?: readonly { readonly key: string; readonly value?: string }[];
  readonly remaining?: string;
  readonly method?: string;
}

/** The values of one metadata key that reached the upstream, in their order. */
function values(answer: Answer, key: string): readonly string[] {
  return metadataOf(answer)
    .filter((entry) => entry.key === key)
    .map((entry) => entry.value ?? "");
}

function metadataOf(answer: Answer): NonNullable<MetadataReply["received"]> {
  return replyOf(answer).received ?? [];
}

function replyOf(answer: Answer): MetadataReply {
  assert.equal(answer.status, 200, answer.body.toString());
  // The fixture's MetadataReply; what a test reads of it, it asserts.
  return jsonOf(answer) as MetadataReply;
}

const query = (parameters: Readonly<Record<string, string>>): string =>
  `GET /v1/metadata?${new URLSearchParams(parameters).toString()}`;

/** Request fields and what the upstream gets of them: values by key. */
const IN: readonly (readonly [
  headers: readonly string[],
  metadata: Readonly<Record<string, readonly string[]>>,
])[] = [
  [["x-a", "1"], { "x-a": ["1"] }],
  [["X-Mixed-Case", "Value"], { "x-mixed-case": ["Value"] }],
  [
    ["authorization", "Bearer t", "cookie", "a=b", "user-agent", "curl/8"],
    { authorization: ["Bearer t"], cookie: ["a=b"] },
  ],
  [["x-a", "1", "x-a", "2"], { "x-a": ["1, 2"] }],
  [["x-data-bin", "-_-_"], { "x-data-bin": ["+/+/"] }],
  [["x-data-bin", "+/+/"], { "x-data-bin": ["+/+/"] }],
  [["x-data-bin", "YQ"], { "x-data-bin": ["YQ=="] }],
  [["x-data-bin", "YQ="], { "x-data-bin": ["YQ=="] }],
  [["x-data-bin", "YQ==,Yg"], { "x-data-bin": ["YQ==", "Yg=="] }],
  [
    ["traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"],
    { traceparent: ["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"] },
  ],
  [
    ["connection", "keep-alive, X-Hop , x-other", "x-hop", "1", "x-other", "2", "x-kept", "3"],
    { "x-hop": [], "x-other": [], "x-kept": ["3"] },
  ],
  [
    [
      "te",
      "trailers",
      "upgrade",
      "h2c",
      "keep-alive",
      "5",
      "proxy-authorization",
      "x",
      "proxy-connection",
      "x",
    ],
    { upgrade: [], "keep-alive": [], "proxy-authorization": [], "proxy-connection": [] },
  ],
  [
    [
      "content-language",
      "de",
      "content-encoding",
      "x",
      "accept-encoding",
      "br",
      "grpc-status",
      "0",
      "grpc-foo",
      "x",
      "grpc-trace-bin",
      "AA",
    ],
    {
      "content-language": [],
      "content-encoding": [],
      "grpc-status": [],
      "grpc-foo": [],
      "grpc-trace-bin": [],
      host: [],
    },
  ],
  [["x_under.score-1", "ok", "x!bang", "dropped"], { "x_under.score-1": ["ok"], "x!bang": [] }],
  [
    [
      "x-forwarded-for",
      "6.6.6.6",
      "x-forwarded-host",
      "evil",
      "x-forwarded-proto",
      "https",
      "forwarded",
      "for=6.6.6.6",
    ],
    { "x-forwarded-for": ["127.0.0.1"], "x-forwarded-proto": ["http"], forwarded: [] },
  ],
  [["x-request-id", "id-1"], { "x-request-id": ["id-1"] }],
  [["grpc-metadata-x-a", "1"], { "grpc-metadata-x-a": [], "x-a": [] }],
];

/** What the upstream sends, and what of it the client gets: header value by name. */
const OUT: readonly (readonly [
  parameters: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string | undefined>>,
  status?: number,
])[] = [
  [{ "headers[x-a]": "1" }, { "x-a": "1" }],
  [
    { "headers[etag]": '"v1"', "headers[cache-control]": "no-store" },
    { etag: '"v1"', "cache-control": "no-store" },
  ],
  [{ "headers[set-cookie]": "a=b; HttpOnly" }, { "set-cookie": "a=b; HttpOnly" }],
  [{ "binary_headers[x-data-bin]": "-_-_" }, { "x-data-bin": "+/+/" }],
  [{ "headers[x-http-code]": "201" }, { "x-http-code": undefined }, 201],
  [{ "headers[x-http-code]": "303", "headers[location]": "/there" }, { location: "/there" }, 303],
  [{ "headers[x-http-code]": "500" }, { "x-http-code": undefined }],
  [{ "headers[x-http-code]": "1e2" }, {}],
  [{ "headers[x-http-code]": "199" }, {}],
  [{ "headers[content-language]": "de" }, { "content-language": "de" }],
  [{ "headers[date]": "never", "headers[x-request-id]": "forged" }, {}],
  [{ "trailers[x-late]": "1" }, { "x-late": undefined, trailer: undefined }],
];

describeGateway("metadata", { upstream: { json: { emitDefaults: false } } }, (subject) => {
  for (const [headers, expected] of IN) {
    test(`in: ${headers.join(" ")}`, async () => {
      const answer = await subject.send("GET /v1/metadata", { headers });
      for (const [key, list] of Object.entries(expected)) {
        // Several fields of one name may arrive joined or apart: their meaning is the same (RFC 9110, 5.3).
        const seen = values(answer, key);
        assert.deepEqual(key.endsWith("-bin") ? seen : seen.length > 1 ? [seen.join(", ")] : seen, list, key);
      }
    });
  }

  test("in: host, forwarding and the request id are the gateway's to write", async () => {
    const answer = await subject.send("GET /v1/metadata");
    assert.deepEqual(values(answer, "x-forwarded-host"), [`127.0.0.1:${subject.port}`]);
    assert.deepEqual(values(answer, "x-request-id"), [answer.headers["x-request-id"]]);
    assert.equal(replyOf(answer).method, `/${SERVICE}/Metadata`);
  });

  for (const value of ["!", "YQ===", "A", "a b"]) {
    test(`in: a -bin field of ${JSON.stringify(value)} is 400`, async () => {
      const { answer, calls } = await subject.observe("GET /v1/metadata", { headers: ["x-data-bin", value] });
      assert.match(assertGatewayError(answer, 400, "HEADER_INVALID").message, /x-data-bin/);
      assert.equal(calls.length, 0);
    });
  }

  test("in: a value that is not ASCII does not cross, and the request is served", async () => {
    const client = await RawHttpClient.connect(subject.port);
    await client.send(`GET /v1/metadata HTTP/1.1\r\nhost: x\r\nx-a: caf\xc3\xa9 x\r\nx-b: 1\r\n\r\n`);
    const reply = await client.reply();
    client.close();
    assert.equal(reply.status, 200);
    assert.doesNotMatch(reply.body.toString(), /"x-a"/);
    assert.match(reply.body.toString(), /"x-b"/);
  });

  for (const [parameters, expected, status = 200] of OUT) {
    test(`out: ${JSON.stringify(parameters)}`, async () => {
      const answer = await subject.send(query(parameters));
      assert.equal(answer.status, status);
      for (const [name, value] of Object.entries(expected)) assert.equal(answer.headers[name], value, name);
      assert.notEqual(answer.headers.date, "never");
      assert.notEqual(answer.headers["x-request-id"], "forged");
      assert.equal(answer.headers["content-type"], "application/json");
      for (const name of Object.keys(answer.headers)) assert.doesNotMatch(name, /^grpc-/);
    });
  }

  test("out: 204 has neither body nor length", async () => {
    const answer = await subject.send(query({ "headers[x-http-code]": "204" }));
    assert.equal(answer.status, 204);
    assert.equal(answer.body.length, 0);
    assert.equal(answer.headers["content-length"], undefined);
  });

  test("out: trailers reach a client that takes them where the engine can send them, and harm nobody elsewhere", async () => {
    const answer = await subject.send(
      query({ "trailers[x-late]": "1", "binary_trailers[x-late-bin]": "-_8" }),
      {
        headers: ["te", "trailers"],
      },
    );
    assert.equal(replyOf(answer).method, `/${SERVICE}/Metadata`);
    if (subject.engine === "node") assert.deepEqual(answer.trailers, { "x-late": "1", "x-late-bin": "+/8=" });
  });

  test("the deadline of the route is seen by the upstream", async () => {
    const remaining = Number.parseFloat(replyOf(await subject.send("GET /v1/metadata")).remaining ?? "");
    assert.ok(remaining > 25 && remaining <= 30, String(remaining));
  });

  for (const [headers, atMost] of [
    [["grpc-timeout", "5S"], 5],
    [["grpc-timeout", "4000m"], 4],
    [["grpc-timeout", "99999999n"], 0.1],
    [["grpc-timeout", "1H"], 30],
    [["x-server-timeout", "3"], 3],
    [["x-server-timeout", "2.5"], 2.5],
    [["grpc-timeout", "9S", "x-server-timeout", "2"], 2],
    [["grpc-timeout", "2S", "x-server-timeout", "9"], 2],
    [["x-server-timeout", "99999999999"], 30],
  ] as const) {
    test(`${headers.join(": ")} leaves the upstream at most ${atMost} s`, async () => {
      const answer = await subject.send("GET /v1/metadata", { headers });
      const remaining = Number.parseFloat(replyOf(answer).remaining ?? "0");
      assert.ok(remaining <= atMost && remaining > atMost - 2, String(remaining));
    });
  }

  for (const headers of [
    ["grpc-timeout", ""],
    ["grpc-timeout", "5"],
    ["grpc-timeout", "S"],
    ["grpc-timeout", "5s"],
    ["grpc-timeout", "-1S"],
    ["grpc-timeout", "1.5S"],
    ["grpc-timeout", "123456789S"],
    ["grpc-timeout", "5S, 6S"],
    ["x-server-timeout", ""],
    ["x-server-timeout", "soon"],
    ["x-server-timeout", "-1"],
    ["x-server-timeout", "1e3"],
    ["x-server-timeout", "NaN"],
    ["x-server-timeout", "1."],
    ["x-server-timeout", "Infinity"],
  ] as const) {
    test(`${headers[0]}: ${JSON.stringify(headers[1])} is 400 and never reaches the upstream`, async () => {
      const { answer, calls } = await subject.observe("GET /v1/metadata", { headers });
      assert.match(assertGatewayError(answer, 400, "HEADER_INVALID").message, new RegExp(headers[0]));
      assert.equal(calls.length, 0);
    });
  }

  for (const headers of [
    ["grpc-timeout", "0S"],
    ["x-server-timeout", "0"],
  ] as const) {
    test(`${headers.join(": ")} is 504 at once`, async () => {
      const { answer, calls } = await subject.observe("GET /v1/metadata", { headers });
      assertGatewayError(answer, 504, "DEADLINE");
      assert.equal(calls.length, 0);
    });
  }

  for (const line of ["GET /v1/hang", "GET /v1/hang?sendHeaders=true"]) {
    test(`${line}: expiry is 504, and the upstream is cancelled`, async () => {
      const { answer, calls } = await subject.observe(line, { headers: ["grpc-timeout", "100m"] });
      assertGatewayError(answer, 504, "DEADLINE");
      assert.equal(await calls[0]?.ended, "cancelled");
    });

    test(`${line}: a client that hangs up cancels the upstream call at once`, async () => {
      const id = `gone-${subject.port}-${line.length}`;
      const client = await RawHttpClient.connect(subject.port);
      const calls = await oneMoreCall(subject, () =>
        client.send(`${line} HTTP/1.1\r\nhost: x\r\nx-request-id: ${id}\r\n\r\n`),
      );
      client.reset();
      assert.equal(await calls.ended, "cancelled");
      const record = await subject.gateway.logged((entry) => entry.requestId === id);
      assert.equal(record.status, 499);
      assert.equal(record.reason, "CLIENT_GONE");
    });
  }

  test("a client that hangs up in the middle of its body never reaches the upstream", async () => {
    const from = subject.echo.calls.length;
    const id = `half-${subject.port}`;
    const client = await RawHttpClient.connect(subject.port);
    const fields = `host: x\r\nx-request-id: ${id}\r\ncontent-length: 10\r\nexpect: 100-continue`;
    await client.send(`POST /v1/echo HTTP/1.1\r\n${fields}\r\n\r\n`);
    // A reset that overtakes the request would leave nothing to log.
    assert.equal((await client.reply()).status, 100);
    await client.send('{"a');
    client.reset();
    const record = await subject.gateway.logged((entry) => entry.requestId === id);
    assert.equal(record.reason, "CLIENT_GONE");
    assert.equal(subject.echo.calls.length, from);
  });
});

const RULES = {
  listener: { trustedHops: 1 },
  upstream: {
    json: { emitDefaults: false },
    deadline: "0s",
    requestHeaders: {
      allow: ["x-*", "grpc-metadata-*", "a", "renamed", "secret"],
      deny: ["x-secret", "secret"],
      rename: { renamed: "x-new" },
      prefix: "Grpc-Metadata-",
    },
    responseHeaders: { deny: ["x-internal*"], rename: { "x-old": "x-new" }, prefix: "Grpc-Metadata-" },
  },
};

describeGateway("header rules", RULES, (subject) => {
  test("allow, deny, rename, prefix on the way in", async () => {
    const headers = ["x-ok", "1", "b", "2", "x-secret", "3", "renamed", "4", "a", "5"];
    const answer = await subject.send("GET /v1/metadata", {
      headers: [
        ...headers,
        "grpc-metadata-a",
        "6",
        "Grpc-Metadata-Secret",
        "7",
        "grpc-metadata-grpc-status",
        "0",
      ],
    });
    assert.deepEqual(values(answer, "x-ok"), ["1"]);
    assert.deepEqual(values(answer, "x-new"), ["4"]);
    assert.deepEqual(values(answer, "a").join(", "), "5, 6");
    for (const key of ["b", "x-secret", "secret", "renamed", "grpc-status", "grpc-metadata-a"]) {
      assert.deepEqual(values(answer, key), [], key);
    }
  });

  test("deny, rename, prefix on the way out", async () => {
    const answer = await subject.send(
      query({
        "headers[x-a]": "1",
        "headers[x-internal-y]": "2",
        "headers[x-old]": "3",
        "headers[content-length]": "9",
      }),
    );
    assert.equal(answer.headers["grpc-metadata-x-a"], "1");
    assert.equal(answer.headers["x-new"], "3");
    assert.doesNotMatch(Object.keys(answer.headers).join(" "), /internal|x-old/);
    assert.equal(answer.headers["content-length"], String(answer.body.length));
  });

  test("with one trusted hop, the last element of what the proxy wrote is believed", async () => {
    const answer = await subject.send("GET /v1/metadata", {
      headers: [
        "x-forwarded-for",
        "6.6.6.6, 203.0.113.7",
        "x-forwarded-proto",
        "https",
        "x-forwarded-host",
        "api.example.com",
      ],
    });
    assert.deepEqual(values(answer, "x-forwarded-for"), ["203.0.113.7, 127.0.0.1"]);
    assert.deepEqual(values(answer, "x-forwarded-proto"), ["https"]);
    assert.deepEqual(values(answer, "x-forwarded-host"), ["api.example.com"]);
  });

  test("no deadline: the upstream sees none, unless the client has one", async () => {
    assert.equal(replyOf(await subject.send("GET /v1/metadata")).remaining, undefined);
    const limited = await subject.send("GET /v1/metadata", { headers: ["grpc-timeout", "9S"] });
    assert.ok(Number.parseFloat(replyOf(limited).remaining ?? "") <= 9);
  });
});

/** Does `action` and resolves with the call that it makes the upstream see. */
async function oneMoreCall(
  subject: Subject,
  action: () => Promise<void>,
): Promise<Subject["echo"]["calls"][number]> {
  const count = subject.echo.calls.length;
  await action();
  const call = (await subject.echo.untilCalls(count + 1))[count];
  if (call === undefined) throw new Error("no call has reached the upstream");
  return call;
}
