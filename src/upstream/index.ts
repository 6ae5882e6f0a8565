export { targetOf, type UpstreamTarget } from "./address.ts";
export type {
  Call,
  CallListener,
  CallOpener,
  Channel,
  ChannelFactory,
  ChannelOptions,
  ConnectionSettings,
  Metadata,
} from "./channel.ts";
export type { ChannelStats, EndpointStats } from "./channel-stats.ts";
export { DeadlineWheel } from "./deadline-wheel.ts";
export type { Availability, CallEnd, EndpointObserver, EndpointView } from "./endpoint.ts";
export type { HealthObserver } from "./health/observer.ts";
export type { EjectionOptions, HealthCheckOptions } from "./health/options.ts";
export type { EjectionReason } from "./health/outlier-member.ts";
export { LONG_MESSAGE_BYTES, messageMemory } from "./message-memory.ts";
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
export { TlsCredentials } from "./tls-credentials.ts";
export type { TlsMaterial } from "./tls-material.ts";
