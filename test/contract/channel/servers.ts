/** The servers of the channel contract that need nothing installed: grpc-js, and gRPC by hand on node:http2. */
import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { Metadata as GrpcMetadata, type ServerDuplexStream } from "@grpc/grpc-js";
import { Code } from "../../../src/status/index.ts";
import type { Metadata } from "../../../src/upstream/index.ts";
import { frame, startHttp2Server } from "../../support/grpc-http2.ts";
import { startBytesServer } from "../../support/grpc-server.ts";
import { contractMethods, type ServedCall } from "./methods.ts";

/** A server that runs. */
export interface ContractServer {
  readonly address: string;
  /** Stops it at once, whatever calls run. */
  close(): Promise<void>;
}

/** One kind of server. */
export interface ServerKind {
  readonly name: string;
  start(): Promise<ContractServer>;
}

/** The server of @grpc/grpc-js. */
export const GRPC_JS_SERVER: ServerKind = {
  name: "grpc-js server",
  start: async () => {
    const handlers = Object.fromEntries(
      [...contractMethods()].map(([path, method]) => [
        path,
        (stream: ServerDuplexStream<Buffer, Buffer>) => method(servedByGrpcJs(stream)),
      ]),
    );
    const server = await startBytesServer(handlers);
    return {
      address: server.address,
      close: async () => server.close(),
    };
  },
};

/** gRPC's framing by hand on node:http2. */
export const HTTP2_SERVER: ServerKind = {
  name: "node:http2 server",
  start: () => {
    const methods = contractMethods();
    return startHttp2Server((stream, headers) => {
      const call = new Http2ServedCall(stream, headers);
      const method = methods.get(headers[":path"] ?? "");
      if (method === undefined) call.end(Code.UNIMPLEMENTED, "no such method", []);
      else method(call);
    });
  },
};

function servedByGrpcJs(stream: ServerDuplexStream<Buffer, Buffer>): ServedCall {
  return {
    metadata: flatten(stream.metadata),
    read: (onMessage, onEnd) => {
      stream.on("data", onMessage);
      stream.on("end", onEnd);
    },
    sendHeaders: (metadata) => stream.sendMetadata(metadataOf(metadata)),
    write: (message) => stream.write(message),
    onDrain: (listener) => stream.on("drain", listener),
    end: (code, details, trailers) => {
      const metadata = metadataOf(trailers);
      if (code === Code.OK) stream.end(metadata);
      else stream.emit("error", { code, details, metadata });
    },
    onCancelled: (listener) => stream.on("cancelled", listener),
  };
}

function flatten(metadata: GrpcMetadata): Metadata {
  return Object.keys(metadata.getMap()).flatMap((name) =>
    metadata
      .get(name)
      .flatMap((value) => [name, typeof value === "string" ? value : value.toString("base64")]),
  );
}

function metadataOf(list: Metadata): GrpcMetadata {
  const metadata = new GrpcMetadata();
  for (let i = 0; i + 1 < list.length; i += 2) {
    const [name = "", value = ""] = list.slice(i, i + 2);
    metadata.add(name, name.endsWith("-bin") ? Buffer.from(value, "base64") : value);
  }
  return metadata;
}

/** A call on a stream of node:http2. */
class Http2ServedCall implements ServedCall {
  readonly metadata: Metadata;
  readonly #stream: ServerHttp2Stream;
  #received: Buffer = Buffer.alloc(0);

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders) {
    this.#stream = stream;
    this.metadata = Object.entries(headers).flatMap(([name, value]) => {
      const values = Array.isArray(value) ? value : [value ?? ""];
      return values.flatMap((text) => {
        if (!name.endsWith("-bin")) return [name, text];
        // node:http2 joins fields of one name.
        return text.split(",").flatMap((part) => [name, Buffer.from(part, "base64").toString("base64")]);
      });
    });
  }

  read(onMessage: (message: Buffer) => void, onEnd: () => void): void {
    this.#stream.on("data", (bytes: Buffer) => {
      this.#received = Buffer.concat([this.#received, bytes]);
      for (;;) {
        const length = this.#received.length < 5 ? Number.NaN : this.#received.readUInt32BE(1);
        if (!(this.#received.length >= 5 + length)) return;
        const message = this.#received.subarray(5, 5 + length);
        this.#received = this.#received.subarray(5 + length);
        onMessage(message);
      }
    });
    this.#stream.on("end", onEnd);
  }

  sendHeaders(metadata: Metadata): void {
    const fields = { ":status": 200, "content-type": "application/grpc", ...fieldsOf(metadata) };
    this.#stream.respond(fields, { waitForTrailers: true });
  }

  write(message: Buffer): boolean {
    if (this.#stream.destroyed) return false;
    if (!this.#stream.headersSent) this.sendHeaders([]);
    return this.#stream.write(frame(message));
  }

  onDrain(listener: () => void): void {
    this.#stream.on("drain", listener);
  }

  end(code: Code, message: string, trailers: Metadata): void {
    if (this.#stream.destroyed) return;
    const fields = {
      "grpc-status": String(code),
      // gRPC over HTTP/2, "Percent-Encoded": everything but printable ASCII, and the percent sign.
      "grpc-message": message.replace(/[^\x20-\x24\x26-\x7e]/gu, encodeURIComponent),
      ...fieldsOf(trailers),
    };
    if (this.#stream.headersSent) {
      this.#stream.on("wantTrailers", () => this.#stream.sendTrailers(fields));
      this.#stream.end();
    } else {
      const head = { ":status": 200, "content-type": "application/grpc" };
      this.#stream.respond({ ...head, ...fields }, { endStream: true });
    }
  }

  onCancelled(listener: () => void): void {
    this.#stream.on("aborted", listener);
  }
}

function fieldsOf(list: Metadata): Record<string, string[]> {
  const fields: Record<string, string[]> = {};
  for (let i = 0; i + 1 < list.length; i += 2) {
    const [name = "", value = ""] = list.slice(i, i + 2);
    fields[name] = [...(fields[name] ?? []), value];
  }
  return fields;
}
