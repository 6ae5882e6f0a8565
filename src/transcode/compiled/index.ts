export { CompiledCodec } from "./codec.ts";
