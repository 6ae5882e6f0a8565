/**
 * CPU per request of an HTTP engine, alone: `node bench/micro/http-engine.ts [requests]` (Node >= 22.18, or compiled).
 *
 * Each engine serves in a child process, which tells its own CPU time, so that the client costs nothing. Eight kept-alive
 * connections with one request each under way; a small POST that is read whole and answered with 200 bytes.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { createNodeHttpEngine } from "../../src/http/engines/node-http/index.ts";
import { portOf, TEST_LIMITS } from "../../test/support/listening.ts";
import { uwsEngine } from "../../test/support/uws-engine.ts";

const CONNECTIONS = 8;
const BODY = JSON.stringify({ name: "shelves/1", title: "x".repeat(170) });
const REQUEST =
  `POST /v1/shelves/1/books?page_size=2 HTTP/1.1\r\nhost: localhost:8080\r\nuser-agent: bench\r\naccept: */*\r\n` +
  `content-type: application/json\r\nx-request-id: 0123456789abcdef\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`;

async function serve(name: string): Promise<void> {
  const engine = name === "uws" ? uwsEngine() : createNodeHttpEngine();
  const reply = Buffer.from(BODY);
  const headers = ["content-type", "application/json", "x-request-id", "0123456789abcdef"];
  const listener = await engine.listen(
    { host: "127.0.0.1", port: 0 },
    { limits: TEST_LIMITS },
    (exchange) => {
      exchange.readBody(1024 * 1024, {
        onChunk: () => undefined,
        // As behind an upstream: the reply comes in a later turn.
        onEnd: () => void setImmediate(() => exchange.respond(200, headers, reply)),
        onTooLarge: () => undefined,
      });
    },
  );
  process.on("message", (message) => {
    if (message === "cpu") process.send?.(process.cpuUsage());
    else process.exit(0);
  });
  process.send?.(portOf(listener));
}

/** Sends `count` requests over one connection, one after the other. */
function drive(port: number, count: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let left = count;
    let end = "";
    socket.setNoDelay(true);
    socket.setEncoding("latin1");
    socket.on("error", reject);
    socket.on("data", (text: string) => {
      end = (end + text).slice(-BODY.length);
      if (end !== BODY) return;
      end = "";
      left -= 1;
      if (left > 0) {
        socket.write(REQUEST);
        return;
      }
      socket.destroy();
      resolve();
    });
    socket.write(REQUEST);
  });
}

async function measure(name: string, requests: number): Promise<void> {
  const child = fork(fileURLToPath(import.meta.url), [], { env: { ...process.env, BENCH_ENGINE: name } });
  const [port] = (await once(child, "message")) as [number];
  const cpu = async (): Promise<number> => {
    child.send("cpu");
    const [usage] = (await once(child, "message")) as [NodeJS.CpuUsage];
    return usage.user + usage.system;
  };
  const run = (count: number): Promise<unknown> =>
    Promise.all(Array.from({ length: CONNECTIONS }, () => drive(port, Math.ceil(count / CONNECTIONS))));
  await run(requests / 4);
  const [before, started] = [await cpu(), performance.now()];
  await run(requests);
  const [after, ended] = [await cpu(), performance.now()];
  child.send("exit");
  const perSecond = Math.round((requests * 1000) / (ended - started));
  console.log(
    `${name}: ${((after - before) / requests).toFixed(1)} µs CPU a request, ${perSecond} requests/s`,
  );
}

const served = process.env.BENCH_ENGINE;
if (served !== undefined) {
  await serve(served);
} else {
  const requests = Number(process.argv[2] ?? 40_000);
  for (const name of ["node", "uws"]) await measure(name, requests);
}
