export { type Connectivity, connectGrpcJs, GrpcJsChannel, grpcJs } from "./channel.ts";
