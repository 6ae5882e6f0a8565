/**
 * The upstream of the proofs: a gRPC server on node:http2 in a process of its own, as fast as one in Node gets, that counts
 * and digests what it sends and reads. It speaks for some methods of test/fixtures/echo/echo.proto:
 *
 *   DownloadStream      `chunks` blocks
 *   UploadStream        reads to the end, or nothing until it is released
 *   Count               `to` numbers
 *   HangStream          an event a second to every call; `to` above 0: as many as the client takes
 *
 * Calls are known by the metadata field `x-proof`; over IPC their state can be asked for.
 */
import { createHash, type Hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { constants, createServer, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { EchoCodec } from "../support/echo-codec.ts";
import { blankBlock, blockOf, stamped } from "./blob.ts";
import { EVENT_PADDING_BYTES, isOrder } from "./upstream.ts";

/** The 5-byte prefix of gRPC: a flag and a length. */
const PREFIX_BYTES = 5;
const STREAM_WINDOW_BYTES = 1 << 20;
const SESSION_WINDOW_BYTES = 8 << 20;
const MAX_STREAMS = 10_000;
const EVENT_PERIOD_MS = 1000;
/** Numbers are joined up to about this. */
const JOINED_BYTES = 32 * 1024;

/** What is known of one call. */
class ProofCall {
  /** Bytes of messages that have left for the gateway. */
  sentBytes = 0;
  receivedBytes = 0;
  /** Of the blob's bytes, sent or received. */
  readonly hash: Hash = createHash("sha256");
  sha256: string | undefined;
  isOver = false;
  /** Set while the call is held. */
  release: (() => void) | undefined;
}

const codec = new EchoCodec(readFileSync("test/fixtures/echo/echo.binpb"));
const calls = new Map<string, ProofCall>();
const watchers = new Set<ServerHttp2Stream>();
const event = frame(
  codec.encode("sluice.test.v1.CountReply", { value: 1, padding: Buffer.alloc(EVENT_PADDING_BYTES) }),
);

function serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
  const call = new ProofCall();
  calls.set(String(headers["x-proof"] ?? ""), call);
  stream.on("error", () => undefined);
  stream.on("close", () => {
    call.isOver = true;
    watchers.delete(stream);
  });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  const method = String(headers[":path"]).split("/")[2];
  if (method === "UploadStream") {
    const read = (): void => readUpload(stream, call);
    if (headers["x-proof-held"] === undefined) read();
    else call.release = read;
    return;
  }
  whole(stream, (request) => {
    respond(stream);
    if (method === "DownloadStream") sendBlocks(stream, call, codec.decode("BlobRequest", request).chunks);
    else if (method === "Count") sendNumbers(stream, call, codec.decode("CountRequest", request).to);
    else if (method === "HangStream") sendEvents(stream, call, codec.decode("CountRequest", request).to);
    else stream.close(constants.NGHTTP2_REFUSED_STREAM);
  });
}

function respond(stream: ServerHttp2Stream): void {
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
}

/** The one request message of a call. */
function whole(stream: ServerHttp2Stream, then: (request: Buffer) => void): void {
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  stream.on("end", () => then(Buffer.concat(chunks).subarray(PREFIX_BYTES)));
}

function sendBlocks(stream: ServerHttp2Stream, call: ProofCall, count: number): void {
  const block = blankBlock();
  const first = frame(codec.encode("google.api.HttpBody", { contentType: "image/x-proof", data: block }));
  const further = frame(codec.encode("google.api.HttpBody", { data: block }));
  let index = 0;
  sendAll(stream, call, () => {
    if (index === count) {
      call.sha256 = call.hash.digest("hex");
      return undefined;
    }
    const message = stamped(index === 0 ? first : further, index);
    index++;
    call.hash.update(blockOf(message));
    return message;
  });
}

function sendNumbers(stream: ServerHttp2Stream, call: ProofCall, to: number): void {
  let value = 0;
  sendAll(stream, call, () => {
    if (value === to) return undefined;
    const joined = Buffer.allocUnsafe(JOINED_BYTES);
    let length = 0;
    while (value < to && length < JOINED_BYTES - 2 * PREFIX_BYTES - 2)
      length = putNumber(joined, length, ++value);
    return joined.subarray(0, length);
  });
}

function sendEvents(stream: ServerHttp2Stream, call: ProofCall, to: number): void {
  if (to > 0) {
    sendAll(stream, call, () => event);
    return;
  }
  stream.write(event);
  watchers.add(stream);
}

/** Writes what `next` gives, as fast as it is read, until it gives nothing. */
function sendAll(stream: ServerHttp2Stream, call: ProofCall, next: () => Buffer | undefined): void {
  const proceed = (): void => {
    while (!stream.destroyed) {
      const bytes = next();
      if (bytes === undefined) {
        stream.end();
        return;
      }
      const mayGoOn = stream.write(bytes, () => {
        call.sentBytes += bytes.length;
      });
      if (mayGoOn) continue;
      stream.once("drain", proceed);
      return;
    }
  };
  proceed();
}

function readUpload(stream: ServerHttp2Stream, call: ProofCall): void {
  let messages = 0;
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  let neededBytes = PREFIX_BYTES;
  stream.on("data", (chunk: Buffer) => {
    call.receivedBytes += chunk.length;
    waiting.push(chunk);
    waitingBytes += chunk.length;
    if (waitingBytes < neededBytes) return;
    let bytes = Buffer.concat(waiting);
    for (;;) {
      neededBytes = PREFIX_BYTES + (bytes.length < PREFIX_BYTES ? 0 : bytes.readUInt32BE(1));
      if (bytes.length < PREFIX_BYTES || bytes.length < neededBytes) break;
      call.hash.update(codec.decodeHttpBody(bytes.subarray(PREFIX_BYTES, neededBytes)).data);
      messages++;
      bytes = bytes.subarray(neededBytes);
    }
    waiting = [bytes];
    waitingBytes = bytes.length;
  });
  stream.on("end", () => {
    call.sha256 = call.hash.digest("hex");
    respond(stream);
    stream.end(
      frame(codec.encode("sluice.test.v1.BlobReply", { sha256: Buffer.from(call.sha256, "hex"), messages })),
    );
  });
}

function frame(message: Uint8Array): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(message.byteLength, 1);
  return Buffer.concat([prefix, message]);
}

/** Writes a framed CountReply of `value` at `at`; gives where it ends. */
function putNumber(into: Buffer, at: number, value: number): number {
  let end = at + PREFIX_BYTES;
  into[end++] = 0x08;
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) into[end++] = (rest & 0x7f) | 0x80;
  into[end++] = rest;
  into[at] = 0;
  into.writeUInt32BE(end - at - PREFIX_BYTES, at + 1);
  return end;
}

const server = createServer({
  settings: { initialWindowSize: STREAM_WINDOW_BYTES, maxConcurrentStreams: MAX_STREAMS },
});
server.on("session", (session) => session.setLocalWindowSize(SESSION_WINDOW_BYTES));
server.on("stream", serve);
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  process.send?.(typeof address === "object" ? address?.port : undefined);
});

setInterval(() => {
  for (const stream of watchers) stream.write(event);
}, EVENT_PERIOD_MS);

process.on("message", (order) => {
  if (!isOrder(order)) return;
  const call = calls.get(order.call);
  if (order.what === "release") {
    call?.release?.();
    return;
  }
  const { sentBytes = 0, receivedBytes = 0, sha256 = "", isOver = false } = call ?? {};
  process.send?.({
    ticket: order.ticket,
    isKnown: call !== undefined,
    sentBytes,
    receivedBytes,
    sha256,
    isOver,
  });
});
// Whoever forked it is gone.
process.once("disconnect", () => process.exit(0));
