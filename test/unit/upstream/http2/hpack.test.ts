import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Http2Server, type ServerHttp2Stream } from "node:http2";
import { after, before, describe, test } from "node:test";
import fc from "fast-check";
import { Code } from "../../../../src/status/index.ts";
import { HeaderDecoder } from "../../../../src/upstream/clients/http2/hpack/decoder.ts";
import { RequestEncoder } from "../../../../src/upstream/clients/http2/hpack/request-encoder.ts";
import { createHttp2Client } from "../../../../src/upstream/clients/http2/index.ts";
import { MetadataEncoder, timeoutField } from "../../../../src/upstream/clients/http2/metadata-encoder.ts";
import { decodeGrpcMessage } from "../../../../src/upstream/clients/http2/reply-head.ts";
import type { Channel, Metadata } from "../../../../src/upstream/index.ts";
import { channelOptions } from "../../../support/channel-options.ts";
import { CallRecorder } from "../../../support/grpc-recorder.ts";

const FIRST = [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"];
const THIRD = [
  ":method: GET",
  ":scheme: https",
  ":path: /index.html",
  ":authority: www.example.com",
  "custom-key: custom-value",
];
const FOUND = [
  ":status: 302",
  "cache-control: private",
  "date: Mon, 21 Oct 2013 20:13:21 GMT",
  "location: https://www.example.com",
];
const COOKIE = [
  ":status: 200",
  "cache-control: private",
  "date: Mon, 21 Oct 2013 20:13:22 GMT",
  "location: https://www.example.com",
  "content-encoding: gzip",
  "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
];
const REDIRECT = [":status: 307", ...FOUND.slice(1)];

/** Successive blocks of one connection. Source: RFC 7541 appendix C. */
const VECTORS: Readonly<Record<string, readonly (readonly [hex: string, fields: readonly string[]])[]>> = {
  "C.2.1 literal with indexing": [
    ["400a637573746f6d2d6b65790d637573746f6d2d686561646572", ["custom-key: custom-header"]],
    ["be", ["custom-key: custom-header"]],
  ],
  "C.2.2 literal without indexing": [["040c2f73616d706c652f70617468", [":path: /sample/path"]]],
  "C.2.3 literal never indexed": [["100870617373776f726406736563726574", ["password: secret"]]],
  "C.2.4 indexed": [["82", [":method: GET"]]],
  "C.3 requests": [
    ["828684410f7777772e6578616d706c652e636f6d", FIRST],
    ["828684be58086e6f2d6361636865", [...FIRST, "cache-control: no-cache"]],
    ["828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565", THIRD],
  ],
  "C.4 requests with Huffman code": [
    ["828684418cf1e3c2e5f23a6ba0ab90f4ff", FIRST],
    ["828684be5886a8eb10649cbf", [...FIRST, "cache-control: no-cache"]],
    ["828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf", THIRD],
  ],
  "C.5 responses, in a table of 256 bytes": [
    [
      "3fe1014803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e1768747470733a2f2f7777772e6578616d706c652e636f6d",
      FOUND,
    ],
    ["4803333037c1c0bf", REDIRECT],
    [
      "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31",
      COOKIE,
    ],
  ],
  "C.6 responses with Huffman code, in a table of 256 bytes": [
    [
      "3fe101488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3",
      FOUND,
    ],
    ["4883640effc1c0bf", REDIRECT],
    [
      "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
      COOKIE,
    ],
  ],
};

function decode(decoder: HeaderDecoder, bytes: Buffer): readonly string[] {
  const list = decoder.decode(bytes, 0, bytes.length);
  return Array.from({ length: list.length / 2 }, (_, i) => `${list[2 * i]}: ${list[2 * i + 1]}`);
}

describe("the decoder reads the examples of RFC 7541", () => {
  for (const [name, blocks] of Object.entries(VECTORS)) {
    test(name, () => {
      const decoder = new HeaderDecoder(4096);
      for (const [hex, fields] of blocks) assert.deepEqual(decode(decoder, Buffer.from(hex, "hex")), fields);
    });
  }

  test("random bytes are decoded or refused, never more", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 5 }), (blocks) => {
        const decoder = new HeaderDecoder(1000);
        try {
          for (const block of blocks) decoder.decode(Buffer.from(block), 0, block.length);
        } catch (error) {
          assert.ok(error instanceof Error && error.name === "Http2Error", String(error));
        }
      }),
      { numRuns: 2000 },
    );
  });

  test("a list that is too long loses its end, and the table stays right", () => {
    const decoder = new HeaderDecoder(100);
    const [, [, fields] = ["", []]] = VECTORS["C.3 requests"] ?? [];
    decode(decoder, Buffer.from("828684410f7777772e6578616d706c652e636f6d", "hex"));
    assert.equal(decoder.isTooLong, true);
    assert.equal(decode(decoder, Buffer.from("be", "hex"))[0], fields[3]);
    assert.equal(decoder.isTooLong, false);
  });
});

describe("the encoder's blocks are what the decoder reads", () => {
  const SHARED = [
    [":method", "POST"],
    [":scheme", "http"],
    [":authority", "a"],
    ["te", "trailers"],
  ] as const;
  const fieldsOf = (path: string): readonly string[] => [
    ":method: POST",
    ":scheme: http",
    ":authority: a",
    `:path: ${path}`,
    "te: trailers",
  ];

  test("whatever the order of methods, beyond the room in the table and across changes of its size", () => {
    const step = fc.oneof(
      { weight: 9, arbitrary: fc.nat({ max: 120 }) },
      { weight: 1, arbitrary: fc.constantFrom(-1, -100, -1000, -4096, -65_536) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const encoder = new RequestEncoder(SHARED);
        const decoder = new HeaderDecoder(4096);
        for (const number of steps) {
          if (number < 0) {
            encoder.setMaxTableBytes(number === -1 ? 0 : -number);
            continue;
          }
          const path = `/package.of.some.Service/Method${number}`;
          assert.deepEqual(decode(decoder, Buffer.from(encoder.blockOf(path))), fieldsOf(path));
        }
      }),
      { numRuns: 100 },
    );
  });

  test("a method's block is one byte a field once its fields are known", () => {
    const encoder = new RequestEncoder(SHARED);
    encoder.blockOf("/a.B/C");
    const block = encoder.blockOf("/a.B/C");
    assert.equal(block.length, 5);
    assert.equal(encoder.blockOf("/a.B/C"), block);
  });
});

describe("against the HPACK of nghttp2", () => {
  let server: Http2Server;
  let channel: Channel;
  let seen: string[] = [];
  let answer: (stream: ServerHttp2Stream) => void = () => undefined;

  before(async () => {
    server = createServer();
    server.on("stream", (stream: ServerHttp2Stream, _headers: unknown, _flags: unknown, raw: string[]) => {
      seen = raw;
      stream.resume();
      answer(stream);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const bound = server.address();
    assert.ok(typeof bound === "object" && bound !== null);
    const limits = { maxReceiveMessageBytes: 1000, maxSendMessageBytes: 1000 };
    channel = createHttp2Client("test").connect(channelOptions([`127.0.0.1:${bound.port}`], limits));
  });

  after(async () => {
    await channel.close();
    server.close();
  });

  async function call(metadata: Metadata): Promise<CallRecorder> {
    const recorder = new CallRecorder();
    channel.open("/test.Raw/Call", metadata, 10_000, recorder).halfClose();
    const { status } = await recorder.ended;
    assert.equal(status.code, Code.OK, status.message);
    return recorder;
  }

  const GRPC = { ":status": 200, "content-type": "application/grpc" };
  // Names with a prefix of their own meet no rule of HTTP's; few of them, so that tables are hit and overflow.
  const name = fc.nat({ max: 30 }).map((n) => `x-${"n".repeat(n)}`);
  const ascii = fc
    .array(fc.integer({ min: 0x21, max: 0x7e }), { maxLength: 200 })
    .map((codes) => String.fromCharCode(...codes));
  const latin1 = fc
    .array(fc.oneof(fc.integer({ min: 0x21, max: 0x7e }), fc.integer({ min: 0x80, max: 0xff })), {
      maxLength: 300,
    })
    .map((codes) => String.fromCharCode(...codes));

  test("metadata arrives as it was sent", async () => {
    answer = (stream) => {
      stream.respond({ ...GRPC, "grpc-status": "0" }, { endStream: true });
    };
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(name, ascii), { maxLength: 30 }), async (fields) => {
        await call(fields.flat());
        const own = fields.map(([key, value]) => `${key}: ${value}`);
        const arrived = Array.from(
          { length: seen.length / 2 },
          (_, i) => `${seen[2 * i]}: ${seen[2 * i + 1]}`,
        );
        assert.deepEqual(
          arrived.filter((field) => field.startsWith("x-")),
          own,
        );
      }),
      { numRuns: 100 },
    );
  });

  test("headers and trailers are read as they were sent, every byte that HTTP allows among them", async () => {
    let fields: Record<string, string> = {};
    answer = (stream) => {
      stream.respond({ ...GRPC, ...fields }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0", ...fields }));
      stream.end();
    };
    await fc.assert(
      fc.asyncProperty(fc.dictionary(name, latin1, { maxKeys: 20 }), async (dictionary) => {
        fields = { ...dictionary };
        const recorder = await call([]);
        const expected = Object.entries(fields).flat();
        const headers = (recorder.headers[0] ?? []).slice(0);
        // Node adds a date.
        const date = headers.indexOf("date");
        if (date >= 0) headers.splice(date, 2);
        assert.deepEqual(headers, expected);
        assert.deepEqual(recorder.outcomes[0]?.trailers, expected);
      }),
      { numRuns: 100 },
    );
  });
});

test("metadata that must not be kept in a table says so", () => {
  const encoder = new MetadataEncoder();
  assert.equal(encoder.encode(["authorization", "secret"], ""), undefined);
  assert.equal((encoder.block[0] ?? 0) & 0xf0, 0x10);
});

describe("grpc-timeout", () => {
  for (const [remainingMs, field] of [
    [0.2, "1m"],
    [1, "1m"],
    [1500.9, "1500m"],
    [99_999_999, "99999999m"],
    [100_000_000, "100000S"],
    [Number.MAX_SAFE_INTEGER, ""],
  ] as const) {
    test(`${remainingMs} ms is ${JSON.stringify(field)}`, () =>
      assert.equal(timeoutField(remainingMs), field));
  }
});

describe("grpc-message", () => {
  for (const [text, message] of Object.entries({
    "": "",
    plain: "plain",
    "a%20b": "a b",
    "%E2%82%AC": "€",
    "%e2%82%ac": "€",
    "100%": "100%",
    "%": "%",
    "%4": "%4",
    "%zz%41": "%zzA",
    "%C3": "\u{fffd}",
    "\u{c3}\u{a9}": "é",
    "%F0%9F%98%80": "😀",
    "%00%0A": "\0\n",
  })) {
    test(JSON.stringify(text), () => assert.equal(decodeGrpcMessage(text), message));
  }
});
