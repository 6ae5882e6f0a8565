/**
 * Upstreams that are dead, hang, lie, or are no gRPC servers, by name. Each listens on a free port.
 */
import { readFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { constants, type ServerHttp2Stream } from "node:http2";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { ECHO_DESCRIPTORS } from "./echo-server.ts";
import { frame, startHttp2Server } from "./grpc-http2.ts";

/** Running faulty upstreams. */
export interface FaultyUpstreams {
  /** Address by name. */
  readonly addresses: ReadonlyMap<string, string>;
  close(): Promise<void>;
}

const GRPC = { ":status": 200, "content-type": "application/grpc" } as const;
const OK = { "grpc-status": "0" } as const;
/** CountReply and AllTypes both read it: field 1 of wire type varint, which AllTypes has as a double. */
const COUNT_REPLY = Uint8Array.of(0x08, 0x01);

/** Answers with headers, bytes of body, and trailers (none: the stream just ends). */
function reply(
  headers: Readonly<Record<string, string | number>>,
  body: Uint8Array,
  trailers?: Readonly<Record<string, string>>,
): (stream: ServerHttp2Stream) => void {
  return (stream) => {
    stream.respond(headers, { waitForTrailers: trailers !== undefined });
    stream.on("wantTrailers", () => stream.sendTrailers(trailers ?? {}));
    stream.end(body);
  };
}

const html = (status: number): ((stream: ServerHttp2Stream) => void) =>
  reply({ ":status": status, "content-type": "text/html" }, Buffer.from("<h1>secret page</h1>"));

/** HTTP/2 servers by what they do with every call. */
const HTTP2: Readonly<Record<string, (stream: ServerHttp2Stream) => void>> = {
  html200: html(200),
  html404: html(404),
  html502: html(502),
  html401: html(401),
  redirect: reply({ ":status": 302, location: "https://elsewhere.example/" }, Buffer.alloc(0)),
  "no-content-type": reply({ ":status": 200 }, Buffer.from("hello")),
  "no-status": reply(GRPC, frame(COUNT_REPLY)),
  "no-status-no-message": reply(GRPC, Buffer.alloc(0)),
  "status-garbage": reply(GRPC, Buffer.alloc(0), { "grpc-status": "abc" }),
  "no-message": reply(GRPC, Buffer.alloc(0), OK),
  "two-messages": reply(GRPC, Buffer.concat([frame(new Uint8Array(0)), frame(new Uint8Array(0))]), OK),
  truncated: reply(GRPC, Buffer.from([0, 0, 0, 0, 100, 1, 2, 3]), OK),
  "cut-prefix": reply(GRPC, Buffer.from([0, 0]), OK),
  "wrong-type": reply(GRPC, frame(COUNT_REPLY), OK),
  compressed: reply(GRPC, Buffer.from([1, 0, 0, 0, 3, 1, 2, 3]), OK),
  "broken-gzip": reply({ ...GRPC, "grpc-encoding": "gzip" }, Buffer.from([1, 0, 0, 0, 3, 1, 2, 3]), OK),
  huge: reply(GRPC, Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 1, 2, 3]), OK),
  reset: (stream) => stream.close(constants.NGHTTP2_INTERNAL_ERROR),
  refuse: (stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM),
  "dies-at-once": (stream) => stream.session?.destroy(),
  "dies-midway": (stream) => {
    stream.respond(GRPC);
    stream.write(frame(Uint8Array.of(0x08, 0x01)), () => setImmediate(() => stream.session?.destroy()));
  },
  silent: () => undefined,
  "silent-after-headers": (stream) => stream.respond(GRPC),
};

/** Plain TCP servers by what they do with every connection. */
const TCP: Readonly<Record<string, (socket: Socket) => void>> = {
  hanging: () => undefined,
  garbage: (socket) => {
    socket.write(Buffer.alloc(4096, 0xa5));
  },
  closing: (socket) => {
    socket.end();
  },
  resetting: (socket) => {
    socket.resetAndDestroy();
  },
};

/** Starts all of them, and takes an address where nobody listens, and one whose name does not resolve. */
export async function startFaultyUpstreams(): Promise<FaultyUpstreams> {
  const addresses = new Map<string, string>([["unresolvable", "nothing.invalid:50051"]]);
  const closers: (() => Promise<void>)[] = [];
  for (const [name, onStream] of Object.entries(HTTP2)) {
    const server = await startHttp2Server(onStream);
    addresses.set(name, server.address);
    closers.push(() => server.close());
  }
  for (const [name, onConnection] of Object.entries(TCP)) {
    const server = createServer(onConnection);
    addresses.set(name, await listenTcp(server));
    closers.push(closerOf(server));
  }
  const web = createHttpServer((_request, response) => response.end("<h1>secret page</h1>"));
  addresses.set("http1", await listenTcp(web));
  closers.push(closerOf(web));
  const gone = createServer();
  addresses.set("refused", await listenTcp(gone));
  await closerOf(gone)();
  return {
    addresses,
    close: async () => {
      await Promise.all(closers.map((close) => close()));
    },
  };
}

/** The echo service's descriptor set without its rules, so that any number of upstreams can have it. */
export function descriptorsWithoutRules(): Uint8Array {
  const set = fromBinary(FileDescriptorSetSchema, readFileSync(ECHO_DESCRIPTORS));
  for (const file of set.file) {
    for (const service of file.service) for (const method of service.method) method.options = undefined;
  }
  return toBinary(FileDescriptorSetSchema, set);
}

async function listenTcp(server: Server): Promise<string> {
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  // A TCP server that listens has an address of this form.
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function closerOf(server: Server): () => Promise<void> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
  });
  return () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
}
