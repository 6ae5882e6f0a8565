export { type SocketProtocol, WebSocketProtocol, type WebSocketSettings } from "./websocket-protocol.ts";
