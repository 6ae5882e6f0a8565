export { grpcJs } from "./channel.ts";
