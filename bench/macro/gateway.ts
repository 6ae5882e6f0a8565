/**
 * CPU per request of the gateway process, whole: `npm run bench:gateway [-- requests [connections]]` (Linux: it reads
 * /proc). The built dist/ serves the library's descriptor set in front of an upstream that answers every call with one
 * fixed message, both in processes of their own; this process is the client. Every variant (engine, gRPC client) takes
 * its turn, three times, so that a busy machine is unkind to all alike; the best turn counts.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http2";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { create, toBinary } from "@bufbuild/protobuf";
import { BookSchema, ListBooksResponseSchema, ShelfSchema } from "../../src/gen/library/v1/library_pb.ts";
import { cpuMs, frame, type GatewayUnderTest, rssMb, startGateway } from "./gateway-under-test.ts";

const TURNS = 3;
const BOOK = create(BookSchema, {
  name: "shelves/1/books/frankenstein",
  title: "Frankenstein; or, The Modern Prometheus",
  authors: [{ displayName: "Mary Shelley", birthYear: 1797 }],
  isbn: "9780141439471",
  pageCount: 273,
  accessionNumber: 9007199254740993n,
  labels: { century: "19", language: "en" },
  etag: "e0a8a8e0c04f7bee",
});
const WORKLOADS = [
  {
    name: "small GET",
    path: "/v1/shelves/1",
    reply: toBinary(ShelfSchema, create(ShelfSchema, { name: "shelves/1" })),
  },
  { name: "GET, 0.4 kB reply", path: "/v1/shelves/1/books/frankenstein", reply: toBinary(BookSchema, BOOK) },
  {
    name: "GET, 50 kB reply",
    path: "/v1/shelves/1/books",
    reply: toBinary(
      ListBooksResponseSchema,
      create(ListBooksResponseSchema, { books: Array.from({ length: 125 }, () => BOOK) }),
    ),
  },
];
const VARIANTS = [
  { engine: "uws", client: "http2" },
  { engine: "uws", client: "grpc-js" },
  { engine: "node", client: "http2" },
  { engine: "node", client: "grpc-js" },
];

/** Answers every call with the message of its workload, by the path of the RPC. */
function serveUpstream(): void {
  const replies = new Map(
    ["GetShelf", "GetBook", "ListBooks"].map((method, i) => [
      method,
      frame(WORKLOADS[i]?.reply ?? new Uint8Array()),
    ]),
  );
  const server = createServer({ settings: { initialWindowSize: 1 << 20 } });
  server.on("stream", (stream, headers) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.on("error", () => undefined);
    stream.resume();
    stream.end(replies.get(headers[":path"]?.split("/")[2] ?? ""));
  });
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    process.send?.(typeof address === "object" ? address?.port : undefined);
  });
}

/** Sends `count` requests one after the other over one connection. */
function drive(port: number, path: string, count: number): Promise<void> {
  const request = `GET ${path} HTTP/1.1\r\nhost: localhost\r\nuser-agent: bench\r\naccept: */*\r\n\r\n`;
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(request));
    let left = count;
    let awaited = 0;
    socket.setNoDelay(true);
    socket.on("error", reject);
    socket.on("data", (chunk: Buffer) => {
      if (awaited === 0) {
        const text = chunk.toString("latin1");
        const length = Number(/content-length: (\d+)/i.exec(text)?.[1]);
        if (!text.startsWith("HTTP/1.1 200") || Number.isNaN(length)) {
          reject(new Error(text));
          return;
        }
        awaited = text.indexOf("\r\n\r\n") + 4 + length;
      }
      awaited -= chunk.length;
      if (awaited > 0) return;
      awaited = 0;
      left -= 1;
      if (left > 0) socket.write(request);
      else socket.end(resolve);
    });
  });
}

async function measure(
  gateway: GatewayUnderTest,
  path: string,
  requests: number,
  connections: number,
): Promise<number> {
  const pid = gateway.child.pid ?? 0;
  const each = Math.ceil(requests / connections);
  const load = async (count: number): Promise<void> => {
    await Promise.all(Array.from({ length: connections }, () => drive(gateway.port, path, count)));
  };
  await load(Math.ceil(each / 4));
  const before = cpuMs(pid);
  await load(each);
  return ((cpuMs(pid) - before) * 1000) / (each * connections);
}

async function main(): Promise<void> {
  const [requests = 20_000, connections = 16] = process.argv.slice(2).map(Number);
  const upstream = fork(fileURLToPath(import.meta.url), { env: { ...process.env, BENCH_ROLE: "upstream" } });
  const [port] = await once(upstream, "message");
  console.log(
    `CPU of the gateway process per request, µs; ${requests} requests over ${connections} connections`,
  );
  const best = new Map<string, number>();
  const memory = new Map<string, number>();
  for (let turn = 0; turn < TURNS; turn++) {
    for (const variant of VARIANTS) {
      const gateway = await startGateway(variant, Number(port));
      for (const { name, path } of WORKLOADS) {
        const key = `${name} ${variant.engine} ${variant.client}`;
        const count = path.endsWith("books") ? requests / 10 : requests;
        const cost = await measure(gateway, path, count, connections);
        best.set(key, Math.min(best.get(key) ?? Number.POSITIVE_INFINITY, cost));
      }
      memory.set(`${variant.engine} ${variant.client}`, rssMb(gateway.child.pid ?? 0));
      gateway.child.kill();
      await once(gateway.child, "close");
    }
  }
  upstream.kill();
  const columns = VARIANTS.map(({ engine, client }) => `${engine} ${client}`);
  const row = (title: string, values: readonly string[]): void => {
    console.log(title.padEnd(20) + values.map((value) => value.padStart(14)).join(""));
  };
  row("", columns);
  for (const { name } of WORKLOADS) {
    row(
      name,
      columns.map((column) => (best.get(`${name} ${column}`) ?? Number.NaN).toFixed(1)),
    );
  }
  row(
    "RSS after, MB",
    columns.map((column) => (memory.get(column) ?? Number.NaN).toFixed(0)),
  );
}

if (process.env.BENCH_ROLE === "upstream") serveUpstream();
else await main();
