/** A node:http2 server for tests that answers calls with whatever a real gRPC server would not. */
import {
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";

export interface Http2Server {
  readonly address: string;
  readonly port: number;
  readonly sessions: ReadonlySet<ServerHttp2Session>;
  close(): Promise<void>;
}

/** One gRPC message as it stands on the wire: flag, length, bytes. */
export function frame(message: Uint8Array): Buffer {
  const bytes = Buffer.alloc(5 + message.length);
  bytes.writeUInt32BE(message.length, 1);
  bytes.set(message, 5);
  return bytes;
}

/** Starts a server on 127.0.0.1, at a free port unless one is given. */
export async function startHttp2Server(
  onStream: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void,
  port = 0,
): Promise<Http2Server> {
  const server = createServer();
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => {
    sessions.add(session);
    session.on("error", () => undefined);
    session.on("close", () => sessions.delete(session));
  });
  server.on("stream", (stream, headers) => {
    stream.on("error", () => undefined);
    onStream(stream, headers);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("not listening on TCP");
  return {
    address: `127.0.0.1:${bound.port}`,
    port: bound.port,
    sessions,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const session of sessions) session.destroy();
      }),
  };
}
