/**
 * What every program under test of the official conformance runner has in common: requests come on stdin, answers go to
 * stdout, each with its length before it (32 bits, little-endian).
 *
 * What has JSON on one side is answered; binary to binary has none, text format and JSPB are not offered: these are skipped.
 * Source: conformance/conformance.proto, conformance_test_runner.cc.
 */
import { readFileSync, writeSync } from "node:fs";
import {
  create,
  createFileRegistry,
  type DescMessage,
  type FileRegistry,
  fromBinary,
  toBinary,
} from "@bufbuild/protobuf";
import { type FileDescriptorSet, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

const PROTOBUF = 1;
const JSON_FORMAT = 2;
const IGNORE_UNKNOWN = 3;

/** Every type of the suite, and the suite's own. */
export const descriptors: FileDescriptorSet = fromBinary(
  FileDescriptorSetSchema,
  readFileSync("test/conformance/messages.binpb"),
);

export const registry: FileRegistry = createFileRegistry(descriptors);

/** One test: JSON or wire bytes of a type in, JSON or wire bytes out. */
export interface Conversion {
  readonly typeName: string;
  readonly input: { readonly json: string } | { readonly wire: Uint8Array };
  readonly output: "json" | "wire";
  /** Whether unknown fields are to be passed over. */
  readonly isLenient: boolean;
}

/** A member of ConformanceResponse.result. */
export type Result =
  | { readonly case: "protobufPayload"; readonly value: Uint8Array }
  | {
      readonly case: "jsonPayload" | "parseError" | "serializeError" | "runtimeError" | "skipped";
      readonly value: string;
    };

/** The parts of ConformanceRequest that are used. */
interface Request {
  readonly payload: { readonly case?: string; readonly value?: unknown };
  readonly requestedOutputFormat: number;
  readonly messageType: string;
  readonly testCategory: number;
}

/** Answers the runner until it closes stdin. */
export async function serveRunner(
  convert: (conversion: Conversion) => Result | Promise<Result>,
): Promise<void> {
  const requestSchema = messageNamed("conformance.ConformanceRequest");
  const responseSchema = messageNamed("conformance.ConformanceResponse");
  for await (const frame of frames()) {
    // The shape of a ConformanceRequest is fixed by the descriptor set that it is read by.
    const request = fromBinary(requestSchema, frame) as unknown as Request;
    const result = await answer(request, convert);
    // As is that of the answer.
    writeFrame(toBinary(responseSchema, create(responseSchema, { result } as never)));
  }
}

/** The type of that full name. */
export function messageNamed(name: string): DescMessage {
  const desc = registry.getMessage(name);
  if (desc === undefined) throw new Error(`the descriptor set lacks ${name}`);
  return desc;
}

async function answer(
  { payload, requestedOutputFormat: format, messageType, testCategory }: Request,
  convert: (conversion: Conversion) => Result | Promise<Result>,
): Promise<Result> {
  if (messageType === "conformance.FailureSet") return { case: "protobufPayload", value: new Uint8Array() };
  const isOffered =
    (payload.case === "jsonPayload" && (format === PROTOBUF || format === JSON_FORMAT)) ||
    (payload.case === "protobufPayload" && format === JSON_FORMAT);
  if (!isOffered) return { case: "skipped", value: "no JSON on either side" };
  const { value } = payload;
  try {
    return await convert({
      typeName: messageType,
      input: value instanceof Uint8Array ? { wire: value } : { json: String(value) },
      output: format === PROTOBUF ? "wire" : "json",
      isLenient: testCategory === IGNORE_UNKNOWN,
    });
  } catch (error) {
    return { case: "runtimeError", value: error instanceof Error ? String(error.stack) : String(error) };
  }
}

async function* frames(): AsyncGenerator<Uint8Array> {
  let pending: Buffer = Buffer.alloc(0);
  for await (const chunk of process.stdin) {
    // stdin gives Buffers as long as no encoding is set.
    pending = Buffer.concat([pending, chunk as Buffer]);
    while (pending.length >= 4 && pending.length >= 4 + pending.readUInt32LE(0)) {
      const end = 4 + pending.readUInt32LE(0);
      yield pending.subarray(4, end);
      pending = pending.subarray(end);
    }
  }
}

function writeFrame(message: Uint8Array): void {
  const frame = Buffer.alloc(4 + message.length);
  frame.writeUInt32LE(message.length, 0);
  frame.set(message, 4);
  for (let at = 0; at < frame.length; ) at += writeSync(1, frame, at);
}
