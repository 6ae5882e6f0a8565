/**
 * A Channel without a network: records the calls, and lets a test play the upstream.
 */
import type { Status } from "../../src/status/index.ts";
import type { Call, CallListener, Channel, ChannelStats, Metadata } from "../../src/upstream/index.ts";

export class FakeCall implements Call {
  readonly rpcPath: string;
  readonly metadata: Metadata;
  readonly deadlineMs: number;
  readonly listener: CallListener;
  readonly sent: Uint8Array[] = [];
  isHalfClosed = false;
  resumed = 0;
  cancelledWith: Status | undefined;

  constructor(rpcPath: string, metadata: Metadata, deadlineMs: number, listener: CallListener) {
    this.rpcPath = rpcPath;
    this.metadata = metadata;
    this.deadlineMs = deadlineMs;
    this.listener = listener;
  }

  send(message: Uint8Array): boolean {
    this.sent.push(message);
    return true;
  }

  halfClose(): void {
    this.isHalfClosed = true;
  }

  cancel(status: Status): void {
    if (this.cancelledWith !== undefined) return;
    this.cancelledWith = status;
    this.listener.onStatus(status, []);
  }

  resume(): void {
    this.resumed++;
  }
}

export class FakeChannel implements Channel {
  readonly calls: FakeCall[] = [];
  /** Requests under way. */
  retained = 0;

  /** The only call so far. */
  get call(): FakeCall {
    const [call] = this.calls;
    if (call === undefined) throw new Error("no call has been opened");
    return call;
  }

  open(rpcPath: string, metadata: Metadata, deadlineMs: number, listener: CallListener): Call {
    const call = new FakeCall(rpcPath, metadata, deadlineMs, listener);
    this.calls.push(call);
    return call;
  }

  retain(): void {
    this.retained++;
  }

  release(): void {
    this.retained--;
  }

  async warmUp(): Promise<void> {}

  stats(): ChannelStats {
    return {
      state: "ready",
      endpoints: [],
      openCalls: this.calls.length,
      pendingCalls: 0,
      pendingBytes: 0,
      refusedCalls: {},
      resentCalls: {},
    };
  }

  async close(): Promise<void> {}
}
