/** gRPC servers over node:http2 whose behaviour and health a test plays while they run. */
import { constants, type ServerHttp2Stream } from "node:http2";
import type { HealthObserver } from "../../src/upstream/index.ts";
import { frame, type Http2Server, startHttp2Server } from "./grpc-http2.ts";

/** What a played upstream does with a call. */
export type Behaviour = "answers" | "fails" | "is slow" | "hangs" | "refuses" | "hangs up";

/** What its health service says; `none` is a server without one. */
export type PlayedHealth = "SERVING" | "NOT_SERVING" | "silent" | "none";

const GRPC = { ":status": 200, "content-type": "application/grpc" } as const;

/** `HealthCheckResponse`, by hand: field 1, varint. */
const ANSWERS = { SERVING: Uint8Array.of(0x08, 1), NOT_SERVING: Uint8Array.of(0x08, 2) } as const;

/** One upstream. */
export class PlayedUpstream {
  behaviour: Behaviour = "answers";
  /** The message that it answers with. */
  reply: Uint8Array = Buffer.from("pong");
  slowMs = 60;
  hasWatch = true;
  /** Calls that are no health calls, so far. */
  calls = 0;
  /** Those among them that have no answer yet. */
  readonly open: Set<ServerHttp2Stream> = new Set();
  /** Methods of the health service that were called, in order. */
  readonly asked: string[] = [];
  readonly #watches = new Set<ServerHttp2Stream>();
  #health: PlayedHealth = "none";
  #server: Http2Server | undefined;

  static async start(): Promise<PlayedUpstream> {
    const upstream = new PlayedUpstream();
    upstream.#server = await startHttp2Server((stream, headers) => {
      const path = headers[":path"] ?? "";
      if (path.startsWith("/grpc.health.v1.Health/")) upstream.#onHealth(stream, path.slice(23));
      else upstream.#onCall(stream);
    });
    return upstream;
  }

  get address(): string {
    return this.server.address;
  }

  get server(): Http2Server {
    if (this.#server === undefined) throw new Error("not started");
    return this.#server;
  }

  set health(health: PlayedHealth) {
    this.#health = health;
    const answer = health === "SERVING" || health === "NOT_SERVING" ? ANSWERS[health] : undefined;
    if (answer !== undefined) for (const watch of this.#watches) watch.write(frame(answer));
  }

  close(): Promise<void> {
    return this.server.close();
  }

  /** Answers the calls that hang. */
  release(): void {
    for (const stream of this.open) answer(stream, this.reply);
  }

  #onCall(stream: ServerHttp2Stream): void {
    this.calls++;
    this.open.add(stream);
    stream.on("close", () => this.open.delete(stream));
    switch (this.behaviour) {
      case "answers":
        answer(stream, this.reply);
        break;
      case "fails":
        end(stream, "14");
        break;
      case "is slow":
        setTimeout(() => answer(stream, this.reply), this.slowMs);
        break;
      case "hangs":
        break;
      case "refuses":
        stream.close(constants.NGHTTP2_REFUSED_STREAM);
        break;
      case "hangs up":
        stream.session?.destroy();
        break;
    }
  }

  #onHealth(stream: ServerHttp2Stream, method: string): void {
    this.asked.push(method);
    const health = this.#health;
    if (health === "none" || (method === "Watch" && !this.hasWatch)) {
      end(stream, "12");
    } else if (method === "Watch") {
      stream.respond(GRPC);
      this.#watches.add(stream);
      stream.on("close", () => this.#watches.delete(stream));
      if (health !== "silent") stream.write(frame(ANSWERS[health]));
    } else if (health !== "silent") {
      answer(stream, ANSWERS[health]);
    }
  }
}

function answer(stream: ServerHttp2Stream, message: Uint8Array): void {
  if (stream.closed || stream.destroyed) return;
  stream.respond(GRPC, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.end(frame(message));
}

function end(stream: ServerHttp2Stream, grpcStatus: string): void {
  stream.respond({ ...GRPC, "grpc-status": grpcStatus, "grpc-message": "played" }, { endStream: true });
}

/** Writes down what it hears, with letters for endpoints: `a` is the first of `addresses`. */
export class HealthLog implements HealthObserver {
  readonly lines: string[] = [];
  readonly #addresses: readonly string[];

  constructor(addresses: readonly string[]) {
    this.#addresses = addresses;
  }

  onEjected(endpoint: string, reason: string): void {
    this.lines.push(`${this.#letter(endpoint)} ejected: ${reason}`);
  }

  onReturned(endpoint: string): void {
    this.lines.push(`${this.#letter(endpoint)} returned`);
  }

  onHealth(endpoint: string, health: string): void {
    this.lines.push(`${this.#letter(endpoint)} ${health}`);
  }

  onUnsupported(): void {
    this.lines.push("unsupported");
  }

  onPanic(state: string): void {
    this.lines.push(`panic ${state}`);
  }

  #letter(endpoint: string): string {
    return "abcdef".charAt(this.#addresses.indexOf(endpoint));
  }
}
