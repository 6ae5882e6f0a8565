/**
 * The methods of the echo service over raw bytes. What each does is written in test/fixtures/echo/echo.proto.
 *
 * Besides, a call with the metadata `x-fail-after: n` and `x-fail-code: c` fails in place of what would come next: of a
 * method that replies with a stream after n replies, of one that takes a stream after n requests, of any other at once.
 */
import { createHash } from "node:crypto";
import { create, toBinary } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import {
  Metadata,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { StatusSchema } from "../../src/gen/google/rpc/status_pb.ts";
import type { CallRecorder } from "./call-recorder.ts";
import type { EchoCodec, HttpBody, Requests } from "./echo-codec.ts";
import { type PlannedFailure, plannedFailure, scriptedFailure, untilFailure } from "./planned-failure.ts";

/** Blobs and paddings are cut to this length. */
export const MAX_BLOB_BYTES: number = 64 * 1024 * 1024;

type UnaryCall = ServerUnaryCall<Buffer, Buffer>;
type Reply = sendUnaryData<Buffer>;

/** A handler for every method, by its proto name; every call is noted in `recorder`. */
export function echoMethods(codec: EchoCodec, recorder: CallRecorder): UntypedServiceImplementation {
  const echo = unary(recorder, (request) => request);
  return {
    Echo: echo,
    EchoField: echo,
    EchoPart: echo,
    Update: echo,
    Report: echo,
    Wildcard: echo,
    Ping: echo,
    Unannotated: echo,
    Mirror: echo,
    Exact: unary(recorder, () => codec.encode("sluice.test.v1.AllTypes", { stringValue: "exact" })),
    Garble: unary(recorder, (request) => {
      const { reply } = codec.decode("GarbleRequest", request);
      // A tag that announces a varint, and a varint that never ends.
      return Buffer.from(reply.length > 0 ? reply : Uint8Array.of(0x18, 0xff));
    }),
    Download: unary(recorder, (request) =>
      codec.encode("google.api.HttpBody", { ...blobOf(codec.decode("BlobRequest", request)) }),
    ),
    GetDocument: unary(recorder, (request) => {
      const blobRequest = codec.decode("BlobRequest", request);
      const body = blobOf(blobRequest);
      return codec.encode("sluice.test.v1.Document", {
        title: "A document",
        ...(blobRequest.unset ? {} : { content: body, attachment: { fileName: "blob", body } }),
      });
    }),
    Upload: unary(recorder, (request) => {
      const { contentType, data } = codec.decodeHttpBody(request);
      return codec.encode("sluice.test.v1.BlobReply", { contentType, ...measure([data]) });
    }),
    UploadField: unary(recorder, (request) => {
      const { blob, name, priority, tags } = codec.decode("UploadRequest", request);
      const sizes = measure([blob?.data ?? new Uint8Array(0)]);
      const contentType = blob?.contentType ?? "";
      return codec.encode("sluice.test.v1.BlobReply", { contentType, ...sizes, name, priority, tags });
    }),
    Fail: fail(codec, recorder),
    Hang: (call: UnaryCall): void => {
      recorder.begin(call).messages.push(call.request);
      if (codec.decode("HangRequest", call.request).sendHeaders) call.sendMetadata(new Metadata());
    },
    Metadata: metadata(codec, recorder),
    Count: serverStream(recorder, (request) => count(codec, codec.decode("CountRequest", request))),
    UnannotatedStream: serverStream(recorder, (request) =>
      count(codec, codec.decode("CountRequest", request)),
    ),
    HangStream: serverStream(recorder, async function* (request, cancelled) {
      yield* count(codec, codec.decode("CountRequest", request));
      await cancelled;
    }),
    DownloadStream: serverStream(recorder, (request) => {
      const blob = codec.decode("BlobRequest", request);
      return chunksOf(codec, blob);
    }),
    MirrorTwice: serverStream(recorder, (request) => [request, request]),
    MirrorStream: converse(recorder),
    Converse: converse(recorder),
    Collect: clientStream(recorder, (messages) =>
      codec.encode("sluice.test.v1.CollectReply", {
        messages: messages.length,
        stringValues: messages.map((message) => codec.decode("AllTypes", message).stringValue),
      }),
    ),
    UploadStream: clientStream(recorder, (messages) => {
      const blobs = messages.map((message) => codec.decodeHttpBody(message));
      const contentType = blobs[0]?.contentType ?? "";
      return codec.encode("sluice.test.v1.BlobReply", {
        contentType,
        ...measure(blobs.map((blob) => blob.data)),
      });
    }),
    UploadFieldStream: clientStream(recorder, (messages) => {
      const uploads = messages.map((message) => codec.decode("UploadRequest", message));
      const [first] = uploads;
      return codec.encode("sluice.test.v1.BlobReply", {
        contentType: first?.blob?.contentType ?? "",
        ...measure(uploads.map((upload) => upload.blob?.data ?? new Uint8Array(0))),
        name: first?.name ?? "",
        priority: first?.priority ?? 0,
        tags: first?.tags ?? [],
      });
    }),
  };
}

function unary(recorder: CallRecorder, reply: (request: Buffer) => Buffer) {
  return (call: UnaryCall, callback: Reply): void => {
    const seen = recorder.begin(call);
    seen.messages.push(call.request);
    const failure = plannedFailure(call.metadata);
    if (failure === undefined) callback(null, reply(call.request));
    else callback(failure.error);
    seen.replied();
  };
}

function converse(recorder: CallRecorder) {
  return (call: ServerDuplexStream<Buffer, Buffer>): void => {
    const seen = recorder.begin(call);
    void writeAll(call, remember(call, seen.messages), seen.replied);
  };
}

function clientStream(recorder: CallRecorder, reply: (messages: readonly Buffer[]) => Buffer) {
  return (call: ServerReadableStream<Buffer, Buffer>, callback: Reply): void => {
    const seen = recorder.begin(call);
    const failure = plannedFailure(call.metadata);
    let hasFailed = false;
    const fail = ({ error }: PlannedFailure): void => {
      if (hasFailed) return;
      hasFailed = true;
      callback(error);
      seen.replied();
    };
    call.on("data", (message: Buffer) => {
      if (failure !== undefined && seen.messages.length === failure.after) fail(failure);
      seen.messages.push(message);
    });
    // grpc-js ends the requests of a call that is reset, and only then says that it was cancelled.
    call.on("end", () =>
      setImmediate(() => {
        if (call.cancelled) return;
        if (failure !== undefined) {
          fail(failure);
          return;
        }
        callback(null, reply(seen.messages));
        seen.replied();
      }),
    );
  };
}

function serverStream(
  recorder: CallRecorder,
  replies: (request: Buffer, cancelled: Promise<unknown>) => Iterable<Buffer> | AsyncIterable<Buffer>,
) {
  return (call: ServerWritableStream<Buffer, Buffer>): void => {
    const seen = recorder.begin(call);
    seen.messages.push(call.request);
    const cancelled = new Promise((resolve) => call.on("cancelled", resolve));
    void writeAll(call, replies(call.request, cancelled), seen.replied);
  };
}

/** Writes as fast as the client reads; never rejects. */
async function writeAll(
  call: ServerWritableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>,
  messages: Iterable<Buffer> | AsyncIterable<Buffer>,
  replied: () => void,
): Promise<void> {
  const cancelled = new Promise((resolve) => call.once("cancelled", resolve));
  const failure = plannedFailure(call.metadata);
  try {
    for await (const message of failure === undefined ? messages : untilFailure(messages, failure)) {
      if (call.cancelled) return;
      if (!call.write(message)) {
        await Promise.race([new Promise((resolve) => call.once("drain", resolve)), cancelled]);
      }
    }
    if (call.cancelled) return;
    call.end();
  } catch (error) {
    // A ScriptedFailure carries code and details; a cancelled stream has nobody left to tell.
    if (!call.cancelled) call.emit("error", error);
  }
  replied();
}

async function* remember(
  call: ServerDuplexStream<Buffer, Buffer>,
  into: Buffer[],
): AsyncGenerator<Buffer, void, undefined> {
  // Streams iterate over `any`; this one carries the buffers of the definition. Left to itself, the iterator destroys
  // the stream after the last request, and with it the replies.
  for await (const message of call.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    into.push(message);
    yield message;
  }
}

function* count(codec: EchoCodec, request: Requests["CountRequest"]): Generator<Buffer, void, undefined> {
  const padding = new Uint8Array(Math.min(request.paddingBytes, MAX_BLOB_BYTES));
  for (let value = 1; value <= request.to; value++) {
    if (request.failCode !== 0 && value > request.failAfter) break;
    yield codec.encode("sluice.test.v1.CountReply", { value, padding });
  }
  if (request.failCode !== 0) throw scriptedFailure(request.failCode, request.failMessage);
}

function* chunksOf(codec: EchoCodec, request: Requests["BlobRequest"]): Generator<Buffer, void, undefined> {
  for (let chunk = 0; chunk < request.chunks; chunk++) {
    if (request.failAfter > 0 && chunk >= request.failAfter) throw scriptedFailure(13, "the blob broke off");
    const blob = blobOf(request);
    // Only the first message names the type, as HttpBody streams do.
    yield codec.encode("google.api.HttpBody", { ...blob, contentType: chunk === 0 ? blob.contentType : "" });
  }
}

function fail(codec: EchoCodec, recorder: CallRecorder) {
  return (call: UnaryCall, callback: Reply): void => {
    const seen = recorder.begin(call);
    seen.messages.push(call.request);
    const request = codec.decode("FailRequest", call.request);
    const trailers = new Metadata();
    if (request.rawDetails.length > 0) {
      trailers.set("grpc-status-details-bin", Buffer.from(request.rawDetails));
    } else if (request.details.length > 0 || request.detailsCode !== undefined) {
      const { message, details } = request;
      const status = create(StatusSchema, { code: request.detailsCode ?? request.code, message, details });
      trailers.set("grpc-status-details-bin", Buffer.from(toBinary(StatusSchema, status)));
    }
    if (request.sendHeaders) call.sendMetadata(new Metadata());
    if (request.code === 0) callback(null, Buffer.alloc(0));
    else callback({ code: request.code, details: request.message, metadata: trailers });
    seen.replied();
  };
}

function metadata(codec: EchoCodec, recorder: CallRecorder) {
  return (call: UnaryCall, callback: Reply): void => {
    const seen = recorder.begin(call);
    seen.messages.push(call.request);
    const request = codec.decode("MetadataRequest", call.request);
    const received = Object.keys(call.metadata.getMap()).flatMap((key) =>
      call.metadata.get(key).map((value) => ({
        key,
        value: typeof value === "string" ? value : value.toString("base64"),
      })),
    );
    const deadline = Number(call.getDeadline());
    const remaining = Number.isFinite(deadline)
      ? { remaining: durationFromMs(Math.max(0, deadline - Date.now())) }
      : {};
    call.sendMetadata(metadataOf(request.headers, request.binaryHeaders));
    const reply = codec.encode("sluice.test.v1.MetadataReply", {
      received,
      ...remaining,
      authority: call.getHost(),
      method: call.getPath(),
    });
    callback(null, reply, metadataOf(request.trailers, request.binaryTrailers));
    seen.replied();
  };
}

function metadataOf(texts: Record<string, string>, binaries: Record<string, Uint8Array>): Metadata {
  const result = new Metadata();
  for (const [key, value] of Object.entries(texts)) result.add(key, value);
  for (const [key, value] of Object.entries(binaries)) result.add(key, Buffer.from(value));
  return result;
}

function blobOf(request: Requests["BlobRequest"]): HttpBody {
  const { contentType, text, sizeBytes, withExtensions } = request;
  const data =
    sizeBytes > 0 ? Buffer.alloc(Math.min(sizeBytes, MAX_BLOB_BYTES), text || "x") : Buffer.from(text);
  const extensions = withExtensions
    ? [{ typeUrl: "type.googleapis.com/google.protobuf.Empty", value: new Uint8Array(0) }]
    : [];
  return { contentType, data, extensions };
}

function measure(parts: readonly Uint8Array[]): { sizeBytes: bigint; sha256: Uint8Array; messages: number } {
  const hash = createHash("sha256");
  let size = 0;
  for (const part of parts) {
    hash.update(part);
    size += part.length;
  }
  return { sizeBytes: BigInt(size), sha256: hash.digest(), messages: parts.length };
}
