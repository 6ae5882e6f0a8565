export type { Call, CallListener, Channel, ChannelFactory, ChannelOptions, Metadata } from "./channel.ts";
export type { Connectivity } from "./connectivity.ts";
export { DeadlineWheel } from "./deadline-wheel.ts";
export {
  codeSet,
  type HedgingPolicy,
  type RepeatPolicy,
  type RetryPolicy,
} from "./retry/repeat-policy.ts";
export type { RetryStats } from "./retry/retry-stats.ts";
export {
  type RetrySurroundings,
  UpstreamRetries,
  type UpstreamRetriesOptions,
} from "./retry/upstream-retries.ts";
