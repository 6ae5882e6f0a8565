/**
 * What the gateway knows of an upstream's services, over descriptors of @bufbuild/protobuf.
 */
import type { DescMessage, DescMethod, FileRegistry } from "@bufbuild/protobuf";
import type { MessageShape } from "./message-shape.ts";

/** How many messages go each way. */
export type MethodKind = "unary" | "server_streaming" | "client_streaming" | "bidi_streaming";

/**
 * What running a method twice does, by its option `idempotency_level`: `no_side_effects` is nothing at all, `idempotent`
 * nothing that running it once does not do.
 */
export type Idempotency = "unknown" | "no_side_effects" | "idempotent";

/** One gRPC method. Reading a descriptor may build those of the files behind it, once. */
export interface MethodSchema {
  /** `package.Service.Method`, as selectors name it. */
  readonly fullName: string;
  /** `/package.Service/Method`, as the wire names it. */
  readonly rpcPath: string;
  readonly kind: MethodKind;
  readonly input: DescMessage;
  readonly output: DescMessage;
  readonly descriptor: DescMethod;
  /** The fields of `input`, for the checking of rules; builds nothing. */
  readonly inputShape: MessageShape;
  /** As `inputShape`, of `output`. */
  readonly outputShape: MessageShape;
  /** The option `google.api.http`: a serialized `google.api.HttpRule` from the outside, or undefined for none. */
  readonly httpRule: Uint8Array | undefined;
  readonly idempotency: Idempotency;
}

/** One gRPC service. */
export interface ServiceSchema {
  /** `package.Service`. */
  readonly fullName: string;
  /** The descriptor file that declares it. */
  readonly file: string;
  readonly methods: readonly MethodSchema[];
}

/** A consistent set of files: every service of one upstream, and every type that they need. */
export interface SchemaSet {
  readonly services: readonly ServiceSchema[];
  /** Builds the descriptors of a file when one of its types is looked up; walking all of it builds all of them. */
  readonly registry: FileRegistry;
  /** Hex SHA-256 over the files; equal digests mean equal schemas. */
  readonly digest: string;
  /**
   * All of it as a serialized `google.protobuf.FileDescriptorSet`, made afresh. A schema built from that alone has the
   * same digest.
   */
  toDescriptorSet(): Uint8Array;
}
