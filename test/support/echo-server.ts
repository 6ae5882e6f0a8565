/**
 * The upstream of end-to-end tests: `sluice.test.v1.EchoService` over real sockets, with reflection.
 *
 * Requests and replies are raw bytes wherever a method only hands them on, so that tests can compare what left the
 * gateway byte for byte. Types come from a descriptor set at run time; nothing is generated.
 */
import { readFileSync } from "node:fs";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { addReflection, listen, type ReflectionVersion, shutDown } from "../../src/demo/index.ts";
import { CallRecorder, type SeenCall } from "./call-recorder.ts";
import { EchoCodec } from "./echo-codec.ts";
import { echoMethods, MAX_BLOB_BYTES } from "./echo-methods.ts";

export type { SeenCall } from "./call-recorder.ts";

/** The descriptor set of the echo service, imports included; relative to the project, where tests run. */
export const ECHO_DESCRIPTORS: string = "test/fixtures/echo/echo.binpb";

/** How to start an echo server. */
export interface EchoServerOptions {
  /** `host:port` or `unix:/path`; 127.0.0.1 with a free port by default. */
  readonly address?: string;
  /** PEM texts; plaintext by default. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Versions of reflection to offer; both by default, none for `[]`. */
  readonly reflection?: readonly ReflectionVersion[];
  /** The descriptor set that reflection gives; that of the service by default. */
  readonly reflected?: Uint8Array;
}

/** An echo server that listens. */
export interface EchoServer {
  readonly address: string;
  /** Every call so far, oldest first. */
  readonly calls: readonly SeenCall[];
  /** Resolves once there have been `count` calls. */
  untilCalls(count: number): Promise<readonly SeenCall[]>;
  /** Ends all calls and stops listening. */
  close(): Promise<void>;
}

/** Starts an echo server. */
export async function startEchoServer(options: EchoServerOptions = {}): Promise<EchoServer> {
  const descriptorSet = readFileSync(ECHO_DESCRIPTORS);
  const recorder = new CallRecorder();
  const server = new Server({
    "grpc.max_receive_message_length": MAX_BLOB_BYTES,
    "grpc.max_send_message_length": MAX_BLOB_BYTES,
  });
  const codec = new EchoCodec(descriptorSet);
  server.addService(codec.definition(), echoMethods(codec, recorder));
  const versions = options.reflection ?? ["v1", "v1alpha"];
  if (versions.length > 0) addReflection(server, options.reflected ?? descriptorSet, versions);
  const credentials =
    options.tls === undefined
      ? ServerCredentials.createInsecure()
      : ServerCredentials.createSsl(null, [
          { private_key: Buffer.from(options.tls.key), cert_chain: Buffer.from(options.tls.cert) },
        ]);
  const address = await listen(server, options.address ?? "127.0.0.1:0", credentials);
  return {
    address,
    calls: recorder.calls,
    untilCalls: (count) => recorder.untilCalls(count),
    close: () => shutDown(server),
  };
}
