/** The load generator's parts: a benchmark that reads replies wrongly or leaves waits out would flatter somebody. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { describe, test } from "node:test";
import { generateLoad } from "../../../bench/load/generator.ts";
import { ReplyFramer } from "../../../bench/load/reply-framer.ts";

const REPLIES = [
  { text: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", status: 200, bodyBytes: 5 },
  { text: "HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n", status: 204, bodyBytes: 0 },
  {
    text: "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n1a;x=y\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n",
    status: 200,
    bodyBytes: 31,
  },
  {
    text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n\r\n\r\n0\r\ngrpc-status: 0\r\nx: y\r\n\r\n",
    status: 200,
    bodyBytes: 2,
  },
];

describe("ReplyFramer", () => {
  for (const { text, status, bodyBytes } of REPLIES) {
    test(`finds the end of a reply cut anywhere: ${JSON.stringify(text)}`, () => {
      const bytes = Buffer.from(text);
      const framer = new ReplyFramer();
      for (let cut = 1; cut < bytes.length; cut++) {
        framer.reset();
        assert.equal(framer.take(bytes.subarray(0, cut)), false, `cut at ${cut}`);
        assert.equal(framer.take(bytes.subarray(cut)), true, `cut at ${cut}`);
        assert.equal(framer.status, status);
        assert.equal(framer.bodyBytes, bodyBytes);
      }
    });
  }

  test("keeps the beginning of a body that reports an error", () => {
    const framer = new ReplyFramer();
    framer.take(Buffer.from("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\n\r\nbusy"));
    assert.equal(framer.excerpt, "busy");
  });

  for (const text of [
    "HTTP/1.1 200 OK\r\n\r\n",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nab",
  ]) {
    test(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(() => new ReplyFramer().take(Buffer.from(text)));
    });
  }
});

async function serve(handler: RequestListener, use: (port: number) => Promise<void>): Promise<void> {
  const server = createServer(handler).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  try {
    await use(address.port);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const REQUEST = Buffer.from("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n");
const STALL_MS = 200;

describe("generateLoad", () => {
  test("sends exactly the requests asked for", async () => {
    let received = 0;
    const count: RequestListener = (_, response) => {
      received += 1;
      response.end("hello");
    };
    await serve(count, async (port) => {
      const result = await generateLoad(port, REQUEST, { kind: "requests", connections: 3, requests: 10 });
      assert.equal(result.requests, 10);
      assert.equal(received, 10);
    });
  });

  test("counts the wait of requests that were due while the server stalled", async () => {
    let isFirst = true;
    const stall: RequestListener = (_, response) => {
      setTimeout(() => response.end("hello"), isFirst ? STALL_MS : 0);
      isFirst = false;
    };
    await serve(stall, async (port) => {
      const load = { kind: "paced", connections: 1, seconds: 0.1, perSecond: 100, warmUpSeconds: 0 } as const;
      const result = await generateLoad(port, REQUEST, load);
      assert.equal(result.requests, 10);
      // All ten were due in the first 100 ms; none could be answered before the stall was over.
      assert.ok(result.p50Ms >= STALL_MS / 2, `${result.p50Ms} ms`);
    });
  });

  test("leaves requests that are due in the warm-up out of the latencies", async () => {
    await serve(
      (_, response) => response.end("hello"),
      async (port) => {
        const load = {
          kind: "paced",
          connections: 1,
          seconds: 0,
          perSecond: 200,
          warmUpSeconds: 0.05,
        } as const;
        const { requests, p99Ms } = await generateLoad(port, REQUEST, load);
        assert.deepEqual({ requests, p99Ms }, { requests: 10, p99Ms: 0 });
      },
    );
  });

  test("fails with the reply that is not 200", async () => {
    const refuse: RequestListener = (_, response) => response.writeHead(503).end("busy");
    await serve(refuse, async (port) => {
      await assert.rejects(
        generateLoad(port, REQUEST, { kind: "requests", connections: 1, requests: 1 }),
        /status 503: busy/,
      );
    });
  });
});
