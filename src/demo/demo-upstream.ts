/**
 * The demo upstream: a gRPC server with the library and reflection, in this process.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as sleepFor } from "node:timers/promises";
import { create, type DescFile, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { file_library_v1_library, LibraryService } from "../gen/library/v1/library_pb.ts";
import { markCall } from "./call-metadata.ts";
import { addService } from "./grpc-service.ts";
import { libraryHandlers } from "./library-service.ts";
import { LibraryStore } from "./library-store.ts";
import { addReflection } from "./reflection-service.ts";
import { DEFAULT_SEED, type LibrarySeed } from "./seed.ts";

/** How to start a demo upstream. All but the address have defaults. */
export interface DemoUpstreamOptions {
  /** `host:port` (port 0 picks a free one) or `unix:/path`. Plaintext. */
  readonly address: string;
  /** The books to start with. */
  readonly seed?: LibrarySeed;
  /** Epoch milliseconds. */
  readonly now?: () => number;
  /** A new id of lower-case letters, digits and hyphens. */
  readonly newId?: () => string;
  /** Resolves after `ms`; may reject once `signal` is aborted. */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** A demo upstream that listens. */
export interface DemoUpstream {
  /** As given, with the port that was picked. */
  readonly address: string;
  /** Ends all calls and stops listening. */
  close(): Promise<void>;
}

/**
 * Starts the library with reflection v1 and v1alpha.
 * @throws {Error} if the address cannot be bound.
 */
export async function startDemoUpstream(options: DemoUpstreamOptions): Promise<DemoUpstream> {
  const now = options.now ?? Date.now;
  const newId = options.newId ?? randomUUID;
  const sleep = options.sleep ?? ((ms, signal) => sleepFor(ms, undefined, { signal }));
  const store = new LibraryStore(options.seed ?? DEFAULT_SEED, now);
  const server = new Server();
  addService(server, LibraryService, libraryHandlers({ store, now, newId, sleep }), (call) =>
    markCall(call, store.revision, newId),
  );
  addReflection(server, demoDescriptorSet());
  const address = await listen(server, options.address, ServerCredentials.createInsecure());
  return { address, close: () => shutDown(server) };
}

/**
 * The serialized FileDescriptorSet of the demo, imports included, from the generated code: what
 * descriptors/library.binpb holds, without comments.
 */
export function demoDescriptorSet(): Uint8Array {
  const files = new Map<string, DescFile>();
  collectFiles(file_library_v1_library, files);
  const file = [...files.values()].map((descriptor) => descriptor.proto);
  return toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file }));
}

/**
 * Binds `server`; returns `address` with the port that was picked.
 * @throws {Error} if the address cannot be bound.
 */
export function listen(server: Server, address: string, credentials: ServerCredentials): Promise<string> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, port) => {
      if (error !== null)
        reject(new Error(`cannot listen on ${address}: ${error.message}`, { cause: error }));
      else resolve(address.startsWith("unix:") ? address : address.replace(/:[0-9]+$/, `:${port}`));
    });
  });
}

/** Stops listening and ends every call and connection at once. */
export function shutDown(server: Server): Promise<void> {
  return new Promise((resolve) => {
    // The one tells when the last connection is gone, the other sees to it that this is soon.
    server.tryShutdown(() => resolve());
    server.forceShutdown();
  });
}

/** Dependencies first. */
function collectFiles(file: DescFile, into: Map<string, DescFile>): void {
  for (const dependency of file.dependencies) {
    if (!into.has(dependency.name)) collectFiles(dependency, into);
  }
  into.set(file.name, file);
}
