/** A reply writer over a fake exchange: what tests of reply forms start from. */
import type { ReplyWriter, RouteSettings, StreamSettings } from "../../src/protocol/index.ts";
import { chooseReplyWriter, Heartbeats, MessageRenderer, Reply } from "../../src/protocol/rest/index.ts";
import type { MethodKind } from "../../src/schema/index.ts";
import type { Transcoder } from "../../src/transcode/index.ts";
import { FakeExchange, type FakeRequest } from "./fake-exchange.ts";
import { PLAIN_SETTINGS, plainMethod } from "./plain-routes.ts";
import { PLAIN_STREAMS } from "./stream-settings.ts";

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
        method: plainMethod(options.kind ?? "server_streaming"),
        transcoder,
        settings: {
          ...PLAIN_SETTINGS,
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
