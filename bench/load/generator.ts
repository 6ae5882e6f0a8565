/**
 * A small HTTP/1.1 load generator: kept-alive connections, one request at a time on each, the same request always.
 *
 * Closed loads send the next request when a reply has come; their latencies hide what a stalled server would have been
 * sent meanwhile. A paced load is open: request n is due at `n / perSecond` whatever the server does, waits for a free
 * connection if need be, and its latency counts from when it was due. So no wait is left out (no "coordinated omission").
 */
import { connect, type Socket } from "node:net";
import { createHistogram, type RecordableHistogram } from "node:perf_hooks";
import { ReplyFramer } from "./reply-framer.ts";

/** How much to send. */
export type Load =
  | { readonly kind: "requests"; readonly connections: number; readonly requests: number }
  | { readonly kind: "seconds"; readonly connections: number; readonly seconds: number }
  | {
      readonly kind: "paced";
      readonly connections: number;
      readonly seconds: number;
      readonly perSecond: number;
      /**
       * Requests due in the first of these seconds are sent at the same pace and not counted into latencies: a cold
       * generator lags behind by more the faster the server is, and would charge that to the server.
       */
      readonly warmUpSeconds: number;
    };

/** What came of it. Latencies are to the last byte of a reply, in ms. */
export interface LoadResult {
  readonly requests: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** How late the generator itself was with requests for which a connection was free, p99 in ms; 0 for closed loads. */
  readonly ownDelayP99Ms: number;
}

/** A paced load that the server cannot take ends this long after the last request was due. */
const OVERRUN_MS = 10_000;
const READ_BUFFER_BYTES = 256 * 1024;
const PACE_TICK_MS = 1;

interface Connection {
  readonly socket: Socket;
  readonly framer: ReplyFramer;
  /** When its request was sent or due, in ms of performance.now(). */
  since: number;
}

/**
 * Sends `request` (a whole HTTP/1.1 request) to 127.0.0.1:`port`.
 * @throws {Error} on the first reply that is not 200, the first broken one, or if a connection is lost.
 */
export async function generateLoad(port: number, request: Buffer, load: Load): Promise<LoadResult> {
  return await new Generator(request, load).run(port);
}

class Generator {
  readonly #request: Buffer;
  readonly #load: Load;
  readonly #connections: Connection[] = [];
  readonly #idle: Connection[] = [];
  readonly #latencies: RecordableHistogram = createHistogram({ lowest: 1, highest: 600_000_000, figures: 3 });
  readonly #ownDelays: RecordableHistogram = createHistogram({ lowest: 1, highest: 600_000_000, figures: 3 });
  #timer: NodeJS.Timeout | undefined;
  #startMs = 0;
  /** Requests sent or due until then do not count into latencies. */
  #countedFromMs = 0;
  #sent = 0;
  #answered = 0;
  #settle: { readonly resolve: () => void; readonly reject: (error: Error) => void } | undefined;

  constructor(request: Buffer, load: Load) {
    this.#request = request;
    this.#load = load;
  }

  async run(port: number): Promise<LoadResult> {
    try {
      // Shared: a read is delivered before the next one starts.
      const buffer = Buffer.allocUnsafe(READ_BUFFER_BYTES);
      await Promise.all(Array.from({ length: this.#load.connections }, () => this.#open(port, buffer)));
      await new Promise<void>((resolve, reject) => {
        this.#settle = { resolve, reject };
        this.#startMs = performance.now();
        if (this.#load.kind === "paced") {
          this.#countedFromMs = this.#startMs + this.#load.warmUpSeconds * 1000;
          this.#timer = setInterval(() => this.#sendDue(), PACE_TICK_MS);
        } else for (const connection of this.#connections) this.#proceed(connection, this.#startMs);
      });
      const seconds = (performance.now() - this.#startMs) / 1000;
      return {
        requests: this.#answered,
        perSecond: this.#answered / seconds,
        p50Ms: this.#latencies.percentile(50) / 1000,
        p99Ms: this.#latencies.percentile(99) / 1000,
        ownDelayP99Ms: this.#ownDelays.count === 0 ? 0 : this.#ownDelays.percentile(99) / 1000,
      };
    } finally {
      clearInterval(this.#timer);
      this.#settle = undefined;
      for (const { socket } of this.#connections) socket.destroy();
    }
  }

  #open(port: number, buffer: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connect({
        port,
        host: "127.0.0.1",
        onread: {
          buffer,
          callback: (length) => {
            this.#take(connection, buffer.subarray(0, length));
            return true;
          },
        },
      });
      const connection: Connection = { socket, framer: new ReplyFramer(), since: 0 };
      socket.setNoDelay(true);
      socket.once("connect", () => {
        this.#connections.push(connection);
        this.#idle.push(connection);
        resolve();
      });
      socket.on("error", (error) => {
        reject(error);
        this.#settle?.reject(error);
      });
      socket.on("close", () => this.#settle?.reject(new Error("the server closed a connection")));
    });
  }

  #take(connection: Connection, bytes: Buffer): void {
    const { framer } = connection;
    try {
      if (!framer.take(bytes)) return;
    } catch (error) {
      this.#settle?.reject(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    if (framer.status !== 200) {
      this.#settle?.reject(new Error(`a reply of status ${framer.status}: ${framer.excerpt}`));
      return;
    }
    framer.reset();
    const nowMs = performance.now();
    this.#answered += 1;
    if (connection.since > this.#countedFromMs) {
      this.#latencies.record(Math.max(1, Math.round((nowMs - connection.since) * 1000)));
    }
    if (this.#load.kind === "paced") {
      this.#idle.push(connection);
      this.#sendDue();
    } else {
      this.#proceed(connection, nowMs);
    }
  }

  /** Closed loads: the connection's next request, if there is to be one. */
  #proceed(connection: Connection, nowMs: number): void {
    const { kind } = this.#load;
    const isOver =
      kind === "requests"
        ? this.#sent >= this.#load.requests
        : nowMs - this.#startMs >= this.#load.seconds * 1000;
    if (!isOver) this.#send(connection, nowMs);
    else if (this.#answered === this.#sent) this.#settle?.resolve();
  }

  /** Paced loads: what is due and finds a connection. */
  #sendDue(): void {
    if (this.#load.kind !== "paced") return;
    const { perSecond } = this.#load;
    const seconds = this.#load.warmUpSeconds + this.#load.seconds;
    const total = Math.floor(perSecond * seconds);
    const nowMs = performance.now();
    const due = Math.min(total, Math.floor(((nowMs - this.#startMs) * perSecond) / 1000));
    const hadChoice = this.#idle.length > 1;
    while (this.#sent < due) {
      const connection = this.#idle.shift();
      if (connection === undefined) break;
      const dueMs = this.#startMs + ((this.#sent + 1) * 1000) / perSecond;
      if (hadChoice && dueMs > this.#countedFromMs)
        this.#ownDelays.record(Math.max(1, Math.round((nowMs - dueMs) * 1000)));
      this.#send(connection, dueMs);
    }
    if (this.#answered === total) this.#settle?.resolve();
    else if (nowMs - this.#startMs > seconds * 1000 + OVERRUN_MS) {
      this.#settle?.reject(new Error(`cannot take ${Math.round(perSecond)} requests/s`));
    }
  }

  #send(connection: Connection, sinceMs: number): void {
    this.#sent += 1;
    connection.since = sinceMs;
    connection.socket.write(this.#request);
  }
}
