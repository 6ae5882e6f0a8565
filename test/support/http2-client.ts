/** An HTTP/2 client of node:http2 whose replies are values, for tests of listeners. */
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type OutgoingHttpHeaders,
} from "node:http2";
import type { Socket } from "node:net";

/** A reply as it came, or how its stream ended without one. */
export interface Http2Reply {
  /** 0 if none came. */
  readonly status: number;
  /** Without pseudo-fields. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: Buffer;
  readonly trailers: Readonly<Record<string, string>>;
  /** The code of RST_STREAM; 0 for an end in order, or NO_ERROR. */
  readonly resetCode: number;
}

/** One connection. */
export class Http2Client {
  readonly session: ClientHttp2Session;
  /** Codes of the GOAWAYs that came. */
  readonly goaways: number[] = [];

  constructor(socket: Socket) {
    this.session = connect("http://test.example", { createConnection: () => socket });
    this.session.on("error", () => undefined);
    this.session.on("goaway", (code) => this.goaways.push(code));
  }

  /** Opens a stream; `:authority` is test.example unless given. */
  open(headers: OutgoingHttpHeaders, body: "body follows" | "no body"): ClientHttp2Stream {
    const stream = this.session.request(
      { ":authority": "test.example", ...headers },
      { endStream: body === "no body" },
    );
    stream.on("error", () => undefined);
    return stream;
  }

  /** Sends a request and waits for the end of its stream. */
  async request(headers: OutgoingHttpHeaders, body?: Uint8Array | string): Promise<Http2Reply> {
    const stream = this.open(headers, body === undefined ? "no body" : "body follows");
    if (body !== undefined) stream.end(body);
    return replyOf(stream);
  }

  /** Resolves when the connection is gone. */
  async closed(): Promise<void> {
    if (!this.session.destroyed) await closeOf(this.session);
  }

  close(): void {
    this.session.destroy();
  }
}

/** Not `once`: that would reject with the error that comes before. */
function closeOf(emitter: ClientHttp2Session | ClientHttp2Stream): Promise<void> {
  return new Promise((resolve) => {
    emitter.once("close", () => resolve());
  });
}

/** What comes on a stream, once it has ended. */
export async function replyOf(stream: ClientHttp2Stream): Promise<Http2Reply> {
  let status = 0;
  const headers: Record<string, string | readonly string[]> = {};
  const trailers: Record<string, string> = {};
  const chunks: Buffer[] = [];
  stream.on("response", (fields) => {
    status = fields[":status"] ?? 0;
    for (const [name, value] of Object.entries(fields)) {
      if (!name.startsWith(":") && value !== undefined) headers[name] = value;
    }
  });
  stream.on("trailers", (fields) => {
    for (const [name, value] of Object.entries(fields)) trailers[name] = String(value);
  });
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  if (!stream.destroyed) await closeOf(stream);
  return { status, headers, body: Buffer.concat(chunks), trailers, resetCode: stream.rstCode };
}
