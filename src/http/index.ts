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
  RefusalListener,
  RefusedConnection,
  RefusedRequest,
} from "./engine.ts";
export type { BodyListener, HttpExchange, TlsClient } from "./exchange.ts";
export { findHeader, type HeaderList } from "./header-list.ts";
export { htmlPageFields } from "./html-page.ts";
export { formatAddress, ListenError } from "./listen-error.ts";
export { compileOrigins } from "./origins.ts";
export { Pieces } from "./pieces.ts";
export { type ServerIdentity, ServerTls, type ServerTlsFault, type ServerTlsMaterial } from "./server-tls.ts";
export {
  CloseCode,
  type FrameKind,
  type WebSocketConnection,
  type WebSocketListener,
  type WebSocketOptions,
} from "./web-socket.ts";
