/**
 * What the gateway knows of an upstream's services, over descriptors of @bufbuild/protobuf.
 */
import type { DescMessage, DescMethod, FileRegistry } from "@bufbuild/protobuf";

/** How many messages go each way. */
export type MethodKind = "unary" | "server_streaming" | "client_streaming" | "bidi_streaming";

/** One gRPC method. */
export interface MethodSchema {
  /** `package.Service.Method`, as selectors name it. */
  readonly fullName: string;
  /** `/package.Service/Method`, as the wire names it. */
  readonly rpcPath: string;
  readonly kind: MethodKind;
  readonly input: DescMessage;
  readonly output: DescMessage;
  readonly descriptor: DescMethod;
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
  readonly registry: FileRegistry;
  /** Hex SHA-256 over the files; equal digests mean equal schemas. */
  readonly digest: string;
}
