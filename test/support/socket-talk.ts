/**
 * Whole conversations over a WebSocket, for end-to-end tests.
 */
import { RawHttpClient, type RawReply } from "./raw-http.ts";
import { closePayload, handshakeHead, Opcode, type RawFrame, RawWebSocket } from "./raw-web-socket.ts";

/** A frame of a client: text, or bytes for a binary one. */
export type ClientFrame = string | Uint8Array;

/** Everything that came until the close frame. */
export interface Talk {
  /** Text frames as text, binary ones as `0x…`. */
  readonly frames: readonly string[];
  readonly code: number;
  readonly reason: string;
  readonly protocol: string | undefined;
}

/** What goes into a handshake. */
export interface SocketWords {
  readonly protocols?: string;
  readonly headers?: readonly string[];
}

/** Opens a WebSocket at `target` of a listener on 127.0.0.1. */
export async function openSocket(
  port: number,
  target: string,
  words: SocketWords = {},
): Promise<RawWebSocket> {
  return RawWebSocket.open(await RawHttpClient.connect(port), target, fieldsOf(words));
}

/** The answer to a handshake that is not accepted. */
export async function refusedSocket(
  port: number,
  target: string,
  words: SocketWords = {},
): Promise<RawReply> {
  const client = await RawHttpClient.connect(port);
  try {
    await client.send(handshakeHead(target, fieldsOf(words)));
    return await client.reply();
  } finally {
    client.close();
  }
}

/** Sends `frames` and reads to the end. */
export async function talk(
  port: number,
  target: string,
  frames: readonly ClientFrame[],
  words: SocketWords = {},
): Promise<Talk> {
  const socket = await openSocket(port, target, words);
  for (const frame of frames) await sendFrame(socket, frame);
  return readToClose(socket);
}

export function sendFrame(socket: RawWebSocket, frame: ClientFrame): Promise<void> {
  return socket.send(typeof frame === "string" ? Opcode.TEXT : Opcode.BINARY, frame);
}

/** Reads all frames up to the close frame, answers that and hangs up. Pings are answered, too. */
export async function readToClose(socket: RawWebSocket): Promise<Talk> {
  const frames: string[] = [];
  const protocol = socket.handshake.headers.find(([name]) => name === "sec-websocket-protocol")?.[1];
  for (;;) {
    const frame = await socket.frame();
    if (frame.opcode === Opcode.CLOSE) {
      const code = frame.payload.length === 0 ? 1005 : frame.payload.readUInt16BE();
      await socket.send(Opcode.CLOSE, closePayload(code));
      socket.client.socket.end();
      return { frames, code, reason: frame.payload.subarray(2).toString(), protocol };
    }
    if (frame.opcode === Opcode.PING) await socket.send(Opcode.PONG, frame.payload);
    else frames.push(textOf(frame));
  }
}

function textOf({ opcode, payload }: RawFrame): string {
  return opcode === Opcode.TEXT ? payload.toString() : `0x${payload.toString("hex")}`;
}

function fieldsOf({ protocols, headers = [] }: SocketWords): readonly string[] {
  return protocols === undefined ? headers : ["Sec-WebSocket-Protocol", protocols, ...headers];
}
