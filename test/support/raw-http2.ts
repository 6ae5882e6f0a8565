/**
 * An HTTP/2 server that is nothing but frames, for what a real one never does. It shares no code with the client that it
 * tests; header blocks it writes as plain literals, and those that it reads it leaves alone.
 */
import { createServer, type Socket } from "node:net";

export interface RawFrame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

export const DATA = 0;
export const HEADERS = 1;
export const PRIORITY = 2;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PUSH_PROMISE = 5;
export const PING = 6;
export const GOAWAY = 7;
export const WINDOW_UPDATE = 8;
export const CONTINUATION = 9;

export const END_STREAM = 1;
export const ACK = 1;
export const END_HEADERS = 4;
export const PADDED = 8;

const PREFACE_BYTES = 24;

export function rawFrame(
  type: number,
  flags: number,
  streamId: number,
  payload: Uint8Array = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, payload]);
}

export function uint32(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [i, value] of values.entries()) bytes.writeUInt32BE(value, i * 4);
  return bytes;
}

/** A SETTINGS frame of `[id, value]` pairs. */
export function settings(...entries: readonly (readonly [number, number])[]): Buffer {
  const payload = Buffer.alloc(entries.length * 6);
  for (const [i, [id, value]] of entries.entries()) {
    payload.writeUInt16BE(id, i * 6);
    payload.writeUInt32BE(value, i * 6 + 2);
  }
  return rawFrame(SETTINGS, 0, 0, payload);
}

/** A header block of literals, never indexed, without Huffman code; lengths below 127. */
export function block(fields: readonly (readonly [name: string, value: string])[]): Buffer {
  const parts = fields.flatMap(([name, value]) => [
    Buffer.from([0x10, name.length]),
    Buffer.from(name, "latin1"),
    Buffer.from([value.length]),
    Buffer.from(value, "latin1"),
  ]);
  return Buffer.concat(parts);
}

export const REPLY_HEADERS: Buffer = block([
  [":status", "200"],
  ["content-type", "application/grpc"],
]);

export const OK_TRAILERS: Buffer = block([["grpc-status", "0"]]);

/** One gRPC message as it stands on the wire. */
export function message(bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([0]), uint32(bytes.length), bytes]);
}

/** A whole reply with one message. */
export function reply(streamId: number, bytes: Uint8Array = Buffer.from("pong")): Buffer {
  return Buffer.concat([
    rawFrame(HEADERS, END_HEADERS, streamId, REPLY_HEADERS),
    rawFrame(DATA, 0, streamId, message(bytes)),
    rawFrame(HEADERS, END_HEADERS | END_STREAM, streamId, OK_TRAILERS),
  ]);
}

/** The server's side of one connection. */
export class RawPeer {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  /** What the client has sent, without the preface. */
  readonly frames: RawFrame[] = [];
  readonly #onFrame: (frame: RawFrame, peer: RawPeer) => void;
  #waiters: (() => void)[] = [];
  #pending: Buffer = Buffer.alloc(0);
  #skips = PREFACE_BYTES;

  constructor(socket: Socket, onFrame: (frame: RawFrame, peer: RawPeer) => void) {
    this.socket = socket;
    this.#onFrame = onFrame;
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => this.#read(bytes));
    this.closed = new Promise((resolve) => {
      socket.on("close", () => resolve());
    });
  }

  send(...frames: readonly Uint8Array[]): void {
    this.socket.write(Buffer.concat(frames));
  }

  /** Waits for a frame that the client has sent, or will send. */
  async frame(matches: (frame: RawFrame) => boolean): Promise<RawFrame> {
    for (;;) {
      const found = this.frames.find(matches);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }

  #read(bytes: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, bytes]);
    if (this.#skips > 0) {
      if (this.#pending.length < this.#skips) return;
      this.#pending = this.#pending.subarray(this.#skips);
      this.#skips = 0;
    }
    for (;;) {
      if (this.#pending.length < 9) break;
      const end = 9 + this.#pending.readUIntBE(0, 3);
      if (this.#pending.length < end) break;
      const frame = {
        type: this.#pending.readUInt8(3),
        flags: this.#pending.readUInt8(4),
        streamId: this.#pending.readUInt32BE(5),
        payload: this.#pending.subarray(9, end),
      };
      this.#pending = this.#pending.subarray(end);
      this.frames.push(frame);
      this.#onFrame(frame, this);
    }
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const resolve of waiters) resolve();
  }
}

export interface RawServer {
  readonly address: string;
  /** Every connection so far. */
  readonly peers: readonly RawPeer[];
  close(): Promise<void>;
}

export interface RawBehaviour {
  /** What it says when a connection opens; empty SETTINGS by default. */
  readonly greeting?: Uint8Array;
  onFrame?(frame: RawFrame, peer: RawPeer): void;
}

export async function startRawServer(behaviour: RawBehaviour): Promise<RawServer> {
  const peers: RawPeer[] = [];
  const server = createServer((socket) => {
    const peer = new RawPeer(socket, (frame) => behaviour.onFrame?.(frame, peer));
    peers.push(peer);
    peer.send(behaviour.greeting ?? settings());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("not listening on TCP");
  return {
    address: `127.0.0.1:${bound.port}`,
    peers,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const { socket } of peers) socket.destroy();
      }),
  };
}
