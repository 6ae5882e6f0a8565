export { createHttp2Client, Http2Channel } from "./channel.ts";
