export { createHttp2Client } from "./channel.ts";
