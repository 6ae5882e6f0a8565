/**
 * WebSocket through the built gateway on both engines: bindings, control words, ends, limits. The kinds of methods in both
 * subprotocols, and their failures, are in `streaming-matrix-web-socket.test.ts`.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { startEchoServer } from "../support/echo-server.ts";
import { type GatewayProcess, startGateway } from "../support/gateway-process.ts";
import { describeGateway, descriptorPath, ENGINES, type Subject } from "../support/gateway-suite.ts";
import { closePayload, frameOf, Opcode } from "../support/raw-web-socket.ts";
import {
  type ClientFrame,
  openSocket,
  readToClose,
  refusedSocket,
  type SocketWords,
  sendFrame,
  talk,
} from "../support/socket-talk.ts";

const DONE = '@status {"code":0,"message":"","details":[]}';
const TOKEN = Buffer.from("tok.en").toString("base64url");
/** AllTypes with string_value "a" (field 14). */
const PROTO_A = Buffer.from([0x72, 1, 0x61]);

const CONFIG = {
  upstream: {
    json: { emitDefaults: false },
    http: {
      rules: [
        {
          selector: "sluice.test.v1.EchoService.Converse",
          post: "/v1/converse",
          body: "*",
          additionalBindings: [{ get: "/v1/rooms/{string_value}" }, { get: "/v1/parts", body: "nested" }],
        },
      ],
    },
    routes: [{ selector: "sluice.test.v1.EchoService.Collect", maxRequestBodyBytes: "2KiB" }],
  },
  listener: { cors: { enabled: true, origins: ["https://app.test"] } },
};

interface Case {
  readonly what: string;
  readonly target: string;
  readonly frames?: readonly ClientFrame[];
  readonly words?: SocketWords;
  readonly replies: readonly string[];
  /** The code of a failure, and its message. */
  readonly failure?: readonly [code: number, message: string];
}

const PROTO: SocketWords = { protocols: "sluice.proto" };

const CASES: readonly Case[] = [
  { what: "unary, by path", target: "/v1/count/2", replies: ['{"value":1}', '{"value":2}'] },
  {
    what: "unary with a body, JSON",
    target: "/v1/part/strings",
    frames: ['{"repeatedString":["a","b"]}'],
    replies: ['["a","b"]'],
  },
  {
    what: "unary whose reply is a text that looks like a control word",
    target: "/v1/part/string",
    frames: ['{"stringValue":"@status {}"}'],
    replies: ['"@status {}"'],
  },
  {
    what: "unary with a body, protobuf: whole messages, whatever response_body says",
    target: "/v1/part/strings",
    frames: [PROTO_A],
    words: PROTO,
    replies: [`0x${PROTO_A.toString("hex")}`],
  },
  {
    what: "unary without a body, protobuf",
    target: "/v1/any/x",
    words: PROTO,
    replies: ["0x72056578616374"],
  },
  {
    what: "server streaming by path and query",
    target: "/v1/count/1?padding_bytes=2",
    replies: ['{"value":1,"padding":"AAA="}'],
  },
  { what: "client streaming of nothing", target: "/v1/collect", frames: ["@end"], replies: ["{}"] },
  {
    what: "bidi of a binding without a body: whole messages, path and query in the first",
    target: "/v1/rooms/lobby?bool_value=true",
    frames: ['{"int32Value":1}', '{"stringValue":"own"}', "@end"],
    replies: ['{"int32Value":1,"boolValue":true,"stringValue":"lobby"}', '{"stringValue":"own"}'],
  },
  {
    what: "bidi of a binding without a body: the path wins",
    target: "/v1/rooms/lobby",
    frames: ['{"stringValue":"elsewhere"}', "@end"],
    replies: ['{"stringValue":"lobby"}'],
  },
  {
    what: "bidi, protobuf: the path wins",
    target: "/v1/rooms/lobby",
    frames: [PROTO_A, PROTO_A, "@end"],
    words: PROTO,
    replies: [
      `0x720161${Buffer.from([0x72, 5]).toString("hex")}${Buffer.from("lobby").toString("hex")}`,
      "0x720161",
    ],
  },
  {
    what: "bidi of a binding with a field as body",
    target: "/v1/parts?int32_value=7",
    frames: ['{"stringValue":"a"}', '{"stringValue":"b"}', "@end"],
    replies: ['{"int32Value":7,"nested":{"stringValue":"a"}}', '{"nested":{"stringValue":"b"}}'],
  },
  {
    what: "downloads of HttpBody",
    target: "/v1/blob:stream?chunks=2&text=hi&content_type=text/csv",
    replies: ["@type text/csv", "0x6869", "0x6869"],
  },
  {
    what: "a stream of uploads, by method",
    target: "/v1/blob:stream",
    frames: [Buffer.from("ab"), Buffer.from("c"), "@end"],
    words: { protocols: "sluice.json, sluice.method.POST" },
    replies: [
      `{"contentType":"application/octet-stream","sizeBytes":"3","sha256":"ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=","messages":2}`,
    ],
  },
  {
    what: "the method that has no GET",
    target: "/v1/ping",
    frames: ["{}"],
    words: { protocols: "sluice.json, sluice.method.POST" },
    replies: ["{}"],
  },
  {
    what: "a failure before any message",
    target: "/v1/fail/5?message=no+such",
    replies: [],
    failure: [5, "no such"],
  },
  {
    what: "a failure of a stream that has replied nothing, protobuf",
    target: "/v1/count/0?fail_code=16&fail_message=who",
    words: PROTO,
    replies: [],
    failure: [16, "who"],
  },
  {
    what: "a frame that is not JSON, after one that is",
    target: "/v1/collect",
    frames: ['{"stringValue":"a"}', "{"],
    replies: [],
    failure: [3, "the body: expected a key in quotes, found the end of the text (line 1, column 2)"],
  },
  {
    what: "a second message where one is taken",
    target: "/v1/hang",
    frames: ["{}"],
    replies: [],
    failure: [3, "a message after the last one: sluice.test.v1.EchoService.Hang is unary"],
  },
];

describeGateway("WebSocket", CONFIG, (subject) => {
  for (const { what, target, frames = [], words, replies, failure } of CASES) {
    test(what, async () => {
      const heard = await talk(subject.port, target, frames, words);
      assert.deepEqual(heard.frames.slice(0, -1), replies);
      const last = heard.frames.at(-1) ?? "";
      if (failure === undefined) {
        assert.equal(last, DONE);
        assert.deepEqual([heard.code, heard.reason], [1000, ""]);
        return;
      }
      const [code, message] = failure;
      assert.match(last, /^@status \{/);
      const status: unknown = JSON.parse(last.slice("@status ".length));
      assert.ok(typeof status === "object" && status !== null && "code" in status && "message" in status);
      assert.deepEqual([status.code, status.message, heard.code], [code, message, 4000 + code]);
      assert.equal(heard.reason, message);
    });
  }

  test("a reply comes while the client goes on", async () => {
    const socket = await openSocket(subject.port, "/v1/converse", { protocols: "sluice.json" });
    for (const text of ["a", "b", "c"]) {
      await sendFrame(socket, `{"stringValue":"${text}"}`);
      assert.equal(await socket.text(), `{"stringValue":"${text}"}`);
    }
    await sendFrame(socket, "@end");
    assert.deepEqual((await readToClose(socket)).frames, [DONE]);
  });

  test("metadata come as control words, and in them go credentials", async () => {
    const target = "/v1/metadata?headers[x-early]=1&trailers[x-late]=2";
    const words = { protocols: `sluice.json, sluice.bearer.${TOKEN}`, headers: ["X-Own", "mine"] };
    const heard = await talk(subject.port, target, [], words);
    assert.equal(heard.protocol, "sluice.json");
    const [headers = "", reply = "", trailers] = heard.frames;
    assert.match(headers, /^@headers \{.*"x-early":"1"/);
    assert.equal(trailers, '@trailers {"x-late":"2"}');
    assert.match(reply, /\{"key":"authorization","value":"Bearer tok\.en"\}/);
    assert.match(reply, /\{"key":"x-own","value":"mine"\}/);
    assert.doesNotMatch(reply, /sec-websocket|sluice\.bearer|"upgrade"/);
  });

  for (const [what, target, words, status, reason] of [
    ["no route", "/v1/nowhere", {}, 404, "NO_ROUTE"],
    ["a bad path", "/v1/count/x", {}, 400, "PARAM_INVALID"],
    ["a bad query", "/v1/count/1?nope=1", {}, 400, "PARAM_UNKNOWN"],
    ["a query where the body takes all", "/v1/converse?int32_value=1", {}, 400, "PARAM_UNKNOWN"],
    ["a foreign page", "/v1/count/1", { headers: ["Origin", "https://evil.test"] }, 403, "ORIGIN_REFUSED"],
    ["an unknown subprotocol", "/v1/count/1", { protocols: "chat" }, 400, "HANDSHAKE_INVALID"],
    [
      "a method that the path has not",
      "/v1/count/1",
      { protocols: "sluice.json, sluice.method.PUT" },
      405,
      "METHOD_NOT_ALLOWED",
    ],
  ] as const) {
    test(`is refused as HTTP: ${what}`, async () => {
      const reply = await refusedSocket(subject.port, target, words);
      assert.equal(reply.status, status);
      assert.match(reply.body.toString(), new RegExp(`"reason":"${reason}"`));
    });
  }

  for (const origin of ["http://localhost", "https://app.test"]) {
    test(`is open to pages of ${origin}`, async () => {
      assert.equal((await talk(subject.port, "/v1/count/1", [], { headers: ["Origin", origin] })).code, 1000);
    });
  }

  for (const [what, leave] of [
    ["resets", (socket: Awaited<ReturnType<typeof openSocket>>) => socket.client.reset()],
    [
      "closes",
      (socket: Awaited<ReturnType<typeof openSocket>>) => void socket.send(Opcode.CLOSE, closePayload(1001)),
    ],
  ] as const) {
    for (const [target, frames] of [
      ["/v1/hang", []],
      ["/v1/hang:stream?to=1", []],
      ["/v1/collect", ["{}"]],
      ["/v1/converse", ["{}"]],
    ] as const) {
      test(`the call of ${target} is cancelled at once when the client ${what}`, async () => {
        const from = subject.echo.calls.length;
        const socket = await openSocket(subject.port, target);
        for (const frame of frames) await sendFrame(socket, frame);
        const call = (await subject.echo.untilCalls(from + 1))[from];
        leave(socket);
        assert.equal(await call?.ended, "cancelled");
        await subject.gateway.logged(
          (line) => line.rpc === call?.path.slice(1).replace("/", ".") && line.reason === "CLIENT_GONE",
        );
        socket.client.close();
      });
    }
  }

  test("a frame that cannot be read cancels the call", async () => {
    const from = subject.echo.calls.length;
    const socket = await openSocket(subject.port, "/v1/converse");
    await sendFrame(socket, "{}");
    await socket.text();
    await sendFrame(socket, "nonsense");
    const heard = await readToClose(socket);
    assert.equal(heard.code, 4003);
    assert.equal(await subject.echo.calls[from]?.ended, "cancelled");
  });

  test("a message beyond the route's limit closes with 1009", async () => {
    const from = subject.echo.calls.length;
    const heard = await talk(subject.port, "/v1/collect", [`{"stringValue":"${"x".repeat(2048)}"}`]);
    assert.deepEqual([heard.code, heard.frames], [1009, []]);
    assert.equal(await (await subject.echo.untilCalls(from + 1))[from]?.ended, "cancelled");
  });

  test("is one line in the access log, and one request in the metrics", async () => {
    await talk(subject.port, "/v1/fail/9?message=logged", [], {
      headers: ["X-Request-Id", `id-${subject.engine}`],
    });
    const line = await subject.gateway.logged(({ requestId }) => requestId === `id-${subject.engine}`);
    assert.equal(line.status ?? line.httpStatus, 101);
    const metrics = await (await fetch(`${subject.gateway.adminUrl}/metrics`)).text();
    assert.match(
      metrics,
      /sluice_requests_total\{.*rpc="sluice\.test\.v1\.EchoService\.Fail".*http_status="101".*FAILED_PRECONDITION"\}/,
    );
  });

  test("many messages both ways arrive in order", async () => {
    const socket = await openSocket(subject.port, "/v1/converse");
    const count = 5000;
    const frames = Array.from({ length: count }, (_, i) => frameOf(Opcode.TEXT, `{"int32Value":${i + 1}}`));
    const sent = socket.client.send(Buffer.concat([...frames, frameOf(Opcode.TEXT, "@end")]));
    for (let i = 1; i <= count; i++) assert.equal(await socket.text(), `{"int32Value":${i}}`);
    await sent;
    assert.deepEqual((await readToClose(socket)).frames, [DONE]);
  });

  test("a reader that stops gets all of it once it goes on", async () => {
    const socket = await openSocket(subject.port, "/v1/count/200?padding_bytes=100000", PROTO);
    await socket.frame();
    socket.client.socket.pause();
    await subject.send("GET /v1/ping");
    socket.client.socket.resume();
    for (let value = 2; value <= 200; value++) {
      const { payload } = await socket.frame();
      assert.equal(payload.readUInt8(1) & 0x7f, value & 0x7f);
    }
    assert.deepEqual((await readToClose(socket)).frames, [DONE]);
  });

  test("a plain request is one, beside an upgrade that is none", async () => {
    const answer = await subject.send("GET /v1/ping", {
      headers: ["connection", "upgrade", "upgrade", "h2c"],
    });
    assert.deepEqual([answer.status, answer.body.toString()], [200, "{}"]);
  });
});

/** A gateway of its own for each engine. */
function describeEngineGateways(
  title: string,
  listener: object,
  cases: (start: () => Promise<Own>) => void,
): void {
  for (const engine of ENGINES) {
    describe(`${title}, engine ${engine}`, { timeout: 30_000 }, () => {
      cases(async () => {
        const echo = await startEchoServer();
        const gateway = await startGateway({
          listeners: [{ address: "127.0.0.1:0", engine, ...listener }],
          shutdown: { drainTimeout: "10s" },
          upstreams: { echo: { address: echo.address, schema: { descriptors: [descriptorPath()] } } },
        });
        const port = Number(new URL(gateway.url(0)).port);
        return {
          gateway,
          port,
          echo,
          stop: async () => void (await Promise.all([gateway.stop(), echo.close()])),
        };
      });
    });
  }
}

interface Own extends Pick<Subject, "port" | "echo"> {
  readonly gateway: GatewayProcess;
  stop(): Promise<void>;
}

describeEngineGateways("a gateway that drains", {}, (start) => {
  test("tells WebSockets that it goes away, lets single replies come, and ends", async () => {
    const own = await start();
    try {
      const chat = await openSocket(own.port, "/v1/converse");
      await sendFrame(chat, "{}");
      await chat.text();
      const ended = own.gateway.stop();
      const heard = await readToClose(chat);
      assert.equal(heard.code, 1001);
      assert.match(heard.frames[0] ?? "", /^@status \{"code":14,.*"DRAINING"/);
      assert.equal(await own.echo.calls[0]?.ended, "cancelled");
      assert.equal(await ended, 0);
    } finally {
      await own.stop();
    }
  });
});

describeEngineGateways("credentials in the first frame", { webSocket: { credentials: "frame" } }, (start) => {
  test("become metadata, before anything is called", async () => {
    const own = await start();
    try {
      const frames = ['@headers {"Authorization":"Bearer abc"}'];
      const heard = await talk(own.port, "/v1/metadata", frames);
      assert.match(heard.frames.join(), /"authorization","value":"Bearer abc"/);
      const chat = await talk(own.port, "/v1/collect", ["@headers {}", "@end"]);
      assert.equal(chat.code, 1000);
      const without = await talk(own.port, "/v1/collect", ["{}"]);
      assert.equal(without.code, 4003);
      assert.equal(own.echo.calls.length, 2);
    } finally {
      await own.stop();
    }
  });
});

describeEngineGateways("pings", { webSocket: { pingInterval: "500ms" } }, (start) => {
  test("find clients that are gone, and keep those that answer", async () => {
    const own = await start();
    try {
      const dead = await openSocket(own.port, "/v1/hang:stream?to=0");
      const alive = await openSocket(own.port, "/v1/hang:stream?to=0");
      await own.echo.untilCalls(2);
      const gone = dead.client.closed();
      let isGone = false;
      void gone.then(() => {
        isGone = true;
      });
      let pings = 0;
      while (!isGone || pings < 4) {
        const frame = await alive.frame();
        assert.equal(frame.opcode, Opcode.PING);
        await alive.send(Opcode.PONG, frame.payload);
        pings++;
      }
      await own.gateway.logged(({ reason }) => reason === "CLIENT_GONE");
      alive.client.close();
    } finally {
      await own.stop();
    }
  });
});

describeEngineGateways("without WebSockets", { webSocket: { enabled: false } }, (start) => {
  test("a handshake is a plain request", async () => {
    const own = await start();
    try {
      const reply = await refusedSocket(own.port, "/v1/ping");
      assert.deepEqual([reply.status, reply.body.toString()], [200, "{}"]);
    } finally {
      await own.stop();
    }
  });
});
