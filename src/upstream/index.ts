export type {
  Call,
  CallListener,
  Channel,
  ChannelFactory,
  ChannelOptions,
  Metadata,
  TlsOptions,
} from "./channel.ts";
export type { Connectivity } from "./connectivity.ts";
export { type OpenedTls, TlsCredentials } from "./tls-credentials.ts";
export type { TlsFault, TlsMaterial, TlsPart, TlsVersion } from "./tls-material.ts";
