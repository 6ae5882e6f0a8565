/**
 * A WebSocket client on a bare socket, for tests that must send what no client library would.
 */
import { createHash, randomBytes } from "node:crypto";
import { fieldValues, type RawHttpClient, type RawReply } from "./raw-http.ts";

export const Opcode = { CONTINUATION: 0, TEXT: 1, BINARY: 2, CLOSE: 8, PING: 9, PONG: 10 } as const;

/** One frame as it came. */
export interface RawFrame {
  readonly opcode: number;
  readonly isFinal: boolean;
  readonly payload: Buffer;
}

/** Deviations from a plain frame. */
export interface FrameTraits {
  readonly isFinal?: boolean;
  /** Four bytes; random ones by default, undefined sends the payload as it is, without the mask bit. */
  readonly mask?: Buffer | undefined;
  readonly reservedBits?: number;
  /** The length that the head announces, if it is to lie. */
  readonly announced?: number;
}

/** A frame as a client sends it. Source: RFC 6455 section 5.2. */
export function frameOf(opcode: number, content: string | Uint8Array, traits: FrameTraits = {}): Buffer {
  const payload = Buffer.from(content);
  const mask = "mask" in traits ? traits.mask : randomBytes(4);
  const length = traits.announced ?? payload.length;
  const maskBit = mask === undefined ? 0 : 0x80;
  const first = ((traits.isFinal ?? true) ? 0x80 : 0) | (traits.reservedBits ?? 0) | opcode;
  let head: Buffer;
  if (length < 126) {
    head = Buffer.from([first, maskBit | length]);
  } else if (length < 65_536) {
    head = Buffer.from([first, maskBit | 126, length >> 8, length & 0xff]);
  } else {
    head = Buffer.alloc(10);
    head[0] = first;
    head[1] = maskBit | 127;
    head.writeBigUInt64BE(BigInt(length), 2);
  }
  if (mask === undefined) return Buffer.concat([head, payload]);
  const masked = Buffer.from(payload.map((byte, i) => byte ^ (mask[i % 4] ?? 0)));
  return Buffer.concat([head, mask, masked]);
}

/** A close frame's payload. */
export function closePayload(code: number, reason = ""): Buffer {
  return Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason)]);
}

/** The head of a handshake; `fields` come last and may repeat. */
export function handshakeHead(
  target = "/socket",
  fields: readonly string[] = [],
  key: string = randomBytes(16).toString("base64"),
): string {
  const lines = [
    `GET ${target} HTTP/1.1`,
    "Host: localhost",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${key}`,
  ];
  for (let i = 0; i + 1 < fields.length; i += 2) lines.push(`${fields[i]}: ${fields[i + 1]}`);
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** An upgraded connection. */
export class RawWebSocket {
  readonly client: RawHttpClient;
  readonly handshake: RawReply;

  private constructor(client: RawHttpClient, handshake: RawReply) {
    this.client = client;
    this.handshake = handshake;
  }

  /** Shakes hands; rejects if the answer is not a proper 101. */
  static async open(
    client: RawHttpClient,
    target?: string,
    fields?: readonly string[],
  ): Promise<RawWebSocket> {
    const key = randomBytes(16).toString("base64");
    await client.send(handshakeHead(target, fields, key));
    const reply = await client.reply();
    const expected = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
    if (reply.status !== 101 || fieldValues(reply, "sec-websocket-accept")[0] !== expected) {
      throw new Error(
        `not upgraded: ${reply.status} ${JSON.stringify(reply.headers)} ${reply.body.toString()}`,
      );
    }
    return new RawWebSocket(client, reply);
  }

  send(opcode: number, content: string | Uint8Array, traits?: FrameTraits): Promise<void> {
    return this.client.send(frameOf(opcode, content, traits));
  }

  /** The next frame; rejects if the connection ends before it is complete. */
  async frame(): Promise<RawFrame> {
    const head = await this.client.take(2);
    const [first = 0, second = 0] = head;
    if ((second & 0x80) !== 0) throw new Error("the server masked a frame");
    let length = second & 0x7f;
    if (length === 126) length = (await this.client.take(2)).readUInt16BE();
    else if (length === 127) length = Number((await this.client.take(8)).readBigUInt64BE());
    return {
      opcode: first & 0x0f,
      isFinal: (first & 0x80) !== 0,
      payload: await this.client.take(length),
    };
  }

  /** The next frame as text, which it must be. */
  async text(): Promise<string> {
    const { opcode, isFinal, payload } = await this.frame();
    if (opcode !== Opcode.TEXT || !isFinal)
      throw new Error(`not a text frame: ${opcode} ${payload.toString()}`);
    return payload.toString();
  }

  /** The code and reason of the close frame, which must be next. 1005 is a frame without a code. */
  async close(): Promise<{ readonly code: number; readonly reason: string }> {
    const { opcode, payload } = await this.frame();
    if (opcode !== Opcode.CLOSE) throw new Error(`not a close frame: ${opcode} ${payload.toString()}`);
    if (payload.length === 0) return { code: 1005, reason: "" };
    return { code: payload.readUInt16BE(), reason: payload.subarray(2).toString() };
  }
}
