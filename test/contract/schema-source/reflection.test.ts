import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, type TestContext, test } from "node:test";
import { clone, create, fromBinary, getOption, hasOption } from "@bufbuild/protobuf";
import {
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { ReflectionService } from "@grpc/reflection";
import { http } from "../../../src/gen/google/api/annotations_pb.ts";
import type { BuiltSchema, SchemaFiles } from "../../../src/schema/index.ts";
import { type ReflectionOptions, ReflectionSource } from "../../../src/schema/sources/reflection/index.ts";
import { Code, type Reason, StatusError } from "../../../src/status/index.ts";
import { grpcJs } from "../../../src/upstream/clients/grpc-js/index.ts";
import { channelOptions } from "../../support/channel-options.ts";
import { startHttp2Server } from "../../support/grpc-http2.ts";
import {
  type Answerer,
  answerFrom,
  filesAnswer,
  notFound,
  type ReflectionServer,
  type ReflectionServerOptions,
  startReflectionServer,
} from "../../support/grpc-reflection-server.ts";
import { buildSchema } from "../../support/in-one-go.ts";

const SHOP = fromBinary(FileDescriptorSetSchema, readFileSync("test/fixtures/protos/shop.binpb")).file;
const SERVICES = ["shop.Orders", "grpc.reflection.v1.ServerReflection"];
const never = new AbortController().signal;

interface Reading extends SchemaFiles {
  readonly built: BuiltSchema;
}

async function read(
  t: TestContext,
  address: string,
  options: Partial<ReflectionOptions> = {},
  signal: AbortSignal = never,
): Promise<Reading> {
  const channel = grpcJs.connect(channelOptions([address]));
  t.after(() => channel.close());
  const source = new ReflectionSource({ channel, address, timeoutMs: 10_000, ...options });
  assert.equal(source.name, `reflection at ${address}`);
  const found = await source.load(signal);
  return { ...found, built: buildSchema([{ origin: source.name, files: found.files }]) };
}

async function serve(
  t: TestContext,
  answer: Answerer,
  options?: ReflectionServerOptions,
): Promise<ReflectionServer> {
  const server = await startReflectionServer(answer, options);
  t.after(() => server.close());
  return server;
}

function methodsOf({ built }: Reading): readonly string[] {
  return built.schema?.services.flatMap(({ methods }) => methods.map(({ rpcPath }) => rpcPath)) ?? [];
}

function mutated(change: (file: FileDescriptorProto) => void): readonly FileDescriptorProto[] {
  return SHOP.map((original) => {
    const copy = clone(FileDescriptorProtoSchema, original);
    change(copy);
    return copy;
  });
}

function failing(reason: Reason | undefined, code: Code): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof StatusError, String(error));
    assert.deepEqual({ reason: error.status.reason, code: error.status.code }, { reason, code });
    return true;
  };
}

const COMPLETE = ["GetOrder", "UpdateOrder", "WatchOrders", "UploadOrders", "Chat"].map(
  (name) => `/shop.Orders/${name}`,
);

describe("reflection", () => {
  for (const version of ["v1", "v1alpha"] as const) {
    test(`a server that speaks ${version} alone is read, options intact`, async (t) => {
      const server = await serve(t, answerFrom(SHOP, SERVICES), { versions: [version] });
      const reading = await read(t, server.address);
      assert.deepEqual(reading.problems, []);
      assert.deepEqual(reading.built.problems, []);
      assert.deepEqual(methodsOf(reading), COMPLETE);
      const method = reading.built.schema?.services[0]?.methods[0];
      assert.ok(method !== undefined);
      assert.equal(getOption(method.descriptor, http).pattern.value, "/v1/{name=orders/*}");
    });
  }

  test("files are asked for once, and google's own not at all", async (t) => {
    const server = await serve(t, answerFrom(SHOP, [...SERVICES, "shop.Orders"]));
    await read(t, server.address);
    assert.deepEqual(server.questions, [
      "listServices ",
      "fileContainingSymbol shop.Orders",
      "fileByFilename shop/types/money.proto",
    ]);
  });

  test("a server that ends the call after each answer is asked on new calls", async (t) => {
    const server = await serve(t, answerFrom(SHOP, SERVICES), { afterAnswer: "end" });
    assert.deepEqual(methodsOf(await read(t, server.address)), COMPLETE);
  });

  test("a server that answers v1 with an error response is asked again as v1alpha", async (t) => {
    let asked = 0;
    const good = answerFrom(SHOP, SERVICES);
    const server = await serve(t, (question) => (asked++ === 0 ? notFound() : good(question)), {
      versions: ["v1", "v1alpha"],
    });
    assert.deepEqual(methodsOf(await read(t, server.address)), COMPLETE);
  });

  test("a server that hangs on v1 is asked again as v1alpha", async (t) => {
    let asked = 0;
    const good = answerFrom(SHOP, SERVICES);
    const server = await serve(t, (question) => (asked++ === 0 ? undefined : good(question)), {
      versions: ["v1", "v1alpha"],
    });
    assert.deepEqual(methodsOf(await read(t, server.address, { timeoutMs: 300 })), COMPLETE);
  });

  test("a server that omits import lists is asked for types", async (t) => {
    const files = mutated((file) => {
      file.dependency = [];
    });
    const server = await serve(t, answerFrom(files, SERVICES));
    const reading = await read(t, server.address);
    assert.deepEqual(reading.built.problems, []);
    assert.deepEqual(methodsOf(reading), COMPLETE);
    assert.ok(server.questions.includes("fileContainingSymbol shop.types.Money"));
  });

  test("a server whose files have other names than their importers say is asked for types", async (t) => {
    const files = mutated((file) => {
      file.name = `/build/tmp/${file.name.replaceAll("/", "_")}`;
    });
    const server = await serve(t, answerFrom(files, SERVICES));
    const reading = await read(t, server.address);
    assert.deepEqual(methodsOf(reading), COMPLETE);
    assert.ok(reading.built.problems.every(({ severity }) => severity === "warning"));
  });

  test("a service that cannot be described is a problem; the others are read", async (t) => {
    const server = await serve(t, answerFrom(SHOP, ["gone.Service", ...SERVICES]));
    const reading = await read(t, server.address);
    assert.deepEqual(
      reading.problems.map(({ what }) => what),
      ["service gone.Service cannot be described: not found"],
    );
    assert.deepEqual(methodsOf(reading), COMPLETE);
  });

  test("files that do not decode, or differ under one name, are problems", async (t) => {
    const [changed] = mutated((file) => {
      file.service = [];
    }).filter(({ name }) => name === "shop/shop.proto");
    assert.ok(changed !== undefined);
    const good = answerFrom(SHOP, SERVICES);
    const server = await serve(t, (question) => {
      const answer = good(question);
      if (question.case !== "fileByFilename" || answer?.case !== "fileDescriptorResponse") return answer;
      const more = filesAnswer([changed]);
      assert.ok(more.case === "fileDescriptorResponse");
      const fileDescriptorProto = [
        ...(answer.value.fileDescriptorProto ?? []),
        ...(more.value.fileDescriptorProto ?? []),
        Buffer.from([0xff, 0xff]),
      ];
      return { case: "fileDescriptorResponse", value: { fileDescriptorProto } };
    });
    const reading = await read(t, server.address);
    assert.deepEqual(
      reading.problems.map(({ what }) => what),
      [
        "two different files are called shop/shop.proto; the first is used",
        "an answer holds a file that is no FileDescriptorProto",
      ],
    );
    assert.deepEqual(methodsOf(reading), COMPLETE);
  });
});

describe("reflection that fails", () => {
  test("a server without it is UNIMPLEMENTED", async (t) => {
    const server = await serve(t, answerFrom([], []), { versions: [] });
    await assert.rejects(read(t, server.address), failing(undefined, Code.UNIMPLEMENTED));
  });

  test("a server that is not there is UPSTREAM_UNREACHABLE", async (t) => {
    const server = await serve(t, answerFrom([], []));
    server.close();
    await assert.rejects(read(t, server.address), failing("UPSTREAM_UNREACHABLE", Code.UNAVAILABLE));
  });

  test("a server that never answers is DEADLINE", async (t) => {
    const server = await serve(t, () => undefined, { versions: ["v1", "v1alpha"] });
    const reading = read(t, server.address, { timeoutMs: 100 });
    await assert.rejects(reading, failing("DEADLINE", Code.DEADLINE_EXCEEDED));
  });

  test("a server that answers with rubbish is UPSTREAM_REPLY_INVALID", async (t) => {
    const server = await startHttp2Server((stream) => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" });
      stream.write(Buffer.from([0, 0, 0, 0, 2, 0xff, 0xff]));
    });
    t.after(() => server.close());
    await assert.rejects(read(t, server.address), failing("UPSTREAM_REPLY_INVALID", Code.INTERNAL));
  });

  test("a server that ends the call without an answer is UNIMPLEMENTED", async (t) => {
    const server = await startHttp2Server((stream) => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end();
    });
    t.after(() => server.close());
    await assert.rejects(read(t, server.address), failing(undefined, Code.UNIMPLEMENTED));
  });

  test("a server that invents ever more imports ends at the limit of questions", async (t) => {
    let made = 0;
    const server = await serve(t, (question) => {
      if (question.case === "listServices") {
        return { case: "listServicesResponse", value: { service: [{ name: "shop.Orders" }] } };
      }
      made++;
      const [file] = mutated((each) => {
        each.name = `made${made}.proto`;
        each.package = `made${made}`;
        each.dependency = [`made${made + 1}.proto`];
      });
      return filesAnswer(file === undefined ? [] : [file]);
    });
    const reading = read(t, server.address, { maxQuestions: 50 });
    await assert.rejects(reading, failing("UPSTREAM_REPLY_TOO_LARGE", Code.RESOURCE_EXHAUSTED));
    assert.ok(server.questions.length <= 50);
  });

  test("names of a megabyte are not looked up, which would take minutes", async (t) => {
    const messageType = Array.from({ length: 2000 }, (_, i) => ({ name: `M${10_000 + i}` }));
    const service = [{ name: "Orders", method: [{ name: "Get", inputType: "In", outputType: "Out" }] }];
    const made = create(FileDescriptorProtoSchema, { name: "made.proto", messageType, service });
    for (const name of ["a".repeat(1_000_000), `a${".a".repeat(500_000)}`]) {
      made.package = name;
      const server = await serve(t, (question) =>
        question.case === "listServices"
          ? { case: "listServicesResponse", value: { service: [{ name: "shop.Orders" }] } }
          : filesAnswer([made]),
      );
      const { built } = await read(t, server.address);
      assert.equal(built.schema, undefined);
      assert.match(built.problems[0]?.what ?? "", /package "a/);
      assert.deepEqual(server.questions, ["listServices ", "fileContainingSymbol shop.Orders"]);
    }
  });

  test("a server that answers with too many bytes ends at the limit of bytes", async (t) => {
    const server = await serve(t, answerFrom(SHOP, SERVICES));
    const reading = read(t, server.address, { maxBytes: 100 });
    await assert.rejects(reading, failing("UPSTREAM_REPLY_TOO_LARGE", Code.RESOURCE_EXHAUSTED));
  });

  test("an abort ends it at once", async (t) => {
    const abort = new AbortController();
    const server = await serve(t, () => {
      abort.abort();
      return undefined;
    });
    const reading = read(t, server.address, {}, abort.signal);
    await assert.rejects(reading, failing("NOT_READY", Code.UNAVAILABLE));
    await assert.rejects(read(t, server.address, {}, abort.signal), failing("NOT_READY", Code.UNAVAILABLE));
  });
});

describe("the npm package @grpc/reflection as a peer", () => {
  test("its schema loads, without the http options that it drops", async (t) => {
    const definition = loadSync("shop/shop.proto", {
      includeDirs: ["test/fixtures/protos", "descriptors/protos"],
    });
    const server = new Server();
    new ReflectionService(definition).addToServer(server);
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    t.after(() => server.forceShutdown());
    const reading = await read(t, `127.0.0.1:${port}`);
    assert.deepEqual(reading.problems, []);
    assert.deepEqual(
      reading.built.problems.filter(({ severity }) => severity === "error"),
      [],
    );
    assert.deepEqual([...methodsOf(reading)].sort(), [...COMPLETE].sort());
    const [method] = reading.built.schema?.services[0]?.methods ?? [];
    assert.ok(method !== undefined);
    assert.equal(hasOption(method.descriptor, http), false);

    const order = reading.built.schema?.registry.getMessage("shop.Order");
    assert.deepEqual(
      order?.fields.map(({ jsonName, fieldKind }) => `${jsonName} ${fieldKind}`),
      [
        "name scalar",
        "price message",
        "split message",
        "lines map",
        "noteText scalar",
        "card scalar",
        "cash scalar",
        "state enum",
      ],
    );
    assert.equal(order.field.noteText?.presence, 1);
    assert.equal(order.field.card?.oneof?.name, "payment");
    assert.equal(order.field.split?.message?.typeName, "shop.types.Money.Split");
  });
});
