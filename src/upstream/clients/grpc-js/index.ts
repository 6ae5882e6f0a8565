export { connectGrpcJs, GrpcJsChannel, grpcJs } from "./channel.ts";
