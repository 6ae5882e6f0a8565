/**
 * The running gateway under the conformance runner: JSON goes in over HTTP, what the upstream received is the wire; and
 * the wire that the upstream replies comes out as JSON.
 *
 * For each type the upstream has a method that takes it and one that replies it (apart, since a type with required
 * fields has no empty message). Both are routed twice: strict, and passing over unknown fields.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import {
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  file_google_protobuf_empty,
  ServiceDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";
import { startGateway, temporaryFiles } from "../support/gateway-process.ts";
import { type BytesHandler, readAll, startBytesServer } from "../support/grpc-server.ts";
import { closeIdleConnections, jsonOf, send } from "../support/http-request.ts";
import { type Conversion, descriptors, type Result, registry, serveRunner } from "./protocol.ts";

const SERVICE = "conformance.gateway.Types";
const LIMIT = "64MiB";

const typeNames = [...registry]
  .filter((type) => type.kind === "message" && type.typeName.startsWith("protobuf_test_messages."))
  .map((type) => type.typeName);

/** What the upstream received last, and what it replies. */
let received: Buffer = Buffer.alloc(0);
let reply: Uint8Array = new Uint8Array(0);

const take: BytesHandler = (stream) => {
  readAll(stream).then(
    ([message = Buffer.alloc(0)]) => {
      received = message;
      stream.write(Buffer.alloc(0));
      // grpc-js takes trailers here, not a last message.
      stream.end();
    },
    (error: unknown) => stream.destroy(error instanceof Error ? error : new Error(String(error))),
  );
};
const give: BytesHandler = (stream) => {
  stream.resume();
  stream.write(Buffer.from(reply));
  stream.end();
};

const upstream = await startBytesServer(
  Object.fromEntries(
    typeNames.flatMap((_name, index) => [
      [`/${SERVICE}/Take${index}`, take],
      [`/${SERVICE}/Give${index}`, give],
    ]),
  ),
);
const files = await temporaryFiles({ "types.binpb": toBinary(FileDescriptorSetSchema, descriptorSet()) });
const gateway = await startGateway({
  upstreams: {
    strict: upstreamConfig("strict", {}),
    lenient: upstreamConfig("lenient", { unknownFields: "ignore" }),
  },
  defaults: { maxRequestBodyBytes: LIMIT, json: { emitDefaults: false } },
  accessLog: { enabled: false },
});
const url = gateway.url();
try {
  await serveRunner(convert);
} finally {
  closeIdleConnections();
  await gateway.stop();
  upstream.close();
  await files.remove();
}

async function convert({ typeName, input, output, isLenient }: Conversion): Promise<Result> {
  const index = typeNames.indexOf(typeName);
  const route = isLenient ? "lenient" : "strict";
  let wire: Uint8Array;
  if ("wire" in input) wire = input.wire;
  else {
    const headers = ["content-type", "application/json"];
    const answer = await send(url, `POST /${route}/take/${index}`, { headers, body: input.json });
    if (answer.status !== 200) return { case: "parseError", value: answer.body.toString("utf8") };
    wire = received;
  }
  if (output === "wire") return { case: "protobufPayload", value: wire };
  reply = wire;
  const answer = await send(url, `GET /${route}/give/${index}`);
  const text = answer.body.toString("utf8");
  if (answer.status === 200) return { case: "jsonPayload", value: text };
  const { message } = Object(jsonOf(answer));
  const isParsed = String(message).startsWith("reply has no JSON form");
  return { case: isParsed ? "serializeError" : "parseError", value: text };
}

/** An upstream whose methods are routed under `/prefix/`. */
function upstreamConfig(
  prefix: string,
  options: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  return {
    address: upstream.address,
    maxReceiveMessageBytes: LIMIT,
    schema: { descriptors: [files.path("types.binpb")] },
    http: {
      rules: typeNames.flatMap((_name, index) => [
        { selector: `${SERVICE}.Take${index}`, post: `/${prefix}/take/${index}`, body: "*" },
        { selector: `${SERVICE}.Give${index}`, get: `/${prefix}/give/${index}` },
      ]),
    },
    ...options,
  };
}

/** The suite's types and a service over them. */
function descriptorSet(): ReturnType<typeof create<typeof FileDescriptorSetSchema>> {
  const empty = file_google_protobuf_empty.proto;
  const method = typeNames.flatMap((name, index) => [
    { name: `Take${index}`, inputType: `.${name}`, outputType: ".google.protobuf.Empty" },
    { name: `Give${index}`, inputType: ".google.protobuf.Empty", outputType: `.${name}` },
  ]);
  const file = create(FileDescriptorProtoSchema, {
    name: "conformance/gateway.proto",
    package: "conformance.gateway",
    syntax: "proto3",
    dependency: [...descriptors.file.map((each) => each.name), empty.name],
    service: [create(ServiceDescriptorProtoSchema, { name: "Types", method })],
  });
  return create(FileDescriptorSetSchema, { file: [...descriptors.file, empty, file] });
}
