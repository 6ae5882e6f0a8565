import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { create, createFileRegistry, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Client, credentials, Metadata, type StatusObject } from "@grpc/grpc-js";
import { Code } from "../../../src/status/index.ts";
import { ECHO_DESCRIPTORS, type EchoServer, startEchoServer } from "../../support/echo-server.ts";

const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(ECHO_DESCRIPTORS)));

async function start(
  context: TestContext,
  address?: string,
): Promise<{ server: EchoServer; client: Client }> {
  const server = await startEchoServer(address === undefined ? {} : { address });
  const client = new Client(server.address, credentials.createInsecure());
  context.after(async () => {
    client.close();
    await server.close();
  });
  return { server, client };
}

function encode(type: string, init: Record<string, unknown>): Buffer {
  const schema = registry.getMessage(type);
  assert.ok(schema, type);
  return Buffer.from(toBinary(schema, create(schema, init)));
}

function open(client: Client, method: string, metadata: Metadata = new Metadata()) {
  const same = (bytes: Buffer): Buffer => bytes;
  const call = client.makeBidiStreamRequest(`/sluice.test.v1.EchoService/${method}`, same, same, metadata);
  const replies: Buffer[] = [];
  call.on("data", (reply: Buffer) => replies.push(reply));
  call.on("error", () => undefined);
  const status = new Promise<StatusObject>((resolve) => call.on("status", resolve));
  return { call, replies, status };
}

it("echoes bytes that it does not understand, and remembers them", async (context) => {
  const { server, client } = await start(context);
  // Field 2047 of no message, and a field twice: a decoder would change this.
  const bytes = Buffer.from([0xf8, 0x7f, 0x01, 0x18, 0x01, 0x18, 0x02]);
  const metadata = new Metadata();
  metadata.set("x-test", "1");
  const { call, replies, status } = open(client, "Echo", metadata);
  call.end(bytes);
  assert.equal((await status).code, Code.OK);
  assert.deepEqual(replies, [bytes]);
  const [seen] = await server.untilCalls(1);
  assert.deepEqual(seen?.messages, [bytes]);
  assert.deepEqual([seen?.path, seen?.metadata.get("x-test")], ["/sluice.test.v1.EchoService/Echo", ["1"]]);
  assert.equal(await seen?.ended, "replied");
});

it("tells of a call that was cancelled", async (context) => {
  const { server, client } = await start(context);
  const { call, status } = open(client, "Hang");
  call.end(Buffer.alloc(0));
  const [seen] = await server.untilCalls(1);
  call.cancel();
  assert.equal((await status).code, Code.CANCELLED);
  assert.equal(await seen?.ended, "cancelled");
});

it("fails with the code and the bytes that were asked for", async (context) => {
  const { client } = await start(context);
  const { call, status } = open(client, "Fail");
  call.end(encode("sluice.test.v1.FailRequest", { code: 9, message: "nö", rawDetails: Uint8Array.of(1, 2) }));
  const { code, details, metadata } = await status;
  assert.deepEqual([code, details], [9, "nö"]);
  assert.deepEqual(metadata.get("grpc-status-details-bin"), [Buffer.from([1, 2])]);
});

it("counts, and breaks off where it was asked to", async (context) => {
  const { client } = await start(context);
  const { call, replies, status } = open(client, "Count");
  call.end(
    encode("sluice.test.v1.CountRequest", { to: 5, failAfter: 2, failCode: 8, failMessage: "enough" }),
  );
  assert.deepEqual([(await status).code, (await status).details], [8, "enough"]);
  assert.deepEqual(replies, [Buffer.from([8, 1]), Buffer.from([8, 2])]);
});

it("converses over a unix socket until the client has said all", async (context) => {
  const folder = await mkdtemp(join(tmpdir(), "echo-"));
  context.after(() => rm(folder, { recursive: true }));
  const { client } = await start(context, `unix:${join(folder, "s")}`);
  const { call, replies, status } = open(client, "Converse");
  call.write(Buffer.from([8, 1]));
  call.end(Buffer.alloc(0));
  assert.equal((await status).code, Code.OK);
  assert.deepEqual(replies, [Buffer.from([8, 1]), Buffer.alloc(0)]);
});

it("sends the headers and trailers that were asked for", async (context) => {
  const { client } = await start(context);
  const { call, status } = open(client, "Metadata");
  const headers = new Promise<Metadata>((resolve) => call.on("metadata", resolve));
  const request = {
    headers: { "x-a": "1" },
    trailers: { "x-b": "2" },
    binaryHeaders: { "x-c-bin": Uint8Array.of(3) },
  };
  call.end(encode("sluice.test.v1.MetadataRequest", request));
  assert.deepEqual((await headers).get("x-a"), ["1"]);
  assert.deepEqual((await headers).get("x-c-bin"), [Buffer.from([3])]);
  assert.deepEqual((await status).metadata.get("x-b"), ["2"]);
});

it("has a handler for every method of the fixture", async (context) => {
  const { client } = await start(context);
  const never = ["Hang", "HangStream"];
  const methods = registry.getService("sluice.test.v1.EchoService")?.methods ?? [];
  assert.ok(methods.length > 25);
  for (const { name } of methods.filter((method) => !never.includes(method.name))) {
    const { call, status } = open(client, name);
    call.end(Buffer.alloc(0));
    assert.equal((await status).code, Code.OK, name);
  }
});
