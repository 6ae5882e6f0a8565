import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it, type TestContext } from "node:test";
import { createFileRegistry, fromBinary, getOption, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { addReflection, demoDescriptorSet, listen, shutDown } from "../../../src/demo/index.ts";
import { ReflectionIndex } from "../../../src/demo/reflection-index.ts";
import { http } from "../../../src/gen/google/api/annotations_pb.ts";
import {
  ServerReflection,
  type ServerReflectionRequest,
} from "../../../src/gen/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as ServerReflectionAlpha } from "../../../src/gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { Code } from "../../../src/status/index.ts";
import { TestClient } from "../../support/grpc-client.ts";
import { startDemo } from "./demo-harness.ts";

type Question = Exclude<ServerReflectionRequest["messageRequest"], { case: undefined }>;
type Ask = (...questions: readonly Question[]) => Promise<readonly Answer[]>;
interface Answer {
  readonly case: string | undefined;
  readonly value?: unknown;
}

/** Starts the demo; the result asks its reflection service in one stream. */
const VERSIONS: Readonly<Record<string, (context: TestContext) => Promise<Ask>>> = {
  v1: async (context) => {
    const { upstream } = await startDemo(context);
    const client = new TestClient(upstream.address, ServerReflection);
    context.after(() => client.close());
    return async (...questions) => {
      const requests = questions.map((messageRequest) => ({
        host: "h",
        messageRequest: withoutType(messageRequest),
      }));
      return (await client.call("serverReflectionInfo", requests)).replies.map(
        (reply) => reply.messageResponse,
      );
    };
  },
  v1alpha: async (context) => {
    const { upstream } = await startDemo(context);
    const client = new TestClient(upstream.address, ServerReflectionAlpha);
    context.after(() => client.close());
    return async (...questions) => {
      const requests = questions.map((messageRequest) => ({
        host: "h",
        messageRequest: withoutType(messageRequest),
      }));
      return (await client.call("serverReflectionInfo", requests)).replies.map(
        (reply) => reply.messageResponse,
      );
    };
  },
};

for (const [version, start] of Object.entries(VERSIONS)) {
  describe(`reflection ${version}`, () => {
    it("lists the library and both versions of itself", async (context) => {
      const ask = await start(context);
      const [answer] = await ask({ case: "listServices", value: "" });
      assert.deepEqual(servicesOf(answer), [
        "library.v1.LibraryService",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
      ]);
    });

    const symbols = [
      "library.v1.LibraryService",
      "library.v1.LibraryService.GetBook",
      "library.v1.Book",
      "library.v1.Genre",
      "library.v1.SearchBooksResponse.Result",
    ];
    for (const symbol of symbols) {
      it(`finds the file of ${symbol}, with everything that it imports`, async (context) => {
        const ask = await start(context);
        const files = filesOf((await ask({ case: "fileContainingSymbol", value: symbol }))[0]);
        assert.equal(files[0]?.name, "library/v1/library.proto");
        const names = new Set(files.map((file) => file.name));
        assert.deepEqual(
          files.flatMap((file) => file.dependency).filter((name) => !names.has(name)),
          [],
        );
      });
    }

    it("keeps the http options", async (context) => {
      const ask = await start(context);
      const [answer] = await ask({ case: "fileByFilename", value: "library/v1/library.proto" });
      const files = filesOf(answer).reverse();
      const byName = new Map(files.map((file) => [file.name, file]));
      const registry = createFileRegistry(filesOf(answer)[0] ?? files[0] ?? fail(), (name) =>
        byName.get(name),
      );
      const method = registry.getService("library.v1.LibraryService")?.method.updateBook;
      assert.ok(method);
      const rule = getOption(method, http);
      assert.deepEqual(rule.pattern, { case: "patch", value: "/v1/{book.name=shelves/*/books/*}" });
      assert.equal(rule.body, "book");
    });

    it("sends an import once in a stream, and what is asked for each time", async (context) => {
      const ask = await start(context);
      const question: Question = { case: "fileByFilename", value: "library/v1/library.proto" };
      const [first, second, third] = await ask(question, question, {
        case: "fileByFilename",
        value: "google/api/http.proto",
      });
      assert.ok(filesOf(first).length > 5);
      assert.deepEqual(namesOf(second), ["library/v1/library.proto"]);
      assert.deepEqual(namesOf(third), ["google/api/http.proto"]);
    });

    it("finds extensions", async (context) => {
      const ask = await start(context);
      const containingType = "google.protobuf.MethodOptions";
      const [numbers, file, none, symbol] = await ask(
        { case: "allExtensionNumbersOfType", value: containingType },
        // The type says what the case is; the messages of the two versions differ in name alone.
        { case: "fileContainingExtension", value: { containingType, extensionNumber: 72295728 } } as Question,
        { case: "allExtensionNumbersOfType", value: "library.v1.Book" },
        { case: "fileContainingSymbol", value: "google.api.http" },
      );
      assert.equal(numbers?.case, "allExtensionNumbersResponse");
      assert.deepEqual(numbersOf(numbers), [72295728]);
      assert.equal(namesOf(file)[0], "google/api/annotations.proto");
      assert.deepEqual(numbersOf(none), []);
      assert.equal(namesOf(symbol)[0], "google/api/annotations.proto");
    });

    const unknown: Question[] = [
      { case: "fileByFilename", value: "no/such.proto" },
      { case: "fileByFilename", value: "../../etc/passwd" },
      { case: "fileContainingSymbol", value: "library.v1.None" },
      { case: "fileContainingSymbol", value: "x".repeat(100_000) },
      { case: "allExtensionNumbersOfType", value: "no.Type" },
      {
        case: "fileContainingExtension",
        value: { containingType: "library.v1.Book", extensionNumber: -1 },
      } as Question,
    ];
    for (const question of unknown) {
      it(`answers NOT_FOUND to ${JSON.stringify(question).slice(0, 80)}, and goes on`, async (context) => {
        const ask = await start(context);
        const [answer, next] = await ask(question, { case: "listServices", value: "" });
        assert.equal(errorOf(answer).errorCode, Code.NOT_FOUND);
        assert.ok(errorOf(answer).errorMessage.length < 200);
        assert.equal(servicesOf(next).length, 3);
      });
    }
  });
}

it("a request that asks for nothing is INVALID_ARGUMENT, and is sent back", async (context) => {
  const { upstream } = await startDemo(context);
  const client = new TestClient(upstream.address, ServerReflection);
  context.after(() => client.close());
  const reply = await client.unary("serverReflectionInfo", { host: "example" });
  assert.equal(errorOf(reply.messageResponse).errorCode, Code.INVALID_ARGUMENT);
  assert.deepEqual([reply.validHost, reply.originalRequest?.host], ["example", "example"]);
});

it("a server with v1alpha alone answers UNIMPLEMENTED to v1", async (context) => {
  const server = new Server();
  addReflection(server, demoDescriptorSet(), ["v1alpha"]);
  const address = await listen(server, "127.0.0.1:0", ServerCredentials.createInsecure());
  const v1 = new TestClient(address, ServerReflection);
  const v1alpha = new TestClient(address, ServerReflectionAlpha);
  context.after(async () => {
    v1.close();
    v1alpha.close();
    await shutDown(server);
  });
  const messageRequest = { case: "listServices", value: "" } as const;
  assert.equal((await v1.call("serverReflectionInfo", [{ messageRequest }])).code, Code.UNIMPLEMENTED);
  const reply = await v1alpha.unary("serverReflectionInfo", { messageRequest });
  assert.deepEqual(servicesOf(reply.messageResponse), [
    "library.v1.LibraryService",
    "grpc.reflection.v1alpha.ServerReflection",
  ]);
});

describe("ReflectionIndex", () => {
  it("hands out the bytes of the set, as they are", () => {
    const set = readFileSync("descriptors/library.binpb");
    const [bytes] = new ReflectionIndex(set).filesFrom("library/v1/library.proto", new Set()) ?? [];
    assert.ok(bytes && set.includes(Buffer.from(bytes)));
  });

  it("leaves out imports that the set lacks, and survives files that import each other", () => {
    const file = [
      { name: "a.proto", dependency: ["b.proto", "missing.proto"] },
      { name: "b.proto", dependency: ["a.proto"] },
    ].map((init) => ({ ...fromBinary(FileDescriptorProtoSchema, new Uint8Array(0)), ...init }));
    const set = toBinary(FileDescriptorSetSchema, {
      ...fromBinary(FileDescriptorSetSchema, new Uint8Array(0)),
      file,
    });
    const files = new ReflectionIndex(set).filesFrom("a.proto", new Set()) ?? [];
    assert.deepEqual(
      files.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes).name),
      ["a.proto", "b.proto"],
    );
  });

  it("refuses bytes that are no descriptor set", () => {
    assert.throws(() => new ReflectionIndex(Uint8Array.of(0x0a, 0xff)));
  });
});

it("descriptors/library.binpb is what the demo serves, and comments", () => {
  const [shipped, served] = [readFileSync("descriptors/library.binpb"), demoDescriptorSet()].map((bytes) =>
    fromBinary(FileDescriptorSetSchema, bytes).file.find((file) => file.name === "library/v1/library.proto"),
  );
  assert.ok(shipped && served);
  const comments = shipped.sourceCodeInfo?.location.map((location) => location.leadingComments) ?? [];
  assert.ok(comments.includes(" Lists all shelves.\n"));
  shipped.sourceCodeInfo = undefined;
  assert.deepEqual(
    toBinary(FileDescriptorProtoSchema, served),
    toBinary(FileDescriptorProtoSchema, shipped),
    "bash scripts/generate.sh brings them together",
  );
});

// Answers of the two versions have the same fields under other type names.
function filesOf(answer: Answer | undefined) {
  assert.equal(answer?.case, "fileDescriptorResponse");
  const { fileDescriptorProto } = answer.value as { fileDescriptorProto: Uint8Array[] };
  return fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
}

function namesOf(answer: Answer | undefined): string[] {
  return filesOf(answer).map((file) => file.name);
}

function servicesOf(answer: Answer | undefined): string[] {
  assert.equal(answer?.case, "listServicesResponse");
  return (answer.value as { service: { name: string }[] }).service.map(({ name }) => name);
}

function numbersOf(answer: Answer | undefined): number[] {
  assert.equal(answer?.case, "allExtensionNumbersResponse");
  return (answer.value as { extensionNumber: number[] }).extensionNumber;
}

function errorOf(answer: Answer | undefined): { errorCode: number; errorMessage: string } {
  assert.equal(answer?.case, "errorResponse");
  return answer.value as { errorCode: number; errorMessage: string };
}

/** Nested messages without their type name, so that either version takes them. */
function withoutType(question: Question) {
  if (question.case !== "fileContainingExtension") return question;
  const { containingType, extensionNumber } = question.value;
  return { case: question.case, value: { containingType, extensionNumber } };
}

function fail(): never {
  throw new Error("no files");
}
