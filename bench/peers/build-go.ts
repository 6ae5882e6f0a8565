/**
 * Builds the Go programs of bench/peers/go: generates their protobuf code from descriptors/library.binpb with the plugins
 * that go.mod pins, then compiles into .cache/peers/bin. Neither protoc nor buf is needed: a plugin reads one
 * CodeGeneratorRequest and writes one CodeGeneratorResponse, whoever starts it.
 */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  CodeGeneratorRequestSchema,
  CodeGeneratorResponseSchema,
  type FileDescriptorProto,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";

/** Where the binaries are, or why there are none. */
export type GoBuild =
  | { readonly folder: string; readonly version: string }
  | { readonly folder: undefined; readonly reason: string };

const SOURCES = resolve("bench/peers/go");
const BINARIES = resolve(".cache/peers/bin");
const DESCRIPTORS = "descriptors/library.binpb";
const PROTO = "library/v1/library.proto";
const PACKAGE = "sluice.example/bench/peers/gen/library/v1;libraryv1";
const PLUGINS = ["protoc-gen-go", "protoc-gen-go-grpc", "protoc-gen-grpc-gateway"] as const;

const run = promisify(execFile);

/** Generates and compiles everything; quick when nothing has changed, since Go keeps what it has built. */
export async function buildGo(): Promise<GoBuild> {
  let version: string;
  try {
    version = (await run("go", ["env", "GOVERSION"], { cwd: SOURCES })).stdout.trim();
  } catch {
    return { folder: undefined, reason: "Go is not installed" };
  }
  try {
    for (const plugin of PLUGINS) await generate(plugin);
    await mkdir(BINARIES, { recursive: true });
    await run("go", ["build", "-o", `${BINARIES}/`, "./cmd/..."], { cwd: SOURCES });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { folder: undefined, reason: `the Go programs do not build (${version}): ${reason}` };
  }
  return { folder: BINARIES, version };
}

/** The version of a module that bench/peers/go/go.mod requires. @throws {Error} if it requires no such module. */
export async function goModuleVersion(module: string): Promise<string> {
  const text = await readFile(join(SOURCES, "go.mod"), "utf8");
  const line = text.split("\n").find((candidate) => candidate.trim().startsWith(`${module} `));
  const version = line?.trim().split(" ")[1];
  if (version === undefined) throw new Error(`bench/peers/go/go.mod does not require ${module}`);
  return version;
}

async function generate(plugin: string): Promise<void> {
  const { file: protoFile } = fromBinary(FileDescriptorSetSchema, await readFile(DESCRIPTORS));
  if (plugin === "protoc-gen-grpc-gateway") dropClientStreaming(protoFile);
  const request = create(CodeGeneratorRequestSchema, {
    fileToGenerate: [PROTO],
    parameter: `paths=source_relative,M${PROTO}=${PACKAGE}`,
    protoFile,
  });
  const response = fromBinary(
    CodeGeneratorResponseSchema,
    await pipe("go", ["tool", plugin], toBinary(CodeGeneratorRequestSchema, request)),
  );
  if (response.error !== "") throw new Error(`${plugin}: ${response.error}`);
  for (const { name, content } of response.file) {
    const path = join(SOURCES, "gen", name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  }
}

/**
 * grpc-gateway's generator refuses a whole file for one client-streaming method with a path variable. None of these
 * methods is measured.
 */
function dropClientStreaming(files: readonly FileDescriptorProto[]): void {
  for (const file of files) {
    for (const service of file.service) {
      service.method = service.method.filter((method) => !method.clientStreaming);
    }
    // Comments are found by position, which no longer fits.
    if (file.name === PROTO) file.sourceCodeInfo = undefined;
  }
}

/** Runs a program with `input` on its standard input; resolves with its standard output. */
async function pipe(program: string, args: readonly string[], input: Uint8Array): Promise<Buffer> {
  const child = spawn(program, args, { cwd: SOURCES, stdio: ["pipe", "pipe", "pipe"] });
  const output: Buffer[] = [];
  let complaints = "";
  child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => {
    complaints += chunk.toString();
  });
  // A plugin that ends before it has read everything says why on its standard error.
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  const [exitCode] = await once(child, "close");
  if (exitCode !== 0) throw new Error(`${program} ${args.join(" ")}: ${complaints}`);
  return Buffer.concat(output);
}
