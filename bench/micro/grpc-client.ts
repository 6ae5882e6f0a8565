/**
 * CPU per unary call of the gRPC clients, alone: `node bench/micro/grpc-client.ts [calls] [message bytes]` (Node >= 22.18,
 * or compiled).
 *
 * One server for all, in a process of its own, so that it costs the clients nothing; every client in its own process,
 * which tells its own CPU time. Calls go out 64 at a time, each with metadata as the gateway forwards it, and a deadline.
 * The clients take turns, three times, so that a busy machine is unkind to all of them alike; the best turn counts.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http2";
import { fileURLToPath } from "node:url";
import { grpcJs } from "../../src/upstream/clients/grpc-js/index.ts";
import { createHttp2Client } from "../../src/upstream/clients/http2/index.ts";
import type { Call, CallListener, Channel, ChannelFactory } from "../../src/upstream/index.ts";
import { channelOptions } from "../../test/support/channel-options.ts";

const IN_FLIGHT = 64;
const TURNS = 3;
const CLIENTS: Readonly<Record<string, ChannelFactory>> = {
  http2: createHttp2Client("bench"),
  "grpc-js": grpcJs,
};
const METADATA = Object.entries({
  accept: "*/*",
  "x-forwarded-for": "127.0.0.1",
  "x-forwarded-proto": "http",
  "x-forwarded-host": "localhost",
  "x-request-id": "0123456789abcdef0123456789abcdef",
  "x-user-agent": "bench/1.0",
}).flat();

/** Answers every call with its own bytes. */
function serve(): void {
  const server = createServer({ settings: { initialWindowSize: 1 << 20 } });
  server.on("stream", (stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.on("error", () => undefined);
    stream.pipe(stream);
  });
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    process.send?.(typeof address === "object" ? address?.port : undefined);
  });
}

/** One of the calls that are always under way: starts the next one when it ends. */
class Loop implements CallListener {
  readonly #channel: Channel;
  readonly #message: Uint8Array;
  readonly #onDone: () => void;
  #left: number;
  #call: Call | undefined;

  constructor(channel: Channel, message: Uint8Array, calls: number, onDone: () => void) {
    this.#channel = channel;
    this.#message = message;
    this.#left = calls;
    this.#onDone = onDone;
  }

  next(): void {
    this.#call = this.#channel.open("/bench.Echo/Unary", METADATA, 60_000, this);
    this.#call.send(this.#message);
    this.#call.halfClose();
  }

  onHeaders(): void {
    // Nothing to do with them.
  }

  onMessage(): boolean {
    return true;
  }

  onDrain(): void {
    // One message is sent whole.
  }

  onStatus(status: { readonly code: number; readonly message: string }): void {
    if (status.code !== 0) throw new Error(status.message);
    if (--this.#left > 0) this.next();
    else this.#onDone();
  }
}

function run(channel: Channel, calls: number, bytes: number): Promise<void> {
  return new Promise((resolve) => {
    let running = IN_FLIGHT;
    for (let i = 0; i < IN_FLIGHT; i++) {
      new Loop(channel, Buffer.alloc(bytes, 7), Math.ceil(calls / IN_FLIGHT), () => {
        if (--running === 0) resolve();
      }).next();
    }
  });
}

function call(factory: ChannelFactory, port: number): void {
  const limitBytes = 16 * 1024 * 1024;
  const options = { maxReceiveMessageBytes: limitBytes, maxSendMessageBytes: limitBytes };
  const channel = factory.connect(channelOptions([`127.0.0.1:${port}`], options));
  // The parent below sends nothing else.
  process.on("message", ({ calls, bytes }: { readonly calls: number; readonly bytes: number }) => {
    const from = process.cpuUsage();
    void run(channel, calls, bytes).then(() => {
      const { user, system } = process.cpuUsage(from);
      process.send?.((user + system) / calls);
    });
  });
  process.send?.("ready");
}

function start(role: string, port: number): ChildProcess {
  return fork(fileURLToPath(import.meta.url), [], {
    env: { ...process.env, BENCH_ROLE: role, BENCH_PORT: String(port) },
  });
}

async function measure(calls: number, bytes: number): Promise<void> {
  const server = start("server", 0);
  const [port] = (await once(server, "message")) as [number];
  const best = new Map<string, number>();
  const clients = new Map<string, ChildProcess>();
  for (const name of Object.keys(CLIENTS)) {
    const client = start(name, port);
    await once(client, "message");
    clients.set(name, client);
  }
  for (let turn = 0; turn <= TURNS; turn++) {
    for (const [name, client] of clients) {
      client.send({ calls: turn === 0 ? calls / 4 : calls, bytes });
      const [micros] = (await once(client, "message")) as [number];
      // The first turn warms up.
      if (turn > 0) best.set(name, Math.min(micros, best.get(name) ?? Number.POSITIVE_INFINITY));
    }
  }
  for (const process of [server, ...clients.values()]) process.kill();
  const own = best.get("http2") ?? 0;
  for (const [name, micros] of best) {
    console.log(`${name}: ${micros.toFixed(1)} µs CPU a call, ${(micros / own).toFixed(1)} times http2`);
  }
}

const role = process.env.BENCH_ROLE;
const client = CLIENTS[role ?? ""];
if (role === "server") serve();
else if (client !== undefined) call(client, Number(process.env.BENCH_PORT));
else await measure(Number(process.argv[2] ?? 40_000), Number(process.argv[3] ?? 100));
