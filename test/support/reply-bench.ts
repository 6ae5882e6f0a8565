/** A reply writer over a fake exchange: what tests of reply forms start from. */
import type { DescMessage, DescMethod } from "@bufbuild/protobuf";
import { EmptySchema } from "@bufbuild/protobuf/wkt";
import {
  compileHeaderRules,
  type ErrorSettings,
  type ReplyWriter,
  type RouteSettings,
  type StreamSettings,
} from "../../src/protocol/index.ts";
import { chooseReplyWriter, Heartbeats, MessageRenderer, Reply } from "../../src/protocol/rest/index.ts";
import type { MethodKind, MethodSchema } from "../../src/schema/index.ts";
import type { Transcoder } from "../../src/transcode/index.ts";
import { FakeExchange, type FakeRequest } from "./fake-exchange.ts";
import { PLAIN_STREAMS } from "./stream-settings.ts";

/** Shows code, message and reason; nothing of the formats of real errors. */
const ERRORS: ErrorSettings = {
  format: "google",
  httpStatusByCode: {},
  render: ({ code, message, reason }) => ({
    contentType: "application/json",
    body: JSON.stringify({ code, message, reason }),
    retryAfterSeconds: undefined,
  }),
};

/** What a test changes. */
export interface ReplyBenchOptions {
  readonly request?: FakeRequest;
  readonly kind?: MethodKind;
  readonly stream?: Partial<Omit<StreamSettings, "sse">> & { readonly sse?: Partial<StreamSettings["sse"]> };
  readonly etag?: RouteSettings["etag"];
  readonly compression?: RouteSettings["replyCompression"];
  /** Renders messages; JSON strings of their text by default. */
  readonly render?: Transcoder["render"];
  readonly repliesWithHttpBody?: boolean;
}

/** The writer of one reply, and what came of it. */
export class ReplyBench {
  readonly exchange: FakeExchange;
  readonly reply: Reply;
  readonly heartbeats: Heartbeats = new Heartbeats();
  readonly renderer: MessageRenderer;
  readonly writer: ReplyWriter;

  constructor(options: ReplyBenchOptions = {}) {
    this.exchange = new FakeExchange(options.request);
    const { sse, ...stream } = options.stream ?? {};
    const anyHeader = compileHeaderRules({ allow: ["*"], deny: [], rename: {}, prefix: "" });
    const transcoder: Transcoder = {
      requestBody: "json",
      streamedFile: () => undefined,
      complete: (message) => ({ message, unknownFields: [], pretty: false }),
      repliesWithHttpBody: options.repliesWithHttpBody ?? false,
      assemble: () => ({ message: new Uint8Array(0), unknownFields: [], pretty: false }),
      render: options.render ?? ((message) => JSON.stringify(Buffer.from(message).toString())),
    };
    this.renderer = new MessageRenderer(transcoder);
    this.reply = new Reply(this.exchange);
    this.reply.compression = options.compression;
    this.writer = chooseReplyWriter(
      this.reply,
      {
        method: methodOf(options.kind ?? "server_streaming"),
        transcoder,
        settings: {
          deadlineMs: Number.POSITIVE_INFINITY,
          idleTimeoutMs: Number.POSITIVE_INFINITY,
          maxRequestBodyBytes: 0,
          uploadChunkBytes: 1,
          requestHeaders: anyHeader,
          responseHeaders: anyHeader,
          errors: ERRORS,
          stream: { ...PLAIN_STREAMS, ...stream, sse: { ...PLAIN_STREAMS.sse, ...sse } },
          etag: options.etag ?? "none",
        },
      },
      this.renderer,
      this.heartbeats,
    );
  }

  /** Hands the writer one message a text, all in one turn. */
  send(...texts: readonly string[]): void {
    for (const text of texts) this.writer.message(Buffer.from(text));
  }
}

/** Resolves when what was written in this turn has left. */
export function endOfTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function methodOf(kind: MethodKind): MethodSchema {
  // Writers read the kind only.
  const descriptor = {} as DescMethod;
  const message: DescMessage = EmptySchema;
  return {
    fullName: "t.S.Get",
    rpcPath: "/t.S/Get",
    kind,
    input: message,
    output: message,
    descriptor,
    inputShape: message,
    outputShape: message,
    httpRule: undefined,
    idempotency: "unknown",
  };
}
