export { targetOf, type UpstreamTarget, type WeightedAddress } from "./address.ts";
export type { BalancingPolicy } from "./balancer.ts";
export type {
  Call,
  CallListener,
  CallOpener,
  Channel,
  ChannelFactory,
  ChannelLimits,
  ChannelOptions,
  ConnectionSettings,
  Metadata,
  TlsOptions,
} from "./channel.ts";
export type { ChannelStats, EndpointStats, RefusingLimit, ResendReason } from "./channel-stats.ts";
export type { Connectivity } from "./connectivity.ts";
export { DeadlineWheel } from "./deadline-wheel.ts";
export type {
  Availability,
  CallEnd,
  EndpointObserver,
  EndpointView,
  WatchEndpoints,
} from "./endpoint.ts";
export type { HealthObserver } from "./health/observer.ts";
export type { EjectionOptions, HealthCheckOptions, HealthOptions } from "./health/options.ts";
export type { EjectionReason } from "./health/outlier-member.ts";
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
export { type OpenedTls, TlsCredentials } from "./tls-credentials.ts";
export type { TlsMaterial } from "./tls-material.ts";
