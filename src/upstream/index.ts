export type { Call, CallListener, Channel, ChannelFactory, ChannelOptions, Metadata } from "./channel.ts";
