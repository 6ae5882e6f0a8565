/**
 * The services of linked files. Their methods look up descriptors when asked for them.
 */
import type { DescMessage, DescMethod, Registry } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import type { MethodOutline } from "./file-outline.ts";
import type { LinkedFile } from "./link-files.ts";
import type { MessageShape, MessageShapes } from "./message-shape.ts";
import type { Idempotency, MethodKind, MethodSchema, ServiceSchema } from "./service-schema.ts";

/** What methods find their types in. */
export interface SchemaTypes {
  readonly registry: Registry;
  readonly shapes: MessageShapes;
}

/** The services that `file` declares. */
export function servicesIn(file: LinkedFile, types: SchemaTypes): readonly ServiceSchema[] {
  const { package: packageName, services } = file.outline;
  return services.map(({ name, methods }) => {
    const fullName = packageName === "" ? name : `${packageName}.${name}`;
    return {
      fullName,
      file: file.name,
      methods: methods.map((method) => new LinkedMethod(fullName, method, types)),
    };
  });
}

class LinkedMethod implements MethodSchema {
  readonly fullName: string;
  readonly rpcPath: string;
  readonly kind: MethodKind;
  readonly #service: string;
  readonly #outline: MethodOutline;
  readonly #types: SchemaTypes;

  constructor(service: string, outline: MethodOutline, types: SchemaTypes) {
    this.fullName = `${service}.${outline.name}`;
    this.rpcPath = `/${service}/${outline.name}`;
    this.kind = kindOf(outline);
    this.#service = service;
    this.#outline = outline;
    this.#types = types;
  }

  get input(): DescMessage {
    return this.descriptor.input;
  }

  get output(): DescMessage {
    return this.descriptor.output;
  }

  get descriptor(): DescMethod {
    const service = this.#types.registry.getService(this.#service);
    const method = service?.methods.find(({ name }) => name === this.#outline.name);
    if (method === undefined) throw new Error(`the schema has no method ${this.fullName}`);
    return method;
  }

  get inputShape(): MessageShape {
    return this.#types.shapes.of(this.#outline.inputType);
  }

  get outputShape(): MessageShape {
    return this.#types.shapes.of(this.#outline.outputType);
  }

  get httpRule(): Uint8Array | undefined {
    return this.#outline.httpRule;
  }

  get idempotency(): Idempotency {
    switch (this.#outline.idempotencyLevel) {
      case MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS:
        return "no_side_effects";
      case MethodOptions_IdempotencyLevel.IDEMPOTENT:
        return "idempotent";
      default:
        return "unknown";
    }
  }
}

function kindOf({ clientStreaming, serverStreaming }: MethodOutline): MethodKind {
  if (clientStreaming) return serverStreaming ? "bidi_streaming" : "client_streaming";
  return serverStreaming ? "server_streaming" : "unary";
}
