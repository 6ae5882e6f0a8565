/** What the codec's tests share: the conformance suite's types, options, and how a refusal is looked at. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import {
  createFileRegistry,
  type DescMessage,
  type FileRegistry,
  fromBinary,
  toJson,
} from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { type Status, StatusError } from "../../../../src/status/index.ts";
import { CompiledCodec } from "../../../../src/transcode/compiled/index.ts";
import type { TranscodeOptions } from "../../../../src/transcode/index.ts";
import { OPTIONS } from "../../../contract/transcoder/codec.ts";

export { OPTIONS };

export const registry: FileRegistry = createFileRegistry(
  fromBinary(FileDescriptorSetSchema, readFileSync("test/conformance/messages.binpb")),
);

export const PROTO3 = "protobuf_test_messages.proto3.TestAllTypesProto3";
export const PROTO2 = "protobuf_test_messages.proto2.TestAllTypesProto2";
export const EDITION_2023 = "protobuf_test_messages.editions.TestAllTypesEdition2023";

export function messageNamed(name: string): DescMessage {
  const desc = registry.getMessage(name);
  assert.ok(desc !== undefined, name);
  return desc;
}

export function codecWith(options: Partial<TranscodeOptions> = {}): CompiledCodec {
  return new CompiledCodec(registry, { ...OPTIONS, ...options });
}

/** Reads JSON and tells what the wire then holds, as another library sees it. */
export function readBack(typeName: string, json: string, options: Partial<TranscodeOptions> = {}): unknown {
  const desc = messageNamed(typeName);
  const { message } = codecWith(options).jsonReader(desc)(Buffer.from(json));
  return toJson(desc, fromBinary(desc, message), { registry });
}

/** JSON of wire bytes given in hex. */
export function writeHex(typeName: string, hex: string, options: Partial<TranscodeOptions> = {}): string {
  const wire = Buffer.from(hex.replaceAll(" ", ""), "hex");
  return Buffer.from(codecWith(options).jsonWriter(messageNamed(typeName))(wire)).toString("utf8");
}

/** The status that `run` is refused with. */
export function refusalOf(run: () => unknown): Status {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof StatusError, String(error));
    return error.status;
  }
  throw new assert.AssertionError({ message: "nothing was refused" });
}
