/**
 * The program under test of the official conformance runner: reads requests from stdin, answers on stdout.
 *
 * Each message has its length before it, 32 bits, little-endian. What has JSON on one side goes through the codec;
 * binary to binary has none, text format and JSPB are not offered: these are skipped.
 * Source: conformance/conformance.proto, conformance_test_runner.cc.
 */
import { readFileSync, readSync, writeSync } from "node:fs";
import { create, createFileRegistry, type DescMessage, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { StatusError } from "../../src/status/index.ts";
import { CompiledCodec } from "../../src/transcode/compiled/index.ts";
import type { TranscodeOptions } from "../../src/transcode/index.ts";

const PROTOBUF = 1;
const JSON_FORMAT = 2;
const IGNORE_UNKNOWN = 3;

const OPTIONS: TranscodeOptions = {
  unknownFields: "reject",
  ignoredQueryParameters: [],
  emitDefaults: false,
  enumsAsNumbers: false,
  int64: "string",
  protoFieldNames: false,
  pretty: false,
  prettyPrintParameter: false,
  maxDepth: 100,
};

const registry = createFileRegistry(
  fromBinary(FileDescriptorSetSchema, readFileSync("test/conformance/messages.binpb")),
);
const strict = new CompiledCodec(registry, OPTIONS);
const lenient = new CompiledCodec(registry, { ...OPTIONS, unknownFields: "ignore" });

/** The parts of ConformanceRequest that are used. */
interface Request {
  readonly payload: { readonly case?: string; readonly value?: unknown };
  readonly requestedOutputFormat: number;
  readonly messageType: string;
  readonly testCategory: number;
}

type Result = { readonly case: string; readonly value: string | Uint8Array };

const requestSchema = messageNamed("conformance.ConformanceRequest");
const responseSchema = messageNamed("conformance.ConformanceResponse");

for (let request = readFrame(); request !== undefined; request = readFrame()) {
  // The shape of a ConformanceRequest is fixed by the descriptor set that this program reads.
  const result = answer(fromBinary(requestSchema, request) as unknown as Request);
  // As is that of the answer.
  writeFrame(toBinary(responseSchema, create(responseSchema, { result } as never)));
}

function answer(request: Request): Result {
  const { payload, requestedOutputFormat: format } = request;
  const isOffered =
    (payload.case === "jsonPayload" && (format === PROTOBUF || format === JSON_FORMAT)) ||
    (payload.case === "protobufPayload" && format === JSON_FORMAT);
  if (request.messageType === "conformance.FailureSet")
    return { case: "protobufPayload", value: new Uint8Array() };
  if (!isOffered) return { case: "skipped", value: "no JSON on either side" };
  const desc = messageNamed(request.messageType);
  const codec = request.testCategory === IGNORE_UNKNOWN ? lenient : strict;
  let wire: Uint8Array;
  try {
    wire =
      payload.value instanceof Uint8Array
        ? payload.value
        : codec.jsonReader(desc)(Buffer.from(String(payload.value), "utf8")).message;
  } catch (error) {
    return failure("parseError", error);
  }
  if (format === PROTOBUF) return { case: "protobufPayload", value: wire };
  try {
    const json = codec.jsonWriter(desc)(wire);
    return { case: "jsonPayload", value: Buffer.from(json).toString("utf8") };
  } catch (error) {
    // The codec parses and serializes in one pass; its words tell which of the two failed.
    const isParsed = error instanceof StatusError && error.message.startsWith("reply has no JSON form");
    return failure(isParsed ? "serializeError" : "parseError", error);
  }
}

function failure(kind: string, error: unknown): Result {
  if (error instanceof StatusError) return { case: kind, value: error.message };
  return { case: "runtimeError", value: error instanceof Error ? String(error.stack) : String(error) };
}

function messageNamed(name: string): DescMessage {
  const desc = registry.getMessage(name);
  if (desc === undefined) throw new Error(`the descriptor set lacks ${name}`);
  return desc;
}

function readFrame(): Uint8Array | undefined {
  const head = readExactly(4);
  return head === undefined ? undefined : readExactly(head.readUInt32LE(0));
}

function readExactly(size: number): Buffer | undefined {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at < size; ) {
    const count = readSync(0, bytes, at, size - at, null);
    if (count === 0) return undefined;
    at += count;
  }
  return bytes;
}

function writeFrame(message: Uint8Array): void {
  const frame = Buffer.alloc(4 + message.length);
  frame.writeUInt32LE(message.length, 0);
  frame.set(message, 4);
  for (let at = 0; at < frame.length; ) at += writeSync(1, frame, at);
}
