/** `multipart/form-data` over HTTP (docs/transcoding.md): to unary methods, to client streams, and what is refused. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { request as nodeRequest } from "node:http";
import { test } from "node:test";
import { promisify } from "node:util";
import { disposition, encodeForm, type FormSource } from "../support/form-encoder.ts";
import { temporaryFiles } from "../support/gateway-process.ts";
import { assertGatewayError, describeGateway, type Subject } from "../support/gateway-suite.ts";
import { jsonOf, type RequestOptions } from "../support/http-request.ts";

const SERVICE = "sluice.test.v1.EchoService";

const CONFIG = {
  upstream: {
    json: { emitDefaults: false },
    uploadChunkBytes: "64KiB",
    http: {
      rules: [
        {
          selector: `${SERVICE}.Echo`,
          post: "/v1/forms",
          body: "*",
          additionalBindings: [
            { post: "/v1/forms/{nested.string_value}", body: "*" },
            { post: "/v1/forms/{string_value}/nested", body: "nested" },
            { get: "/v1/forms" },
          ],
        },
        { selector: `${SERVICE}.UploadField`, post: "/v1/files", body: "*" },
        {
          selector: `${SERVICE}.UploadFieldStream`,
          post: "/v1/files/{name}:stream",
          body: "*",
          additionalBindings: [{ post: "/v1/raw:stream", body: "blob" }],
        },
        { selector: `${SERVICE}.Collect`, post: "/v1/forms:collect", body: "*" },
      ],
    },
    maxRequestBodyBytes: "256KiB",
  },
};

const BOUNDARY = "----a-boundary";
const FORM_TYPE = ["content-type", `multipart/form-data; boundary=${BOUNDARY}`] as const;

function form(...parts: readonly FormSource[]): RequestOptions {
  return { headers: FORM_TYPE, body: encodeForm(BOUNDARY, parts) };
}

function field(name: string, data: string, contentType?: string): FormSource {
  return { headers: disposition(name, undefined, contentType), data };
}

function file(name: string, data: string | Uint8Array, contentType = "image/x-test"): FormSource {
  return { headers: disposition(name, "a file.bin", contentType), data };
}

function sha256(data: Uint8Array): string {
  return createHash("sha256").update(data).digest("base64");
}

describeGateway("multipart forms of one message", CONFIG, (subject) => {
  const blob = Buffer.from([0, 255, 13, 10, 45, 45]);
  for (const [line, parts, expected] of [
    [
      "POST /v1/forms",
      [field("string_value", "é"), field("int64Value", "9007199254740993"), file("bytes_value", blob)],
      { stringValue: "é", int64Value: "9007199254740993", bytesValue: blob.toString("base64") },
    ],
    [
      "POST /v1/forms/p",
      [
        field("nested", '{"int32Value":1}', "application/json"),
        field("repeated_int32", "1"),
        field("repeated_int32", "2"),
      ],
      { nested: { stringValue: "p", int32Value: 1 }, repeatedInt32: [1, 2] },
    ],
    [
      "POST /v1/forms/p/nested?int32_value=2",
      [field("bool_value", "true")],
      { stringValue: "p", int32Value: 2, nested: { boolValue: true } },
    ],
    ["POST /v1/forms", [], {}],
  ] as const) {
    test(`${line}, ${parts.length} parts`, async () => {
      const answer = await subject.send(line, form(...parts));
      assert.equal(answer.status, 200, answer.body.toString());
      assert.deepEqual(jsonOf(answer), expected);
    });
  }

  test("a file fills an HttpBody with its type", async () => {
    const data = Buffer.alloc(200_000, "0123456789");
    const options = form(field("name", "n"), field("tags", "x"), field("tags", "y"), file("blob", data));
    const reply = jsonOf(await subject.send("POST /v1/files", options));
    assert.deepEqual(reply, {
      contentType: "image/x-test",
      sizeBytes: "200000",
      sha256: sha256(data),
      messages: 1,
      name: "n",
      tags: ["x", "y"],
    });
  });

  for (const [title, line, options, status, reason, message] of [
    ["of an unknown field", "POST /v1/forms", form(field("nope", "x")), 400, "PARAM_UNKNOWN", /^nope: /],
    [
      "that contradicts the path",
      "POST /v1/forms/p",
      form(field("nested.string_value", "q")),
      400,
      "PATH_CONFLICT",
      /^nested.string_value: /,
    ],
    [
      "of bad JSON",
      "POST /v1/forms",
      form(field("nested", "{", "application/json")),
      400,
      "JSON_INVALID",
      /^nested: /,
    ],
    [
      "without a boundary",
      "POST /v1/forms",
      { headers: ["content-type", "multipart/form-data"], body: "x" },
      400,
      "FORM_INVALID",
      /boundary/,
    ],
    [
      "with another boundary",
      "POST /v1/forms",
      { headers: ["content-type", "multipart/form-data; boundary=x"], body: form().body ?? "" },
      400,
      "FORM_INVALID",
      /boundary/,
    ],
    [
      "without a disposition",
      "POST /v1/forms",
      form({ headers: ["x: y"], data: "" }),
      400,
      "FORM_INVALID",
      /^part 1 /,
    ],
    [
      "with too many parts",
      "POST /v1/forms",
      form(...Array.from({ length: 1001 }, () => field("repeated_string", ""))),
      400,
      "FORM_INVALID",
      /1000 parts/,
    ],
    [
      "that is too long",
      "POST /v1/forms",
      form(file("bytes_value", Buffer.alloc(300_000))),
      413,
      "BODY_TOO_LARGE",
      /262144 bytes/,
    ],
    [
      "in an unknown coding",
      "POST /v1/forms",
      { headers: [...FORM_TYPE, "content-encoding", "compress"], body: "x" },
      415,
      "CONTENT_CODING_UNSUPPORTED",
      /compress/,
    ],
    ["where no body is", "GET /v1/forms", form(), 400, "BODY_NOT_ALLOWED", /no request body/],
  ] as const) {
    test(`a form ${title} is refused`, async () => {
      const { answer, calls } = await subject.observe(line, options);
      assertGatewayError(answer, status, reason);
      assert.match((jsonOf(answer) as { message: string }).message, message);
      assert.equal(calls.length, 0);
    });
  }
});

describeGateway("multipart forms of a stream", CONFIG, (subject) => {
  test("the file is cut; fields, path and type ride in the first message", async () => {
    const data = Buffer.alloc(200_000, "0123456789");
    const { answer, calls } = await subject.observe(
      "POST /v1/files/p:stream",
      form(field("priority", "7"), field("tags", "x"), file("blob", data)),
    );
    assert.deepEqual(jsonOf(answer), {
      contentType: "image/x-test",
      sizeBytes: "200000",
      sha256: sha256(data),
      messages: 4,
      name: "p",
      priority: 7,
      tags: ["x"],
    });
    assert.deepEqual(
      calls[0]?.messages.map(({ length }) => length > 65_536 && length < 65_700),
      [true, true, true, false],
    );
  });

  test("fields alone are one message", async () => {
    const answer = await subject.send("POST /v1/forms:collect", form(field("string_value", "a")));
    assert.deepEqual(jsonOf(answer), { messages: 1, stringValues: ["a"] });
  });

  test("a binding whose body is the HttpBody takes the form as it is", async () => {
    const options = form(file("blob", "x"));
    const reply = jsonOf(await subject.send("POST /v1/raw:stream", options)) as Record<string, unknown>;
    assert.equal(reply.contentType, FORM_TYPE[1]);
    assert.equal(reply.sha256, sha256(Buffer.from(options.body ?? "")));
  });

  for (const [title, options, reason, message] of [
    [
      "a field after the file",
      form(file("blob", "x"), field("tags", "y")),
      "FORM_INVALID",
      /part "tags" comes after a file/,
    ],
    [
      "a form cut short",
      { ...form(), body: encodeForm(BOUNDARY, [file("blob", "x")]).subarray(0, -10) },
      "FORM_INVALID",
      /within part 1 \("blob"\)/,
    ],
    ["a bad field", form(field("priority", "high"), file("blob", "x")), "PARAM_INVALID", /^priority: /],
  ] as const) {
    test(`${title} is refused, and the upstream let go`, async () => {
      const { answer, calls } = await subject.observe("POST /v1/files/p:stream", options);
      assertGatewayError(answer, 400, reason);
      assert.match((jsonOf(answer) as { message: string }).message, message);
      for (const call of calls) assert.equal(await call.ended, "cancelled");
    });
  }

  test("fields beyond the limit are refused", async () => {
    const options = form(field("tags", "x".repeat(300_000)), file("blob", "x"));
    assertGatewayError(await subject.send("POST /v1/files/p:stream", options), 413, "BODY_TOO_LARGE");
  });

  test("200 MB pass through with memory bounded, the same bytes", async (context) => {
    const bytes = 200_000_000;
    await subject.send("POST /v1/files/p:stream", form(file("blob", Buffer.alloc(1_000_000))));
    const before = residentBytes(subject);
    let peak = before;
    const sampling = setInterval(() => {
      peak = Math.max(peak, residentBytes(subject));
    }, 20);
    try {
      const { reply, digest } = await streamFile(subject, bytes);
      assert.equal(reply.sizeBytes, String(bytes));
      assert.equal(reply.sha256, digest);
    } finally {
      clearInterval(sampling);
    }
    const growth = peak - before;
    context.diagnostic(`RSS ${before} bytes before, ${growth} more at most`);
    assert.ok(growth < 128_000_000, `RSS grew by ${growth} bytes`);
  });

  test("curl -F sends what docs/transcoding.md says", async () => {
    const data = Buffer.alloc(150_000, "abc");
    const folder = await temporaryFiles({ "cat.png": data });
    try {
      const curl = async (path: string, ...fields: readonly string[]): Promise<Record<string, unknown>> => {
        const args = ["-sS", ...fields.flatMap((each) => ["-F", each]), `${subject.url}${path}`];
        const { stdout } = await promisify(execFile)("curl", args, { cwd: folder.folder });
        return JSON.parse(stdout);
      };
      const streamed = await curl("/v1/files/p:stream", "priority=7", "blob=@cat.png;type=image/png");
      assert.deepEqual(
        [streamed.contentType, streamed.sha256, streamed.priority, streamed.messages],
        ["image/png", sha256(data), 7, 3],
      );
      const unary = await curl("/v1/files", "name=n", "tags=x", "tags=y", "blob=@cat.png;type=image/png");
      assert.deepEqual(
        [unary.contentType, unary.sha256, unary.tags],
        ["image/png", sha256(data), ["x", "y"]],
      );
      const json = await curl(
        "/v1/forms",
        'nested={"int32Value":1};type=application/json',
        "string_value=hi",
      );
      assert.deepEqual(json, { nested: { int32Value: 1 }, stringValue: "hi" });
    } finally {
      await folder.remove();
    }
  });
});

function residentBytes({ gateway }: Subject): number {
  const status = readFileSync(`/proc/${gateway.child.pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

/** Streams a form whose file has so many bytes, chunked, as fast as the gateway takes it. */
async function streamFile(
  { url }: Subject,
  bytes: number,
): Promise<{ readonly reply: Record<string, unknown>; readonly digest: string }> {
  const [head = "", tail = ""] = encodeForm(BOUNDARY, [file("blob", "@@@@")])
    .toString()
    .split("@@@@");
  const request = nodeRequest(`${url}/v1/files/p:stream`, {
    method: "POST",
    agent: false,
    headers: { [FORM_TYPE[0]]: FORM_TYPE[1] },
  });
  const response = once(request, "response");
  const hash = createHash("sha256");
  request.write(head);
  let seed = 1;
  for (let sent = 0; sent < bytes; ) {
    const piece = Buffer.allocUnsafe(Math.min(100_000, bytes - sent));
    for (let at = 0; at + 4 <= piece.length; at += 4) {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      piece.writeUInt32LE(seed, at);
    }
    hash.update(piece);
    sent += piece.length;
    if (!request.write(piece)) await once(request, "drain");
  }
  request.end(tail);
  const [message] = await response;
  let text = "";
  for await (const chunk of message) text += String(chunk);
  return { reply: JSON.parse(text), digest: hash.digest("base64") };
}
