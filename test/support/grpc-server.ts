/** A gRPC server of raw bytes for tests: every method is one handler of a bidirectional stream of Buffers. */
import { once } from "node:events";
import { Server, ServerCredentials, type ServerDuplexStream } from "@grpc/grpc-js";

export type BytesHandler = (stream: ServerDuplexStream<Buffer, Buffer>) => void;

export interface BytesServer {
  readonly server: Server;
  readonly address: string;
  readonly port: number;
  close(): void;
}

export interface BytesServerOptions {
  /** Where to listen; a free port of 127.0.0.1 by default. */
  readonly bind?: string;
  readonly credentials?: ServerCredentials;
}

const same = (bytes: Buffer): Buffer => bytes;

/** Starts a server whose methods, by path (`/test.Bytes/Echo`), are `handlers`. */
export async function startBytesServer(
  handlers: Readonly<Record<string, BytesHandler>>,
  options: BytesServerOptions = {},
): Promise<BytesServer> {
  const server = new Server({ "grpc.max_receive_message_length": -1 });
  for (const [path, handler] of Object.entries(handlers)) {
    const method = {
      path,
      requestStream: true,
      responseStream: true,
      requestSerialize: same,
      requestDeserialize: same,
      responseSerialize: same,
      responseDeserialize: same,
    } as const;
    server.addService({ method }, { method: handler });
  }
  const bind = options.bind ?? "127.0.0.1:0";
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(bind, options.credentials ?? ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  const address = bind.startsWith("unix:") ? bind : `127.0.0.1:${port}`;
  return { server, address, port, close: () => server.forceShutdown() };
}

/** All messages of a client stream, once it has half-closed. */
export async function readAll(stream: ServerDuplexStream<Buffer, Buffer>): Promise<readonly Buffer[]> {
  const messages: Buffer[] = [];
  stream.on("data", (message: Buffer) => messages.push(message));
  await once(stream, "end");
  return messages;
}
