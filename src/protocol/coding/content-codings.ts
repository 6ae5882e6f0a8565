/** What the content codings of all routes share: the bound on what is compressed at a time, and what is counted. */
import { type CodingTotal, CodingTotals } from "./coding-totals.ts";
import { ReplyCompression, type ReplyCompressionOptions } from "./reply-compression.ts";
import { REPLY_ENCODER_LIMITS, ReplyEncoder } from "./reply-encoder.ts";
import { RequestDecoding, type RequestDecodingOptions } from "./request-decoding.ts";

/** What a route says of its bodies. */
export interface ContentCodingOptions {
  readonly replies: ReplyCompressionOptions;
  readonly requests: RequestDecodingOptions;
}

/** The codings of one route. */
export interface RouteCodings {
  /** Undefined where nothing is compressed. */
  readonly replies: ReplyCompression | undefined;
  readonly requests: RequestDecoding;
}

/** The content codings of a process. */
export class ContentCodings {
  readonly #totals = new CodingTotals();
  readonly #encoder = new ReplyEncoder(this.#totals, REPLY_ENCODER_LIMITS);
  /** Most routes have the same options. */
  readonly #known = new WeakMap<ContentCodingOptions, RouteCodings>();

  /** What has been coded and decoded so far. */
  get totals(): readonly Readonly<CodingTotal>[] {
    return this.#totals.all;
  }

  /** The codings of a route with these options. */
  forRoute(options: ContentCodingOptions): RouteCodings {
    const known = this.#known.get(options);
    if (known !== undefined) return known;
    const { replies, requests } = options;
    const compression = new ReplyCompression(replies, this.#encoder);
    const codings: RouteCodings = {
      replies: compression.isOn ? compression : undefined,
      requests: new RequestDecoding(requests, this.#totals),
    };
    this.#known.set(options, codings);
    return codings;
  }
}
