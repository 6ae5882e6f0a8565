/**
 * A gRPC server on node:http2 that answers with kept bytes, for benchmarks: every call gets its method's message, a call
 * of WatchBooks as often as the request's `limit` says. A process forked on {@link serveNodeUpstream} tells its port.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { createServer, type ServerHttp2Stream } from "node:http2";
import { fileURLToPath } from "node:url";
import { fromBinary } from "@bufbuild/protobuf";
import { WatchBooksRequestSchema } from "../src/gen/library/v1/library_pb.ts";
import { LIBRARY_REPLIES } from "./library-replies.ts";

/** The 5-byte prefix of gRPC: a flag and a length. */
const PREFIX_BYTES = 5;
const WINDOW_BYTES = 1 << 20;
/** Messages of a stream are joined up to about this. */
const JOINED_BYTES = 64 * 1024;
const ROLE = "BENCH_NODE_UPSTREAM";

/** Starts the server as a process of its own. */
export async function forkNodeUpstream(): Promise<{ readonly child: ChildProcess; readonly port: number }> {
  const child = fork(fileURLToPath(import.meta.url), { env: { ...process.env, [ROLE]: "1" } });
  const [port] = await once(child, "message");
  return { child, port: Number(port) };
}

function serveNodeUpstream(): void {
  const replies = new Map([...LIBRARY_REPLIES].map(([method, message]) => [method, frame(message)]));
  const server = createServer({ settings: { initialWindowSize: WINDOW_BYTES } });
  server.on("stream", (stream, headers) => {
    const method = headers[":path"]?.split("/")[2] ?? "";
    stream.on("error", () => undefined);
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    const reply = replies.get(method) ?? Buffer.alloc(0);
    if (method === "WatchBooks") {
      answerStream(stream, reply);
      return;
    }
    stream.resume();
    stream.end(reply);
  });
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    process.send?.(typeof address === "object" ? address?.port : undefined);
  });
}

function answerStream(stream: ServerHttp2Stream, reply: Buffer): void {
  const request: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => request.push(chunk));
  stream.on("end", () => {
    let left = fromBinary(WatchBooksRequestSchema, Buffer.concat(request).subarray(PREFIX_BYTES)).limit;
    const perWrite = Math.ceil(JOINED_BYTES / reply.length);
    const joined = Buffer.concat(Array.from({ length: perWrite }, () => reply));
    const proceed = (): void => {
      while (left > 0 && !stream.destroyed) {
        const count = Math.min(left, perWrite);
        left -= count;
        if (!stream.write(joined.subarray(0, count * reply.length))) {
          stream.once("drain", proceed);
          return;
        }
      }
      stream.end();
    };
    proceed();
  });
}

function frame(message: Uint8Array): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(message.byteLength, 1);
  return Buffer.concat([prefix, message]);
}

if (process.env[ROLE] !== undefined) {
  // Whoever forked it is gone.
  process.once("disconnect", () => process.exit(0));
  serveNodeUpstream();
}
