/** The codec alone under the conformance runner. */
import { StatusError } from "../../src/status/index.ts";
import { CompiledCodec } from "../../src/transcode/compiled/index.ts";
import { OPTIONS } from "../contract/transcoder/codec.ts";
import { type Conversion, messageNamed, type Result, registry, serveRunner } from "./protocol.ts";

const strict = new CompiledCodec(registry, OPTIONS);
const lenient = new CompiledCodec(registry, { ...OPTIONS, unknownFields: "ignore" });

await serveRunner(({ typeName, input, output, isLenient }: Conversion): Result => {
  const desc = messageNamed(typeName);
  const codec = isLenient ? lenient : strict;
  let wire: Uint8Array;
  try {
    wire = "wire" in input ? input.wire : codec.jsonReader(desc)(Buffer.from(input.json, "utf8")).message;
  } catch (error) {
    return failure("parseError", error);
  }
  if (output === "wire") return { case: "protobufPayload", value: wire };
  try {
    return { case: "jsonPayload", value: Buffer.from(codec.jsonWriter(desc)(wire)).toString("utf8") };
  } catch (error) {
    // The codec parses and serializes in one pass; its words tell which of the two failed.
    const isParsed = error instanceof StatusError && error.message.startsWith("reply has no JSON form");
    return failure(isParsed ? "serializeError" : "parseError", error);
  }
});

function failure(kind: "parseError" | "serializeError", error: unknown): Result {
  if (!(error instanceof StatusError)) throw error;
  return { case: kind, value: error.message };
}
