export { Http2Connection, type Http2Socket } from "./http2-connection.ts";
