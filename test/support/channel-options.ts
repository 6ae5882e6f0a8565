/** Options of a channel as config's defaults give them, for tests and benchmarks that open one themselves. */
import type { ChannelOptions } from "../../src/upstream/index.ts";

/** Options for these addresses; `more` replaces single ones. */
export function channelOptions(
  addresses: readonly string[],
  more: Partial<ChannelOptions> = {},
): ChannelOptions {
  return {
    addresses,
    tls: undefined,
    authority: "",
    metadata: [],
    requestCompression: "none",
    maxReceiveMessageBytes: 4 * 1024 * 1024,
    maxSendMessageBytes: 4 * 1024 * 1024,
    ...more,
  };
}
