/**
 * Calls a generated service over a real connection, for tests of servers. Not the gateway's own client.
 */
import {
  create,
  createRegistry,
  type DescService,
  fromBinary,
  type Message,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import type { GenService, GenServiceMethods } from "@bufbuild/protobuf/codegenv2";
import { type Any, anyUnpack } from "@bufbuild/protobuf/wkt";
import { Client, credentials, Metadata, type ServiceError, type StatusObject } from "@grpc/grpc-js";
import { serviceDefinition } from "../../src/demo/index.ts";
import { file_google_rpc_error_details } from "../../src/gen/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../../src/gen/google/rpc/status_pb.ts";

/** What goes with a call beside its messages. */
export interface CallSettings {
  readonly metadata?: Readonly<Record<string, string | Buffer>>;
  /** Epoch milliseconds. */
  readonly deadline?: number;
  /** Cancels a streaming reply after this many messages. */
  readonly cancelAfter?: number;
  /** Called at every message of a streaming reply, with its position from 0. */
  readonly onReply?: (position: number) => void;
}

/** How a call went. `replies` of a unary call has one message at most. */
export interface Outcome<Reply> {
  readonly replies: readonly Reply[];
  readonly headers: Metadata;
  readonly trailers: Metadata;
  readonly code: number;
  readonly message: string;
  /** Details of google.rpc, unpacked, in their order. */
  readonly details: readonly Message[];
}

/** A client of one service. */
export class TestClient<Methods extends GenServiceMethods> {
  readonly #client: Client;
  readonly #service: GenService<Methods>;

  constructor(address: string, service: GenService<Methods>) {
    this.#client = new Client(address, credentials.createInsecure());
    this.#service = service;
  }

  close(): void {
    this.#client.close();
  }

  /** Calls a method of any kind with all of `requests`; never rejects on a status. */
  async call<Name extends keyof Methods & string>(
    name: Name,
    requests: readonly MessageInitShape<Methods[Name]["input"]>[],
    settings: CallSettings = {},
  ): Promise<Outcome<MessageShape<Methods[Name]["output"]>>> {
    // A GenService is a DescService with a typed `method` record.
    const definition = serviceDefinition(this.#service as unknown as DescService)[name];
    if (definition === undefined) throw new Error(`no method ${name}`);
    const metadata = new Metadata();
    for (const [key, value] of Object.entries(settings.metadata ?? {})) metadata.set(key, value);
    // Every kind of call is a bidi call with fewer messages, as far as the wire goes.
    const call = this.#client.makeBidiStreamRequest(
      definition.path,
      definition.requestSerialize,
      definition.responseDeserialize,
      metadata,
      settings.deadline === undefined ? {} : { deadline: settings.deadline },
    );
    const replies: MessageShape<Methods[Name]["output"]>[] = [];
    let headers = new Metadata();
    call.on("metadata", (received: Metadata) => {
      headers = received;
    });
    call.on("data", (reply: MessageShape<Methods[Name]["output"]>) => {
      replies.push(reply);
      settings.onReply?.(replies.length - 1);
      if (replies.length === settings.cancelAfter) call.cancel();
    });
    // The status below says the same.
    call.on("error", (_error: ServiceError) => undefined);
    const ended = new Promise<StatusObject>((resolve) => call.on("status", resolve));
    for (const request of requests) call.write(create(this.#inputOf(name), request));
    call.end();
    const status = await ended;
    return {
      replies,
      headers,
      trailers: status.metadata,
      code: status.code,
      message: status.details,
      details: detailsOf(status.metadata),
    };
  }

  /** The one reply of a call. @throws {Error} if the call fails or replies otherwise. */
  async unary<Name extends keyof Methods & string>(
    name: Name,
    request: MessageInitShape<Methods[Name]["input"]>,
    settings: CallSettings = {},
  ): Promise<MessageShape<Methods[Name]["output"]>> {
    const { code, message, replies } = await this.call(name, [request], settings);
    const [reply] = replies;
    if (code !== 0 || reply === undefined) throw new Error(`${name} ended with ${code}: ${message}`);
    return reply;
  }

  #inputOf<Name extends keyof Methods & string>(name: Name): Methods[Name]["input"] {
    const method = this.#service.method[name];
    return method.input;
  }
}

function detailsOf(trailers: Metadata): Message[] {
  const [bytes] = trailers.get("grpc-status-details-bin");
  if (!(bytes instanceof Buffer)) return [];
  const registry = createRegistry(file_google_rpc_error_details);
  return fromBinary(StatusSchema, bytes).details.map((detail: Any) => {
    const message = anyUnpack(detail, registry);
    if (message === undefined) throw new Error(`${detail.typeUrl} is not a known detail`);
    return message;
  });
}
