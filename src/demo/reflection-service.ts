/**
 * gRPC server reflection, v1 and v1alpha, for a @grpc/grpc-js server.
 *
 * The two versions differ by package alone, so one conversation serves both. Every file is sent at most once a stream
 * as a dependency; a file that is asked for by name or symbol is always sent.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import type { Server } from "@grpc/grpc-js";
import * as v1 from "../gen/grpc/reflection/v1/reflection_pb.ts";
import * as v1alpha from "../gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { Code } from "../status/index.ts";
import { addService } from "./grpc-service.ts";
import { ReflectionIndex } from "./reflection-index.ts";
import { quote } from "./status-fault.ts";

type Request = v1.ServerReflectionRequest | v1alpha.ServerReflectionRequest;

/** The answer to one request, for the messages of either version. */
type Answer =
  | { case: "fileDescriptorResponse"; value: { fileDescriptorProto: Uint8Array[] } }
  | { case: "allExtensionNumbersResponse"; value: { baseTypeName: string; extensionNumber: number[] } }
  | { case: "listServicesResponse"; value: { service: { name: string }[] } }
  | { case: "errorResponse"; value: { errorCode: number; errorMessage: string } };

/** Which versions of the reflection service a server has. */
export type ReflectionVersion = "v1" | "v1alpha";

/**
 * Adds reflection over the files of a serialized FileDescriptorSet; every service in it is listed, and reflection
 * itself. `versions` is for tests of clients that have to fall back.
 * @throws {Error} if `descriptorSet` is not one.
 */
export function addReflection(
  server: Server,
  descriptorSet: Uint8Array,
  versions: readonly ReflectionVersion[] = ["v1", "v1alpha"],
): void {
  const own = [v1.file_grpc_reflection_v1_reflection, v1alpha.file_grpc_reflection_v1alpha_reflection]
    .filter((_, position) => versions.includes(position === 0 ? "v1" : "v1alpha"))
    .map((file) => file.proto);
  const ownSet = toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file: own }));
  const index = new ReflectionIndex(descriptorSet, ownSet);
  if (versions.includes("v1")) {
    addService(server, v1.ServerReflection, {
      serverReflectionInfo: (requests) =>
        converse(index, requests, (request, answer) =>
          create(v1.ServerReflectionResponseSchema, {
            validHost: request.host,
            originalRequest: request,
            messageResponse: answer,
          }),
        ),
    });
  }
  if (versions.includes("v1alpha")) {
    addService(server, v1alpha.ServerReflection, {
      serverReflectionInfo: (requests) =>
        converse(index, requests, (request, answer) =>
          create(v1alpha.ServerReflectionResponseSchema, {
            validHost: request.host,
            originalRequest: request,
            messageResponse: answer,
          }),
        ),
    });
  }
}

async function* converse<R extends Request, Response>(
  index: ReflectionIndex,
  requests: AsyncIterable<R>,
  respond: (request: R, answer: Answer) => Response,
): AsyncIterable<Response> {
  const sent = new Set<string>();
  for await (const request of requests) yield respond(request, answerTo(index, request, sent));
}

function answerTo(index: ReflectionIndex, { messageRequest }: Request, sent: Set<string>): Answer {
  switch (messageRequest.case) {
    case "listServices":
      return { case: "listServicesResponse", value: { service: index.services.map((name) => ({ name })) } };
    case "fileByFilename":
      return filesAnswer(index, messageRequest.value, "file", messageRequest.value, sent);
    case "fileContainingSymbol": {
      const file = index.fileOfSymbol(messageRequest.value);
      return filesAnswer(index, file, "symbol", messageRequest.value, sent);
    }
    case "fileContainingExtension": {
      const { containingType, extensionNumber } = messageRequest.value;
      const file = index.fileOfExtension(containingType, extensionNumber);
      return filesAnswer(index, file, "extension", `${containingType}:${extensionNumber}`, sent);
    }
    case "allExtensionNumbersOfType": {
      const numbers = index.extensionNumbersOf(messageRequest.value);
      if (numbers === undefined) return errorAnswer(Code.NOT_FOUND, `no type ${quote(messageRequest.value)}`);
      return {
        case: "allExtensionNumbersResponse",
        value: { baseTypeName: messageRequest.value, extensionNumber: [...numbers] },
      };
    }
    case undefined:
      return errorAnswer(Code.INVALID_ARGUMENT, "the request asks for nothing that is known");
  }
}

function filesAnswer(
  index: ReflectionIndex,
  file: string | undefined,
  kind: string,
  asked: string,
  sent: Set<string>,
): Answer {
  const files = file === undefined ? undefined : index.filesFrom(file, sent);
  if (files === undefined) return errorAnswer(Code.NOT_FOUND, `no ${kind} ${quote(asked)}`);
  return { case: "fileDescriptorResponse", value: { fileDescriptorProto: [...files] } };
}

function errorAnswer(code: Code, message: string): Answer {
  return { case: "errorResponse", value: { errorCode: code, errorMessage: message } };
}
