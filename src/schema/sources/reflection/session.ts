/**
 * Questions and answers over gRPC server reflection: one bidirectional call, opened again where a server ends it
 * after an answer. v1 and v1alpha differ in the name of the service alone.
 * Source: grpc/reflection/v1/reflection.proto.
 */
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  ServerReflectionRequestSchema,
  type ServerReflectionResponse,
  ServerReflectionResponseSchema,
} from "../../../gen/grpc/reflection/v1/reflection_pb.ts";
import { Code, gatewayStatus, type Status, StatusError, upstreamStatus } from "../../../status/index.ts";
import type { Call, CallListener, Channel } from "../../../upstream/index.ts";

/** Which service is asked. */
export type ReflectionVersion = "v1" | "v1alpha";

/** A question, as in `ServerReflectionRequest.message_request`. */
export type Question = NonNullable<MessageInitShape<typeof ServerReflectionRequestSchema>["messageRequest"]>;

/** An answer, as in `ServerReflectionResponse.message_response`. */
export type Answer = ServerReflectionResponse["messageResponse"];

/** What the answers of one session may amount to. */
export interface SessionLimits {
  /** Milliseconds for the whole session. */
  readonly timeoutMs: number;
  readonly maxQuestions: number;
  readonly maxBytes: number;
}

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: StatusError) => void;
}

/** One session with one version of the service. Questions are asked one at a time. */
export class ReflectionSession implements CallListener {
  readonly #channel: Channel;
  readonly #rpcPath: string;
  readonly #limits: SessionLimits;
  readonly #signal: AbortSignal;
  /** By the clock of `performance.now()`. */
  readonly #expiresAt: number;
  readonly #onAbort: () => void = () => this.#call?.cancel(GIVEN_UP);
  #call: Call | undefined;
  #waiting: Waiting | undefined;
  #question: Uint8Array = new Uint8Array(0);
  /** Whether the call that is open has answered a question before. */
  #hasAnswered = false;
  #questions = 0;
  #bytes = 0;

  constructor(channel: Channel, version: ReflectionVersion, limits: SessionLimits, signal: AbortSignal) {
    this.#channel = channel;
    this.#rpcPath = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
    this.#limits = limits;
    this.#signal = signal;
    this.#expiresAt = performance.now() + limits.timeoutMs;
    signal.addEventListener("abort", this.#onAbort);
  }

  /**
   * Asks one question. An `errorResponse` is an answer like another.
   * @throws {StatusError} if the call fails, a limit is passed or the signal aborts.
   */
  ask(question: Question): Promise<Answer> {
    this.#questions++;
    if (this.#signal.aborted) return Promise.reject(new StatusError(GIVEN_UP));
    if (this.#questions > this.#limits.maxQuestions || this.#bytes > this.#limits.maxBytes) {
      return Promise.reject(new StatusError(tooMuch()));
    }
    const request = create(ServerReflectionRequestSchema, { messageRequest: question });
    this.#question = toBinary(ServerReflectionRequestSchema, request);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#send();
    });
  }

  /** Ends the session. */
  close(): void {
    this.#signal.removeEventListener("abort", this.#onAbort);
    const call = this.#call;
    this.#call = undefined;
    call?.halfClose();
    call?.cancel(GIVEN_UP);
  }

  onHeaders(): void {
    // Reflection has no metadata.
  }

  onMessage(message: Uint8Array): boolean {
    this.#bytes += message.length;
    const waiting = this.#waiting;
    // Nothing was asked: a server that talks on its own is only counted, and ends at the limit.
    if (waiting === undefined) {
      if (this.#bytes > this.#limits.maxBytes) this.#call?.cancel(tooMuch());
      return true;
    }
    this.#waiting = undefined;
    this.#hasAnswered = true;
    try {
      waiting.resolve(fromBinary(ServerReflectionResponseSchema, message).messageResponse);
    } catch {
      const what = "the upstream's reflection answers with what is no ServerReflectionResponse";
      waiting.reject(new StatusError(gatewayStatus("UPSTREAM_REPLY_INVALID", what)));
    }
    return true;
  }

  onDrain(): void {
    // One small message at a time never fills a buffer.
  }

  onStatus(status: Status): void {
    this.#call = undefined;
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    if (status.code === Code.OK && this.#hasAnswered) {
      this.#send();
      return;
    }
    this.#waiting = undefined;
    const isSilent = status.code === Code.OK;
    const failure = isSilent
      ? upstreamStatus(Code.UNIMPLEMENTED, "the upstream's reflection ends without an answer")
      : status;
    waiting.reject(new StatusError(failure));
  }

  /** Sends the question on the open call, or on a new one. */
  #send(): void {
    if (this.#call === undefined) {
      this.#hasAnswered = false;
      const remainingMs = this.#expiresAt - performance.now();
      this.#call = this.#channel.open(this.#rpcPath, [], remainingMs, this);
    }
    this.#call.send(this.#question);
  }
}

const GIVEN_UP: Status = gatewayStatus("NOT_READY", "reading the schema by reflection was given up");

function tooMuch(): Status {
  return gatewayStatus(
    "UPSTREAM_REPLY_TOO_LARGE",
    "the upstream's reflection answers with more than the limit",
  );
}
