/**
 * The messages of test/fixtures/echo/echo.proto, read from its descriptor set at run time.
 */
import { create, createFileRegistry, type DescMessage, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type Any, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import type { ServiceDefinition } from "@grpc/grpc-js";

/** `google.api.HttpBody`. */
export interface HttpBody {
  contentType: string;
  data: Uint8Array;
  extensions?: { typeUrl: string; value: Uint8Array }[];
}

/** The requests that methods look into, as @bufbuild/protobuf names their fields. */
export interface Requests {
  CountRequest: {
    to: number;
    failAfter: number;
    failCode: number;
    failMessage: string;
    paddingBytes: number;
  };
  BlobRequest: {
    contentType: string;
    text: string;
    sizeBytes: number;
    chunks: number;
    unset: boolean;
    withExtensions: boolean;
    failAfter: number;
  };
  UploadRequest: { name: string; priority: number; blob?: HttpBody; tags: string[] };
  FailRequest: {
    code: number;
    message: string;
    details: Any[];
    sendHeaders: boolean;
    rawDetails: Uint8Array;
    detailsCode?: number;
  };
  HangRequest: { sendHeaders: boolean };
  MetadataRequest: {
    headers: Record<string, string>;
    trailers: Record<string, string>;
    binaryHeaders: Record<string, Uint8Array>;
    binaryTrailers: Record<string, Uint8Array>;
  };
  GarbleRequest: { reply: Uint8Array };
  AllTypes: { stringValue: string };
}

/** The types of the fixture. */
export class EchoCodec {
  readonly #registry: ReturnType<typeof createFileRegistry>;

  /** @throws {Error} if the bytes are not a FileDescriptorSet. */
  constructor(descriptorSet: Uint8Array) {
    this.#registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptorSet));
  }

  /** Every method of the service, with raw bytes for messages. */
  definition(): ServiceDefinition {
    const service = this.#registry.getService("sluice.test.v1.EchoService");
    if (service === undefined) throw new Error("the descriptor set has no EchoService");
    const same = (bytes: Buffer): Buffer => bytes;
    const definition: Record<string, ServiceDefinition[string]> = {};
    for (const { name, methodKind } of service.methods) {
      definition[name] = {
        path: `/${service.typeName}/${name}`,
        requestStream: methodKind === "client_streaming" || methodKind === "bidi_streaming",
        responseStream: methodKind === "server_streaming" || methodKind === "bidi_streaming",
        requestSerialize: same,
        requestDeserialize: same,
        responseSerialize: same,
        responseDeserialize: same,
      };
    }
    return definition;
  }

  /** Decodes a request of the package `sluice.test.v1`. */
  decode<Name extends keyof Requests>(name: Name, bytes: Buffer): Requests[Name] {
    // Requests repeats the fixture's proto; the message that the registry decodes has these fields.
    return fromBinary(this.#type(`sluice.test.v1.${name}`), bytes) as unknown as Requests[Name];
  }

  /** Decodes a `google.api.HttpBody`. */
  decodeHttpBody(bytes: Buffer): HttpBody {
    // As above, for google.api.HttpBody.
    return fromBinary(this.#type("google.api.HttpBody"), bytes) as unknown as HttpBody;
  }

  /** Encodes a message of the full name `typeName`. */
  encode(typeName: string, init: Record<string, unknown>): Buffer {
    const type = this.#type(typeName);
    return Buffer.from(toBinary(type, create(type, init)));
  }

  #type(typeName: string): DescMessage {
    const type = this.#registry.getMessage(typeName);
    if (type === undefined) throw new Error(`the descriptor set has no ${typeName}`);
    return type;
  }
}
