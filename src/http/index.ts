export { clientCertificateElement } from "./client-certificate.ts";
export type {
  ConnectionCounts,
  ConnectionFault,
  ConnectionRefusalListener,
  EngineLimits,
  ExchangeHandler,
  HttpEngine,
  HttpListener,
  ListenAddress,
  ListenOptions,
  ProxyProtocolOptions,
  RefusalListener,
  RefusedConnection,
  RefusedRequest,
  TcpAddress,
  UnixAddress,
  WebSocketLimits,
} from "./engine.ts";
export type { BodyListener, HttpExchange, TlsClient } from "./exchange.ts";
export { findHeader, type HeaderList } from "./header-list.ts";
export { htmlPageFields } from "./html-page.ts";
export { formatAddress, ListenError } from "./listen-error.ts";
export { compileOrigins } from "./origins.ts";
export {
  type OpenedServerTls,
  type ServerCertificate,
  type ServerIdentity,
  ServerTls,
  type ServerTlsFault,
  type ServerTlsMaterial,
  type ServerTlsSettings,
} from "./server-tls.ts";
export { freeSocketPath, removeSocketFile, type SocketFile, takeSocketFile } from "./unix-socket.ts";
export {
  CloseCode,
  type FrameKind,
  type WebSocketConnection,
  type WebSocketListener,
  type WebSocketOptions,
} from "./web-socket.ts";
