/** Upstreams of raw frames, and channels of our own client to them: what tests of the channel need. */
import assert from "node:assert/strict";
import { createServer, type Server, type Socket } from "node:net";
import { Http2Channel, SURROUNDINGS, type Surroundings } from "../../src/upstream/clients/http2/channel.ts";
import type { Call, Channel, ChannelOptions } from "../../src/upstream/index.ts";
import { channelOptions } from "./channel-options.ts";
import { CallRecorder, type Outcome } from "./grpc-recorder.ts";
import {
  DATA,
  END_STREAM,
  type RawBehaviour,
  type RawFrame,
  type RawPeer,
  type RawServer,
  reply,
  startRawServer,
} from "./raw-http2.ts";

/** A channel to all of these. */
export function channelTo(
  servers: readonly { readonly address: string }[],
  more: Partial<ChannelOptions> = {},
  surroundings: Partial<Surroundings> = {},
): Http2Channel {
  const addresses = servers.map(({ address }) => address);
  return new Http2Channel(channelOptions(addresses, more), "test", { ...SURROUNDINGS, ...surroundings });
}

/** Sends a whole request; the reply may take its time. */
export function start(
  channel: Channel,
  deadlineMs = 10_000,
): { readonly recorder: CallRecorder; readonly call: Call } {
  const recorder = new CallRecorder();
  const call = channel.open("/test.Raw/Call", [], deadlineMs, recorder);
  call.send(Buffer.from("ping"));
  call.halfClose();
  return { recorder, call };
}

/** One call and the text of its reply. */
export async function callOnce(channel: Channel): Promise<Outcome & { readonly text: string }> {
  const { recorder } = start(channel);
  const outcome = await recorder.ended;
  return { ...outcome, text: Buffer.from(recorder.messages[0] ?? []).toString() };
}

/** Whether the frame ends a request of {@link start}. */
export function isCall(frame: RawFrame): boolean {
  return frame.type === DATA && (frame.flags & END_STREAM) !== 0;
}

/** Answers every call with `text`. */
export function answering(text: string): RawBehaviour {
  return {
    onFrame: (frame, peer) => {
      if (isCall(frame)) peer.send(reply(frame.streamId, Buffer.from(text)));
    },
  };
}

/** A server that keeps its calls until they are told to be answered. */
export async function startHolding(
  greeting?: Uint8Array,
): Promise<{ readonly server: RawServer; readonly held: readonly { answer(): void }[] }> {
  const held: { answer(): void }[] = [];
  const onFrame = (frame: RawFrame, peer: RawPeer): void => {
    if (isCall(frame)) held.push({ answer: () => peer.send(reply(frame.streamId)) });
  };
  const server = await startRawServer(greeting === undefined ? { onFrame } : { onFrame, greeting });
  return { server, held };
}

/** Where nothing listens: it was free a moment ago. */
export async function deadAddress(): Promise<{ readonly address: string }> {
  const server = await startRawServer({});
  await server.close();
  return { address: server.address };
}

/** Accepts and never says a word. */
export async function startSilent(): Promise<{ readonly address: string; close(): void }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
  });
  const address = await listen(server);
  return {
    address,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Listens on a free port and gives the address. */
export async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  assert.ok(typeof bound === "object" && bound !== null);
  return `127.0.0.1:${bound.port}`;
}

/** Lets the event loop turn until it is so. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(setImmediate);
}

/** Closes the channel, then the servers. */
export async function closeAll(channel: Channel, ...servers: readonly { close(): unknown }[]): Promise<void> {
  await channel.close();
  for (const server of servers) await server.close();
}
