export type {
  ConnectionCounts,
  EngineLimits,
  ExchangeHandler,
  HttpEngine,
  HttpListener,
  ListenAddress,
  RefusalListener,
  RefusedRequest,
  TcpAddress,
  UnixAddress,
  WebSocketLimits,
} from "./engine.ts";
export type { BodyListener, HttpExchange } from "./exchange.ts";
export { findHeader, type HeaderList } from "./header-list.ts";
export { formatAddress, ListenError } from "./listen-error.ts";
export { compileOrigins } from "./origins.ts";
export { freeSocketPath, removeSocketFile, type SocketFile, takeSocketFile } from "./unix-socket.ts";
export {
  CloseCode,
  type FrameKind,
  type WebSocketConnection,
  type WebSocketListener,
  type WebSocketOptions,
} from "./web-socket.ts";
