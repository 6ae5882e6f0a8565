/** What every part of the channel contract needs: the client under test and ways to open calls with it. */
import type { Call, Channel, ChannelFactory, ChannelOptions, Metadata } from "../../../src/upstream/index.ts";
import { channelOptions } from "../../support/channel-options.ts";
import { CallRecorder, type Outcome } from "../../support/grpc-recorder.ts";

/** The client under test. `skips` names tests that it cannot pass, each with the reason. */
export interface Subject {
  readonly factory: ChannelFactory;
  readonly skips: Readonly<Record<string, string>>;
}

/** Long enough for any test on a busy machine; a test that reaches it has failed. */
export const PATIENCE_MS = 10_000;

export const LIMIT_BYTES: number = 4 * 1024 * 1024;

export function connect(
  subject: Subject,
  addresses: readonly string[],
  more: Partial<ChannelOptions> = {},
): Channel {
  return subject.factory.connect(
    channelOptions(addresses, {
      maxReceiveMessageBytes: LIMIT_BYTES,
      maxSendMessageBytes: LIMIT_BYTES,
      ...more,
    }),
  );
}

/** The `skip` option of a test: the reason, or false. */
export function skipOf(subject: Subject, name: string): string | false {
  return subject.skips[name] ?? false;
}

/** Sends one message, half-closes and waits for the end. */
export async function unary(
  channel: Channel,
  rpcPath: string,
  message: Uint8Array = Buffer.from("ping"),
  metadata: Metadata = [],
  deadlineMs: number = PATIENCE_MS,
): Promise<Outcome & { readonly recorder: CallRecorder }> {
  const recorder = new CallRecorder();
  const call: Call = channel.open(rpcPath, metadata, deadlineMs, recorder);
  call.send(message);
  call.halfClose();
  const outcome = await recorder.ended;
  return { ...outcome, recorder };
}
