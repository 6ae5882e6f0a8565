export type { WeightedAddress } from "./address.ts";
export type { BalancingPolicy } from "./balancer.ts";
export type {
  Call,
  CallListener,
  Channel,
  ChannelFactory,
  ChannelLimits,
  ChannelOptions,
  ConnectionSettings,
  Metadata,
} from "./channel.ts";
export type { ChannelStats, EndpointStats, RefusingLimit, ResendReason } from "./channel-stats.ts";
export type { Connectivity } from "./connectivity.ts";
export type {
  Availability,
  CallEnd,
  EndpointObserver,
  EndpointView,
  WatchEndpoints,
} from "./endpoint.ts";
