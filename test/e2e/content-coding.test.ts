/**
 * Content codings over real sockets, on both engines: compressed replies, coded request bodies for every reader, and bombs
 * (RFC 9110, sections 8.4, 12.5.3 and 15.5.16).
 */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { request as nodeRequest } from "node:http";
import { describe, test } from "node:test";
import {
  brotliCompressSync,
  brotliDecompressSync,
  constants,
  deflateSync,
  gunzipSync,
  gzipSync,
} from "node:zlib";
import { disposition, encodeForm } from "../support/form-encoder.ts";
import { assertGatewayError, describeGateway, type Subject } from "../support/gateway-suite.ts";
import { type Answer, jsonOf } from "../support/http-request.ts";

const MIB = 2 ** 20;

const ON = {
  upstream: {
    etag: "strong",
    maxReceiveMessageBytes: "16MiB",
    compression: { replies: { encodings: ["br", "gzip"] } },
    routes: [
      { selector: "sluice.test.v1.EchoService.Metadata", compression: { replies: { encodings: [] } } },
    ],
  },
};

const PLAIN_BLOB = "GET /v1/blob?content_type=text/plain&text=0123456789&size_bytes=";
const LONG = "long ".repeat(1000);

function plain({ headers, body }: Answer): string {
  const coding = headers["content-encoding"];
  if (coding === undefined) return body.toString();
  return (coding === "br" ? brotliDecompressSync(body) : gunzipSync(body)).toString();
}

describeGateway("compressed replies", ON, (subject) => {
  for (const [accept, coding] of [
    ["gzip", "gzip"],
    ["gzip, deflate, br", "br"],
    ["br;q=0.1, gzip", "gzip"],
    ["identity", undefined],
    ["zstd;q=1", undefined],
  ] as const) {
    test(`${accept} gets ${coding ?? "plain bytes"}`, async () => {
      const line = "POST /v1/echo";
      const headers = ["accept-encoding", accept];
      const answer = await subject.send(line, { headers, body: JSON.stringify({ stringValue: LONG }) });
      assert.equal(answer.status, 200);
      assert.equal(answer.headers["content-encoding"], coding);
      assert.equal(answer.headers.vary, "accept-encoding");
      assert.equal(answer.headers["content-length"], String(answer.body.length));
      assert.equal((JSON.parse(plain(answer)) as { stringValue: string }).stringValue, LONG);
    });
  }

  for (const bytes of [2000, 40_000, 5_000_000]) {
    test(`a raw text of ${bytes} bytes comes back as it was, and HEAD says the same`, async () => {
      const line = `${PLAIN_BLOB}${bytes}`;
      const headers = ["accept-encoding", "gzip"];
      const [whole, coded] = [await subject.send(line), await subject.send(line, { headers })];
      assert.equal(coded.headers["content-encoding"], "gzip");
      assert.ok(coded.body.length < bytes / 10);
      assert.equal(plain(coded), whole.body.toString());
      assert.equal(coded.headers["accept-ranges"], undefined);
      assert.equal(coded.headers.etag, `W/${whole.headers.etag}`);
      const head = await subject.send(line.replace("GET", "HEAD"), { headers });
      for (const name of ["content-length", "content-encoding", "content-type", "etag", "vary"]) {
        assert.equal(head.headers[name], coded.headers[name], name);
      }
      assert.equal(head.status, 200);
      assert.equal(head.body.length, 0);
      const again = await subject.send(line, {
        headers: [...headers, "if-none-match", `${coded.headers.etag}`],
      });
      assert.deepEqual([again.status, again.headers.etag, again.body.length], [304, coded.headers.etag, 0]);
    });
  }

  test("many large replies at once are all right, compressed or not", async () => {
    const headers = ["accept-encoding", "gzip"];
    const line = `${PLAIN_BLOB}200000`;
    const whole = (await subject.send(line)).body.toString();
    const answers = await Promise.all(Array.from({ length: 60 }, () => subject.send(line, { headers })));
    for (const answer of answers) assert.equal(plain(answer), whole);
  });

  for (const [what, line, headers] of [
    ["an image", "GET /v1/blob?content_type=image/png&text=abc&size_bytes=5000", []],
    ["a range", `${PLAIN_BLOB}5000`, ["range", "bytes=0-3999"]],
    ["a stream", "GET /v1/count/500", []],
    ["a client that forbids it", `${PLAIN_BLOB}5000`, ["cache-control", "no-transform"]],
    ["a route that does not want it", "GET /v1/metadata", ["x-long", LONG]],
  ] as const) {
    test(`${what} goes out as it is`, async () => {
      const answer = await subject.send(line, { headers: ["accept-encoding", "gzip", ...headers] });
      assert.ok(answer.body.length > 2000, String(answer.body.length));
      assert.equal(answer.headers["content-encoding"], undefined);
    });
  }

  test("a long error is compressed, too", async () => {
    const body = JSON.stringify({ code: 9, message: LONG });
    const line = "POST /v1/fail";
    const error = (await subject.send(line, { body })).body;
    const answer = await subject.send(line, { headers: ["accept-encoding", "gzip"], body });
    assert.deepEqual([answer.status, answer.headers["content-encoding"]], [400, "gzip"]);
    assert.equal(plain(answer), error.toString());
  });

  test("the access log and the metrics count what went out", async () => {
    const line = `${PLAIN_BLOB}300000`;
    const answer = await subject.send(line, {
      headers: ["accept-encoding", "br", "x-request-id", `log-${subject.engine}`],
    });
    const record = await subject.gateway.logged((entry) => entry.requestId === `log-${subject.engine}`);
    assert.equal(record.bytesOut, answer.body.length);
    const metrics = await (await fetch(`${subject.gateway.adminUrl}/metrics`)).text();
    const pattern =
      /^sluice_content_coding_bytes_total\{direction="reply",coding="br",side="(\w+)"\} (\d+)$/gm;
    const sides = Object.fromEntries(
      [...metrics.matchAll(pattern)].map(([, side, bytes]) => [side, Number(bytes)]),
    );
    assert.ok(
      (sides.plain ?? 0) >= 300_000 && (sides.coded ?? 0) > 0 && (sides.coded ?? 0) < (sides.plain ?? 0),
    );
  });
});

const ENCODERS = {
  gzip: gzipSync,
  deflate: deflateSync,
  br: (body: Uint8Array) => brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 2 } }),
} as const;

const UPLOADS = {
  upstream: {
    json: { emitDefaults: false },
    uploadChunkBytes: "64KiB",
    http: {
      rules: [
        { selector: "sluice.test.v1.EchoService.UploadField", post: "/v1/files", body: "*" },
        { selector: "sluice.test.v1.EchoService.UploadFieldStream", post: "/v1/files:stream", body: "*" },
      ],
    },
    routes: [
      { selector: "sluice.test.v1.EchoService.EchoField", compression: { requests: { encodings: [] } } },
    ],
  },
};

const FORM_TYPE = ["content-type", "multipart/form-data; boundary=b"] as const;
const JSON_TYPE = ["content-type", "application/json"] as const;

function form(data: Uint8Array): Uint8Array {
  return encodeForm("b", [{ headers: disposition("blob", "f", "a/b"), data }]);
}

/** One request for each reader. */
function uploads(
  data: Buffer,
): readonly (readonly [what: string, line: string, type: readonly string[], body: Uint8Array])[] {
  const items = JSON.stringify({ stringValue: data.toString("latin1") });
  return [
    ["JSON", "POST /v1/echo", JSON_TYPE, Buffer.from(items)],
    ["raw bytes", "POST /v1/blob", ["content-type", "a/b"], data],
    [
      "NDJSON to a stream",
      "POST /v1/collect",
      ["content-type", "application/x-ndjson"],
      Buffer.from(`${items}\n`.repeat(3)),
    ],
    ["raw bytes to a stream", "POST /v1/blob:stream", ["content-type", "a/b"], data],
    ["a form", "POST /v1/files", FORM_TYPE, form(data)],
    ["a form to a stream", "POST /v1/files:stream", FORM_TYPE, form(data)],
  ];
}

const DATA = Buffer.from(Array.from({ length: 20_000 }, (_, i) => (i * i).toString(36)).join(""));

describeGateway("coded request bodies", UPLOADS, (subject) => {
  for (const [what, line, type, body] of uploads(DATA)) {
    test(`${what} comes as it was in every coding`, async () => {
      const expected = jsonOf(await subject.send(line, { headers: type, body }));
      for (const [coding, encode] of Object.entries(ENCODERS)) {
        const headers = [...type, "content-encoding", coding];
        const answer = await subject.send(line, { headers, body: encode(body) });
        assert.equal(answer.status, 200, `${coding}: ${answer.body.toString()}`);
        assert.deepEqual(jsonOf(answer), expected, coding);
      }
    });

    // Before the one below, whose call may reach the upstream later than its reply does the client.
    test(`${what} in another coding is 415, and learns which would do`, async () => {
      const headers = [...type, "content-encoding", "compress"];
      const { answer, calls } = await subject.observe(line, { headers, body });
      assertGatewayError(answer, 415, "CONTENT_CODING_UNSUPPORTED");
      assert.equal(answer.headers["accept-encoding"], "gzip, deflate, br, identity");
      assert.equal(calls.length, 0);
    });

    test(`${what} that is cut short is told so, and no upstream takes it for whole`, async () => {
      const headers = [...type, "content-encoding", "gzip"];
      const { answer, calls } = await subject.observe(line, {
        headers,
        body: gzipSync(body).subarray(0, -9),
      });
      const error = assertGatewayError(answer, 400, "CONTENT_CODING_INVALID");
      assert.equal(error.message, "content-encoding gzip: the body ends too early");
      for (const call of calls) assert.equal(await call.ended, "cancelled");
    });
  }

  test("a route can decode nothing", async () => {
    const headers = [...JSON_TYPE, "content-encoding", "gzip"];
    const answer = await subject.send("POST /v1/body/string", { headers, body: gzipSync('"x"') });
    assertGatewayError(answer, 415, "CONTENT_CODING_UNSUPPORTED");
    assert.equal(answer.headers["accept-encoding"], "identity");
  });

  test("a client that is refused early can send the rest of its body, and the gateway goes on", async () => {
    const lines = Array.from(
      { length: 200 },
      () => `{"stringValue":"${randomBytes(50_000).toString("hex")}"}\n`,
    );
    const body = gzipSync(`{"nope":1}\n${lines.join("")}`, { level: 1 });
    const headers = ["content-type", "application/x-ndjson", "content-encoding", "gzip"];
    for (let round = 0; round < 3; round++) {
      // A connection that is not worth keeping closes, and the client may find that before the reply.
      const answer = await detonate(subject, "POST /v1/collect", headers, body, "go on").catch(String);
      assert.match(String(answer), /^400$|EPIPE|ECONNRESET/);
    }
    assert.equal((await subject.send("GET /v1/ping")).status, 200);
  });

  test("an upload of 8 MB flows through", async () => {
    const data = Buffer.alloc(8_000_000);
    for (let i = 0; i < data.length; i += 4) data.writeUInt32LE((i * 2654435761) % 2 ** 24, i);
    const headers = ["content-type", "a/b", "content-encoding", "gzip"];
    const answer = await subject.send("POST /v1/blob:stream", {
      headers,
      body: gzipSync(data, { level: 1 }),
    });
    const sha256 = createHash("sha256").update(data).digest("base64");
    const reply = jsonOf(answer) as { sizeBytes: string; sha256: string }; // a BlobReply
    assert.deepEqual([reply.sizeBytes, reply.sha256], [String(data.length), sha256]);
  });
});

/** 1 GiB of one byte in 1 MB: gzip streams behind one another are one. */
function bomb(byte: number): Buffer {
  const part = gzipSync(Buffer.alloc(16 * MIB, byte), { level: 9 });
  return Buffer.concat(Array.from({ length: 64 }, () => part));
}

/** The most memory that the gateway has had, in MiB. Source: proc(5). */
function peakMib({ gateway }: Subject): number {
  const text = readFileSync(`/proc/${gateway.child.pid}/status`, "latin1");
  return Number(/VmHWM:\s+(\d+)/.exec(text)?.[1]) / 1024;
}

/**
 * The status of the reply to a body that the gateway need not read to its end. What is left is not sent, or all of it as
 * far as the connection lasts; never so much at once that an error of writing hides the reply.
 */
function detonate(
  subject: Subject,
  line: string,
  headers: readonly string[],
  body: Buffer,
  afterReply: "stop" | "go on" = "stop",
): Promise<number> {
  const { hostname, port } = new URL(subject.url);
  const [method = "", path = ""] = line.split(" ");
  return new Promise((resolve, reject) => {
    const fields = ["host", hostname, "content-length", String(body.length), ...headers];
    const request = nodeRequest({ hostname, port, method, path, agent: false, headers: fields });
    let status: number | undefined;
    const settle = (error: Error): void => {
      request.destroy();
      if (status === undefined) reject(error);
      else resolve(status);
    };
    request.on("response", (response) => {
      status = response.statusCode ?? 0;
      response.resume();
      response.on("error", settle);
      if (afterReply === "stop") settle(new Error("it has been answered"));
    });
    request.on("error", settle);
    request.on("close", () => settle(new Error("the connection closed without a reply")));
    const sendFrom = (at: number): void => {
      if (request.destroyed) return;
      if (at < body.length) {
        request.write(body.subarray(at, at + 65_536), () => setImmediate(sendFrom, at + 65_536));
      } else request.end(() => status !== undefined && resolve(status));
    };
    sendFrom(0);
  });
}

describeGateway("bombs of 1 GiB in 1 MB", UPLOADS, (subject) => {
  const isLinux = process.platform === "linux";
  describe("are 413 and take no memory", { skip: isLinux ? false : "reads /proc" }, () => {
    for (const [what, line, type, byte] of [
      ["JSON", "POST /v1/echo", JSON_TYPE, 0],
      ["raw bytes", "POST /v1/blob", ["content-type", "a/b"], 0],
      ["NDJSON to a stream", "POST /v1/collect", ["content-type", "application/x-ndjson"], 0x20],
      ["raw bytes to a stream", "POST /v1/blob:stream", ["content-type", "a/b"], 0],
      ["a form", "POST /v1/files", FORM_TYPE, 0x20],
      ["a form to a stream", "POST /v1/files:stream", FORM_TYPE, 0x20],
    ] as const) {
      test(what, async () => {
        await subject.send("GET /v1/ping");
        const body = bomb(byte);
        const before = peakMib(subject);
        const headers = [...type, "content-encoding", "gzip"];
        const statuses = await Promise.all(
          Array.from({ length: 3 }, () => detonate(subject, line, headers, body)),
        );
        assert.deepEqual(statuses, [413, 413, 413]);
        const grown = peakMib(subject) - before;
        assert.ok(grown < 64, `${grown.toFixed(1)} MiB more`);
        assert.equal((await subject.send("GET /v1/ping")).status, 200);
      });
    }
  });
});
