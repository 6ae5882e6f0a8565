/**
 * An HTTP/1.1 client on a bare socket, for tests that must send what no client library would.
 */
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";

/** One reply as it came. Names are lower-case; the body is decoded from chunks. */
export interface RawReply {
  readonly status: number;
  readonly reason: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer;
  /** Fields after the last chunk, as sent. */
  readonly trailers: readonly (readonly [string, string])[];
}

/** The values of all fields called `name`. */
export function fieldValues(reply: RawReply, name: string): string[] {
  return reply.headers.filter(([field]) => field === name).map(([, value]) => value);
}

/**
 * Sends `bytes` on a connection of its own and resets it, all before a server in this process can accept it: another process
 * does that, and this one stands still meanwhile.
 */
export function sendAndReset(port: number, bytes: string): void {
  const client = `const socket = require("node:net").connect(${port}, "127.0.0.1", () =>
    socket.write(${JSON.stringify(bytes)}, () => socket.resetAndDestroy()));`;
  const { status } = spawnSync(process.execPath, ["-e", client]);
  if (status !== 0) throw new Error("the client could not reset its connection");
}

/** Latin-1 text to bytes, so that a test can write any byte as `\xNN`. */
export function bytesOf(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

export class RawHttpClient {
  readonly socket: Socket;
  /** What has come, joined when it is asked for: a client may be sent megabytes in small pieces. */
  #pieces: Buffer[] = [];
  #isEnded = false;
  #wake: () => void = () => undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (chunk) => {
      this.#pieces.push(chunk);
      this.#wake();
    });
    // A reset is one way for a server to close; what matters is what came before it.
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.#isEnded = true;
      this.#wake();
    });
  }

  static async connect(port: number, host = "127.0.0.1"): Promise<RawHttpClient> {
    const socket = connect(port, host);
    const client = new RawHttpClient(socket);
    await once(socket, "connect");
    return client;
  }

  /** Sends bytes (a string is Latin-1) and resolves when the system has them. */
  send(bytes: string | Uint8Array): Promise<void> {
    const buffer = typeof bytes === "string" ? bytesOf(bytes) : bytes;
    return new Promise((resolve) => {
      this.socket.write(buffer, () => resolve());
    });
  }

  /** Sends the pieces so that the server, in this process, reads them one by one. */
  async sendPieces(pieces: readonly Uint8Array[]): Promise<void> {
    for (const piece of pieces) {
      await this.send(piece);
      // A loopback write is readable at once; a server in this process reads it in the poll phase of the next turn.
      await nextTurn();
      await nextTurn();
    }
  }

  /** The next reply; rejects if the connection closes before it is complete. Interim (1xx) replies count as replies. */
  async reply(requestMethod = "GET"): Promise<RawReply> {
    for (;;) {
      const parsed = parseReply(this.#received, requestMethod);
      if (parsed !== undefined) {
        this.#pieces = [this.#received.subarray(parsed.length)];
        return parsed.reply;
      }
      if (this.#isEnded) {
        throw new Error(`closed before a whole reply: ${JSON.stringify(this.#received.toString("latin1"))}`);
      }
      await this.#change();
    }
  }

  /** The next `count` bytes; rejects if the connection closes before. */
  async take(count: number): Promise<Buffer> {
    await this.receivedAtLeast(count);
    if (this.#received.length < count) throw new Error(`closed ${count - this.#received.length} bytes early`);
    const taken = Buffer.from(this.#received.subarray(0, count));
    this.#pieces = [this.#received.subarray(count)];
    return taken;
  }

  /** Resolves when the connection is closed, with the bytes that no reply took. */
  async closed(): Promise<string> {
    while (!this.#isEnded) await this.#change();
    return this.#received.toString("latin1");
  }

  /** Resolves when at least `count` bytes are there; they stay. */
  async receivedAtLeast(count: number): Promise<void> {
    while (this.#received.length < count && !this.#isEnded) await this.#change();
  }

  /** What has come and no reply has taken. */
  get pending(): string {
    return this.#received.toString("latin1");
  }

  /** Closes with a reset, as a client that crashes. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  close(): void {
    this.socket.destroy();
  }

  get #received(): Buffer {
    const [first = Buffer.alloc(0), ...more] = this.#pieces;
    if (more.length === 0) return first;
    const whole = Buffer.concat(this.#pieces);
    this.#pieces = [whole];
    return whole;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

function parseReply(bytes: Buffer, method: string): { reply: RawReply; length: number } | undefined {
  const headEnd = bytes.indexOf("\r\n\r\n");
  if (headEnd < 0) return undefined;
  const [statusLine = "", ...lines] = bytes.toString("latin1", 0, headEnd).split("\r\n");
  const match = /^HTTP\/1\.1 (\d{3}) (.*)$/.exec(statusLine);
  if (match === null) throw new Error(`not a status line: ${JSON.stringify(statusLine)}`);
  const status = Number(match[1]);
  const headers = lines.map(parseField);
  const head = { status, reason: match[2] ?? "", headers };
  const start = headEnd + 4;
  const value = (name: string): string | undefined => headers.find(([field]) => field === name)?.[1];
  if (method === "HEAD" || status < 200 || status === 204 || status === 304) {
    return { reply: { ...head, body: Buffer.alloc(0), trailers: [] }, length: start };
  }
  if (value("transfer-encoding") === "chunked") {
    const decoded = parseChunks(bytes, start);
    if (decoded === undefined) return undefined;
    return { reply: { ...head, body: decoded.body, trailers: decoded.trailers }, length: decoded.end };
  }
  const length = Number(value("content-length") ?? Number.NaN);
  if (Number.isNaN(length)) throw new Error(`a reply without length: ${JSON.stringify(lines)}`);
  if (bytes.length < start + length) return undefined;
  const body = Buffer.from(bytes.subarray(start, start + length));
  return { reply: { ...head, body, trailers: [] }, length: start + length };
}

function parseField(line: string): readonly [string, string] {
  const colon = line.indexOf(":");
  if (colon <= 0) throw new Error(`not a field: ${JSON.stringify(line)}`);
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
}

function parseChunks(
  bytes: Buffer,
  start: number,
): { body: Buffer; trailers: (readonly [string, string])[]; end: number } | undefined {
  const chunks: Buffer[] = [];
  let position = start;
  for (;;) {
    const lineEnd = bytes.indexOf("\r\n", position);
    if (lineEnd < 0) return undefined;
    const line = bytes.toString("latin1", position, lineEnd);
    if (!/^[0-9a-fA-F]+$/.test(line)) throw new Error(`not a chunk size: ${JSON.stringify(line)}`);
    const size = Number.parseInt(line, 16);
    position = lineEnd + 2;
    if (size === 0) break;
    if (bytes.length < position + size + 2) return undefined;
    chunks.push(bytes.subarray(position, position + size));
    if (bytes.toString("latin1", position + size, position + size + 2) !== "\r\n") {
      throw new Error("no CR LF after a chunk");
    }
    position += size + 2;
  }
  const trailers: (readonly [string, string])[] = [];
  for (;;) {
    const lineEnd = bytes.indexOf("\r\n", position);
    if (lineEnd < 0) return undefined;
    if (lineEnd === position) return { body: Buffer.concat(chunks), trailers, end: position + 2 };
    trailers.push(parseField(bytes.toString("latin1", position, lineEnd)));
    position = lineEnd + 2;
  }
}
