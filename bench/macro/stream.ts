/**
 * CPU per message of the gateway process in a long server stream: `npm run bench:stream [-- messages]` (Linux: it reads
 * /proc). The upstream sends one small event again and again, as fast as it is read; this process reads the reply to its
 * end and counts the events. Every variant (engine, form) takes its turn, three times; the best turn counts.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { createServer, type ServerHttp2Stream } from "node:http2";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { create, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { BookEventSchema } from "../../src/gen/library/v1/library_pb.ts";
import { cpuMs, frame, type GatewayUnderTest, rssMb, startGateway } from "./gateway-under-test.ts";

const TURNS = 3;
const EVENT = frame(
  toBinary(
    BookEventSchema,
    create(BookEventSchema, {
      revision: 123456n,
      time: timestampFromMs(1_700_000_000_123),
      event: { case: "deleted", value: "shelves/1/books/frankenstein" },
    }),
  ),
);
/** How many events the upstream writes at once. */
const BLOCK_EVENTS = 256;
const VARIANTS = ["uws", "node"].flatMap((engine) =>
  ["application/x-ndjson", "application/json", "text/event-stream"].map((accept) => ({
    engine,
    accept,
    client: "http2",
  })),
);

/** Answers `WatchBooks` with as many events as the field `limit` of the environment says. */
function serveUpstream(): void {
  const total = Number(process.env.BENCH_MESSAGES);
  const block = Buffer.concat(Array.from({ length: BLOCK_EVENTS }, () => EVENT));
  const send = (stream: ServerHttp2Stream, left: number): void => {
    let rest = left;
    while (rest > 0) {
      const count = Math.min(rest, BLOCK_EVENTS);
      rest -= count;
      if (stream.write(block.subarray(0, count * EVENT.length))) continue;
      stream.once("drain", () => send(stream, rest));
      return;
    }
    stream.end();
  };
  const server = createServer({ settings: { initialWindowSize: 1 << 20 } });
  server.on("stream", (stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.on("error", () => undefined);
    stream.resume();
    send(stream, total);
  });
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    process.send?.(typeof address === "object" ? address?.port : undefined);
  });
}

const WORD = Buffer.from('"deleted"');

/** Reads one stream to the end of its connection; gives how many events came, and how many reads it took. */
function read(port: number, accept: string): Promise<{ readonly events: number; readonly reads: number }> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.write(
        `GET /v1/shelves/1/books:watch HTTP/1.1\r\nhost: a\r\naccept: ${accept}\r\nconnection: close\r\n\r\n`,
      );
    });
    let events = 0;
    let reads = 0;
    let tail = Buffer.alloc(0);
    socket.on("error", reject);
    socket.on("data", (chunk: Buffer) => {
      reads += 1;
      const text = Buffer.concat([tail, chunk]);
      let at = text.indexOf(WORD);
      for (; at >= 0; at = text.indexOf(WORD, at + WORD.length)) events += 1;
      tail = text.subarray(Math.max(0, text.length - WORD.length + 1));
    });
    socket.on("end", () => socket.end());
    socket.on("close", () => resolve({ events, reads }));
  });
}

async function measure(gateway: GatewayUnderTest, accept: string, messages: number): Promise<number> {
  const pid = gateway.child.pid ?? 0;
  const before = cpuMs(pid);
  const { events } = await read(gateway.port, accept);
  // Cut chunks can hide an event from the count, but a broken stream loses far more than these.
  if (events < messages * 0.99) throw new Error(`${accept}: only ${events} of ${messages} events came`);
  return ((cpuMs(pid) - before) * 1000) / messages;
}

async function main(): Promise<void> {
  const [messages = 1_000_000] = process.argv.slice(2).map(Number);
  const upstream = fork(fileURLToPath(import.meta.url), {
    env: { ...process.env, BENCH_ROLE: "upstream", BENCH_MESSAGES: String(messages) },
  });
  const [port] = await once(upstream, "message");
  console.log(`CPU of the gateway process per message, µs; streams of ${messages} messages`);
  for (const variant of VARIANTS) {
    let best = Number.POSITIVE_INFINITY;
    let memory = 0;
    const gateway = await startGateway(variant, Number(port));
    for (let turn = 0; turn < TURNS; turn++) {
      best = Math.min(best, await measure(gateway, variant.accept, messages));
      memory = Math.max(memory, rssMb(gateway.child.pid ?? 0));
    }
    gateway.child.kill();
    await once(gateway.child, "close");
    const name = `${variant.engine} ${variant.accept}`;
    console.log(`${name.padEnd(30)} ${best.toFixed(2).padStart(6)}   RSS ${memory.toFixed(0)} MB`);
  }
  upstream.kill();
}

if (process.env.BENCH_ROLE === "upstream") serveUpstream();
else await main();
