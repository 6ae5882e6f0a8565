export { CompiledCodec, type JsonReader, type JsonWriter, type ReadMessage } from "./codec.ts";
