/**
 * A gRPC server over TLS that tells who called it: it asks for client certificates, can change its own, and keeps count
 * of every call and of every connection with the name of its client.
 */
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from "node:http2";
import { TLSSocket } from "node:tls";
import { frame } from "./grpc-http2.ts";
import { pem } from "./tls.ts";

/** How the server does TLS. */
export interface TlsUpstreamOptions {
  /** The authority of clients; without one they need no certificate. */
  readonly clientCa?: string;
  readonly maxVersion?: "TLSv1.2" | "TLSv1.3";
  /** What calls are answered with: their `x-call`, which is the default, or an empty message. */
  readonly answer?: "call" | "empty";
}

/** One connection: the name in the client's certificate, "" without one, and whether it is still open. */
export interface SeenConnection {
  readonly client: string;
  isOpen: boolean;
}

/** The server. A call's answer comes at once, its end with that of the client's side. */
export class TlsUpstream {
  readonly #server: Http2SecureServer;
  readonly connections: SeenConnection[] = [];
  /** How often a call with that `x-call` was seen. */
  readonly calls: Map<string, number> = new Map();
  /** The `:authority` of each call. */
  readonly authorities: string[] = [];
  readonly port: number;
  #waiters: (() => void)[] = [];

  private constructor(server: Http2SecureServer, port: number, answer: "call" | "empty") {
    this.#server = server;
    this.port = port;
    server.on("session", (session) => this.#onSession(session));
    server.on("stream", (stream, headers) => {
      const id = String(headers["x-call"] ?? "");
      this.calls.set(id, (this.calls.get(id) ?? 0) + 1);
      this.authorities.push(String(headers[":authority"]));
      stream.on("error", () => undefined);
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.write(frame(Buffer.from(answer === "call" ? id : "")));
      stream.on("data", () => undefined);
      stream.on("end", () => stream.end());
    });
  }

  static async start(options: TlsUpstreamOptions = {}): Promise<TlsUpstream> {
    const { clientCa, maxVersion, answer = "call" } = options;
    const server = createSecureServer({
      key: pem("server.key"),
      cert: pem("server.pem"),
      ...(clientCa === undefined ? undefined : { ca: pem(clientCa), requestCert: true }),
      ...(maxVersion === undefined ? undefined : { maxVersion }),
    });
    server.on("sessionError", () => undefined);
    server.on("tlsClientError", () => undefined);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const bound = server.address();
    if (bound === null || typeof bound === "string") throw new Error("not listening on TCP");
    return new TlsUpstream(server, bound.port, answer);
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** What is open now, by client. */
  get clients(): readonly string[] {
    return this.connections.filter(({ isOpen }) => isOpen).map(({ client }) => client);
  }

  /** New connections are shown that certificate of the fixtures. */
  showCertificate(name: string): void {
    this.#server.setSecureContext({ key: pem(`${name}.key`), cert: pem(`${name}.pem`) });
  }

  /** Resolves once `isTrue` of the connections, looked at whenever one opens or closes. */
  async until(isTrue: () => boolean): Promise<void> {
    while (!isTrue()) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const session of this.#sessions) session.destroy();
    await closed;
  }

  readonly #sessions = new Set<ServerHttp2Session>();

  #onSession(session: ServerHttp2Session): void {
    const { socket } = session;
    const subject = socket instanceof TLSSocket ? socket.getPeerCertificate().subject : undefined;
    const seen: SeenConnection = { client: String(subject?.CN ?? ""), isOpen: true };
    this.connections.push(seen);
    this.#sessions.add(session);
    session.on("error", () => undefined);
    session.on("close", () => {
      this.#sessions.delete(session);
      seen.isOpen = false;
      this.#wake();
    });
    this.#wake();
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const resolve of waiters) resolve();
  }
}
