/** A server of gRPC reflection for tests, whose answers are a function: well-behaved, or as wrong as a test needs. */
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import {
  type ServerReflectionRequest,
  ServerReflectionRequestSchema,
  ServerReflectionResponseSchema,
} from "../../src/gen/grpc/reflection/v1/reflection_pb.ts";
import { type BytesHandler, type BytesServer, startBytesServer } from "./grpc-server.ts";

export type ReflectionAnswer = NonNullable<
  MessageInitShape<typeof ServerReflectionResponseSchema>["messageResponse"]
>;
export type ReflectionQuestion = ServerReflectionRequest["messageRequest"];

/** Answers one question; undefined says nothing. */
export type Answerer = (question: ReflectionQuestion) => ReflectionAnswer | undefined;

export interface ReflectionServerOptions {
  readonly versions?: readonly ("v1" | "v1alpha")[];
  /** What happens after every answer. */
  readonly afterAnswer?: "wait" | "end";
}

export interface ReflectionServer extends BytesServer {
  /** Every question that was asked, as `kind value`. */
  readonly questions: readonly string[];
}

/** Starts a server; v1 alone by default, and the call stays open after an answer. */
export async function startReflectionServer(
  answer: Answerer,
  { versions = ["v1"], afterAnswer = "wait" }: ReflectionServerOptions = {},
): Promise<ReflectionServer> {
  const questions: string[] = [];
  const handler: BytesHandler = (stream) => {
    stream.on("data", (bytes: Buffer) => {
      const { messageRequest } = fromBinary(ServerReflectionRequestSchema, bytes);
      const value = typeof messageRequest.value === "string" ? messageRequest.value : "";
      questions.push(`${messageRequest.case} ${value}`);
      const messageResponse = answer(messageRequest);
      if (messageResponse === undefined) return;
      const response = create(ServerReflectionResponseSchema, { messageResponse });
      stream.write(Buffer.from(toBinary(ServerReflectionResponseSchema, response)));
      if (afterAnswer === "end") stream.end();
    });
    stream.on("end", () => stream.end());
  };
  const paths = versions.map(
    (version) => `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
  );
  const server = await startBytesServer(Object.fromEntries(paths.map((path) => [path, handler])));
  return { ...server, questions };
}

/** Answers as a good server does: each file alone, imports only when asked for. */
export function answerFrom(files: readonly FileDescriptorProto[], services: readonly string[]): Answerer {
  return (question) => {
    switch (question.case) {
      case "listServices":
        return { case: "listServicesResponse", value: { service: services.map((name) => ({ name })) } };
      case "fileByFilename":
        return filesAnswer(files.filter((file) => file.name === question.value));
      case "fileContainingSymbol":
        return filesAnswer(files.filter((file) => defines(file, question.value)));
      case "fileContainingExtension":
      case "allExtensionNumbersOfType":
      case undefined:
        return notFound();
    }
  };
}

export function filesAnswer(files: readonly FileDescriptorProto[]): ReflectionAnswer {
  if (files.length === 0) return notFound();
  const fileDescriptorProto = files.map((file) => toBinary(FileDescriptorProtoSchema, file));
  return { case: "fileDescriptorResponse", value: { fileDescriptorProto } };
}

export function notFound(): ReflectionAnswer {
  return { case: "errorResponse", value: { errorCode: 5, errorMessage: "not found" } };
}

function defines(file: FileDescriptorProto, symbol: string): boolean {
  const named = [...file.messageType, ...file.enumType, ...file.service];
  return named.some(({ name }) => {
    const fullName = file.package === "" ? name : `${file.package}.${name}`;
    return symbol === fullName || symbol.startsWith(`${fullName}.`);
  });
}
