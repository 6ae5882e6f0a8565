/**
 * One grpc-js channel behind ours. What it is made of, credentials above all, it keeps for life; where that changes, a
 * new one takes the calls, and this one closes when its last has ended.
 */
import {
  type ChannelCredentials,
  connectivityState,
  Channel as GrpcChannel,
  type ChannelOptions as GrpcOptions,
} from "@grpc/grpc-js";

/** A grpc-js channel and the number of its calls. */
export class Generation {
  readonly channel: GrpcChannel;
  /** Whether its calls say that their messages are compressed. */
  readonly isCompressing: boolean;
  #openCalls = 0;
  #isRetired = false;

  constructor(uri: string, credentials: ChannelCredentials, options: GrpcOptions, isCompressing: boolean) {
    this.channel = new GrpcChannel(uri, credentials, options);
    this.isCompressing = isCompressing;
  }

  get isReady(): boolean {
    return this.channel.getConnectivityState(false) === connectivityState.READY;
  }

  onCallStarted(): void {
    this.#openCalls++;
  }

  onCallEnded(): void {
    this.#openCalls--;
    if (this.#isRetired && this.#openCalls === 0) this.channel.close();
  }

  /** Takes no more calls; closes with its last one. */
  retire(): void {
    this.#isRetired = true;
    if (this.#openCalls === 0) this.channel.close();
  }

  /** Connects, and calls `onChange` when the state of the connections has changed, as long as that answers true. */
  watch(onChange: () => boolean): void {
    const state = this.channel.getConnectivityState(true);
    if (state === connectivityState.SHUTDOWN) return;
    this.channel.watchConnectivityState(state, Number.POSITIVE_INFINITY, () => {
      if (onChange()) this.watch(onChange);
    });
  }
}
