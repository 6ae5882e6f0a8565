/**
 * Serves a generated service with @grpc/grpc-js: typed handlers in, a grpc-js service out.
 *
 * Handlers are plain functions over messages; streams are async iterables. What they throw becomes the status of the
 * call: a {@link StatusFault} its own, anything else INTERNAL. Not for the gateway's data plane, which moves raw bytes.
 */
import {
  create,
  type DescMessage,
  type DescService,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import type { GenService, GenServiceMethods } from "@bufbuild/protobuf/codegenv2";
import {
  Metadata,
  type Server,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type sendUnaryData,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { faultOf } from "./status-fault.ts";

/** What a handler knows of its call, beside the messages. */
export interface CallContext {
  /** What the client sent. */
  readonly metadata: Metadata;
  /** Epoch milliseconds at which the call expires; Infinity if never. */
  readonly deadlineMs: number;
  /** Aborted when the client cancels, leaves, or the deadline passes. */
  readonly signal: AbortSignal;
  /** Sent before the first message. A call that fails before that sends them with its trailers. */
  readonly headers: Metadata;
  /** Sent with the status. */
  readonly trailers: Metadata;
}

/** The shape of one method, as generated code declares it. */
type MethodTypes = GenServiceMethods[string];

/**
 * A handler by the kind of its method. A streaming reply is an iterable that the handler *returns*: what it throws
 * before that fails the call before any header is sent.
 */
export type Handler<M extends MethodTypes> = {
  unary: (request: MessageShape<M["input"]>, call: CallContext) => Awaitable<MessageInitShape<M["output"]>>;
  server_streaming: (
    request: MessageShape<M["input"]>,
    call: CallContext,
  ) => AsyncIterable<MessageInitShape<M["output"]>>;
  client_streaming: (
    requests: AsyncIterable<MessageShape<M["input"]>>,
    call: CallContext,
  ) => Awaitable<MessageInitShape<M["output"]>>;
  bidi_streaming: (
    requests: AsyncIterable<MessageShape<M["input"]>>,
    call: CallContext,
  ) => AsyncIterable<MessageInitShape<M["output"]>>;
}[M["methodKind"]];

/** A handler for every method of a service, by local name. */
export type Handlers<Methods extends GenServiceMethods> = {
  readonly [K in keyof Methods]: Handler<Methods[K]>;
};

/** Runs before every handler, e.g. to set headers that all replies carry. */
export type CallHook = (call: CallContext) => void;

type Awaitable<T> = T | Promise<T>;
/** What the four kinds of grpc-js server calls have in common. */
interface AnyServerCall {
  readonly metadata: Metadata;
  getDeadline(): Date | number;
  on(event: string, listener: () => void): unknown;
  once(event: string, listener: () => void): unknown;
  removeListener(event: string, listener: () => void): unknown;
}
/** A handler with its types erased; `addService` pairs it with the codecs of its own method. */
type AnyHandler = (request: unknown, call: CallContext) => unknown;

/** The grpc-js definition of a service: paths, kinds and codecs, by local method name. */
export function serviceDefinition(service: DescService): ServiceDefinition {
  const definition: Record<string, ServiceDefinition[string]> = {};
  for (const method of service.methods) {
    definition[method.localName] = {
      path: `/${service.typeName}/${method.name}`,
      requestStream: method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming",
      responseStream: method.methodKind === "server_streaming" || method.methodKind === "bidi_streaming",
      requestSerialize: encoderOf(method.input),
      requestDeserialize: decoderOf(method.input),
      responseSerialize: encoderOf(method.output),
      responseDeserialize: decoderOf(method.output),
    };
  }
  return definition;
}

/** Adds `service` to `server`, answered by `handlers`. */
export function addService<Methods extends GenServiceMethods>(
  server: Server,
  service: GenService<Methods>,
  handlers: Handlers<Methods>,
  onCall: CallHook = () => undefined,
): void {
  const implementation: UntypedServiceImplementation = {};
  // GenService is a DescService whose `method` record is typed further: the same object at run time.
  const descriptor = service as unknown as DescService;
  for (const method of descriptor.methods) {
    // Handlers<Methods> has one entry for each method, of the kind that the switch below tells apart.
    const handler = handlers[method.localName] as unknown as AnyHandler;
    switch (method.methodKind) {
      case "unary":
        implementation[method.localName] = unary(handler, onCall);
        break;
      case "server_streaming":
        implementation[method.localName] = serverStreaming(handler, onCall);
        break;
      case "client_streaming":
        implementation[method.localName] = clientStreaming(handler, onCall);
        break;
      case "bidi_streaming":
        implementation[method.localName] = bidiStreaming(handler, onCall);
        break;
    }
  }
  server.addService(serviceDefinition(descriptor), implementation);
}

function encoderOf(type: DescMessage): (message: unknown) => Buffer {
  return (message) => {
    // Handlers and callers are typed by the method, so the value fits `type`; create() completes partial messages.
    const bytes = toBinary(type, create(type, message as MessageInitShape<DescMessage>));
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
}

function decoderOf(type: DescMessage): (bytes: Buffer) => unknown {
  return (bytes) => fromBinary(type, bytes);
}

function unary(handler: AnyHandler, onCall: CallHook) {
  return (call: ServerUnaryCall<unknown, unknown>, callback: sendUnaryData<unknown>): void => {
    void replyOnce(call, callback, onCall, (context) => handler(call.request, context));
  };
}

function clientStreaming(handler: AnyHandler, onCall: CallHook) {
  return (call: ServerReadableStream<unknown, unknown>, callback: sendUnaryData<unknown>): void => {
    void replyOnce(call, callback, onCall, (context) => handler(call, context));
  };
}

function serverStreaming(handler: AnyHandler, onCall: CallHook) {
  return (call: ServerWritableStream<unknown, unknown>): void => {
    void replyMany(call, onCall, (context) => handler(call.request, context));
  };
}

function bidiStreaming(handler: AnyHandler, onCall: CallHook) {
  return (call: ServerDuplexStream<unknown, unknown>): void => {
    // Left to itself, the iterator destroys the stream after the last request, and with it the replies.
    const requests = call.iterator({ destroyOnReturn: false });
    void replyMany(call, onCall, (context) => handler(requests, context));
  };
}

/** Never rejects: every failure becomes the status of the call. */
async function replyOnce(
  call: ServerUnaryCall<unknown, unknown> | ServerReadableStream<unknown, unknown>,
  callback: sendUnaryData<unknown>,
  onCall: CallHook,
  run: (context: CallContext) => unknown,
): Promise<void> {
  const context = contextOf(call);
  try {
    onCall(context);
    const reply = await run(context);
    call.sendMetadata(context.headers);
    callback(null, reply, context.trailers);
  } catch (error) {
    callback(faultOf(error).toServerError(mergedMetadata(context)));
  }
}

/** Never rejects: every failure becomes the status of the call. */
async function replyMany(
  call: ServerWritableStream<unknown, unknown> | ServerDuplexStream<unknown, unknown>,
  onCall: CallHook,
  run: (context: CallContext) => unknown,
): Promise<void> {
  const context = contextOf(call);
  let headersSent = false;
  try {
    onCall(context);
    // Handler<M> of both kinds with a streaming reply returns an async iterable.
    const replies = run(context) as AsyncIterable<unknown>;
    call.sendMetadata(context.headers);
    headersSent = true;
    for await (const reply of replies) {
      if (context.signal.aborted) return;
      if (!call.write(reply)) await drained(call, context.signal);
    }
    call.end(context.trailers);
  } catch (error) {
    if (context.signal.aborted) return;
    call.emit(
      "error",
      faultOf(error).toServerError(headersSent ? context.trailers : mergedMetadata(context)),
    );
  }
}

function contextOf(call: AnyServerCall): CallContext {
  const cancelled = new AbortController();
  call.on("cancelled", () => cancelled.abort());
  const deadline = call.getDeadline();
  return {
    metadata: call.metadata,
    deadlineMs: typeof deadline === "number" ? deadline : deadline.getTime(),
    signal: cancelled.signal,
    headers: new Metadata(),
    trailers: new Metadata(),
  };
}

function mergedMetadata(context: CallContext): Metadata {
  const merged = context.headers.clone();
  merged.merge(context.trailers);
  return merged;
}

/** Resolves when more may be written, or when nobody listens any more. */
function drained(call: AnyServerCall, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      call.removeListener("drain", done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    call.once("drain", done);
    signal.addEventListener("abort", done);
  });
}
