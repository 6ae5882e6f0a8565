export type { Call, CallListener, Channel, ChannelFactory, ChannelOptions, Metadata } from "./channel.ts";
export type { Connectivity } from "./connectivity.ts";
