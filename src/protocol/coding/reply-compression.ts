/**
 * Which replies of a route are compressed, and what that changes in their head.
 *
 * A reply is compressed if it is sent whole, its type is worth it, it is long enough, and the client's Accept-Encoding
 * asks for it; not if either side says `no-transform`, nor if it is a part (206), the client asked for one, or it has no
 * body (204, 304). Streams never get here. Source: RFC 9110, sections 8.4, 8.8.3.3, 12.5.3, 12.5.5 and 14; RFC 9111,
 * sections 5.2.1.6 and 5.2.2.6.
 */
import { findHeader, type HeaderList, type HttpExchange } from "../../http/index.ts";
import { type AcceptedCodings, acceptedCodings } from "./accept-encoding.ts";
import { type CompressionEffort, isAvailable, type ReplyCoding } from "./content-coding.ts";
import type { ReplyEncoder } from "./reply-encoder.ts";

/** What a route says of it. */
export interface ReplyCompressionOptions {
  /** The dearest first. Those that this Node.js does not have are passed over. */
  readonly encodings: readonly ReplyCoding[];
  /** Shorter bodies are sent as they are to clients that take them. */
  readonly minBytes: number;
  readonly effort: CompressionEffort;
  /** `type/subtype`, where the subtype may be `*` or `*+suffix`; in lower case. */
  readonly contentTypes: readonly string[];
}

/** How one reply goes out. */
export interface NegotiatedReply {
  /** Whether a client with another Accept-Encoding might have got other bytes. */
  readonly varies: boolean;
  readonly coding: ReplyCoding | undefined;
}

const PLAIN: NegotiatedReply = { varies: false, coding: undefined };
const VARIES: NegotiatedReply = { varies: true, coding: undefined };

/** The compression of one route's replies. */
export class ReplyCompression {
  readonly #offers: readonly ReplyCoding[];
  readonly #options: ReplyCompressionOptions;
  readonly #encoder: ReplyEncoder;
  /** Types without a wildcard. */
  readonly #types: ReadonlySet<string>;
  /** What types with a wildcard begin and end with. */
  readonly #patterns: readonly (readonly [start: string, end: string])[];

  constructor(options: ReplyCompressionOptions, encoder: ReplyEncoder) {
    this.#offers = options.encodings.filter(isAvailable);
    this.#options = options;
    this.#encoder = encoder;
    this.#types = new Set(options.contentTypes.filter((type) => !type.includes("*")));
    this.#patterns = options.contentTypes
      .filter((type) => type.includes("*"))
      .map((type) => [type.slice(0, type.indexOf("*")), type.slice(type.indexOf("*") + 1)]);
  }

  /** Whether there is any coding to offer. */
  get isOn(): boolean {
    return this.#offers.length > 0;
  }

  /** How the reply of this status, head and body to `request` goes out. */
  negotiate(
    request: Pick<HttpExchange, "method" | "headers">,
    httpStatus: number,
    headers: HeaderList,
    body: Uint8Array | string,
  ): NegotiatedReply {
    if (httpStatus === 304) return VARIES;
    if (httpStatus < 200 || httpStatus === 204 || httpStatus === 206 || body.length === 0) return PLAIN;
    if (!this.#isWorthIt(findHeader(headers, "content-type") ?? "")) return PLAIN;
    if (forbidsTransform(headers)) return PLAIN;
    if (forbidsTransform(request.headers)) return VARIES;
    if (request.method === "GET" && findHeader(request.headers, "range") !== undefined) return VARIES;
    const { coding, refusesPlain }: AcceptedCodings = acceptedCodings(request.headers, this.#offers);
    if (coding === undefined) return VARIES;
    const isLong = body.length >= this.#options.minBytes || bytesOf(body) >= this.#options.minBytes;
    return isLong || refusesPlain ? { varies: true, coding } : VARIES;
  }

  /** Gives `done` the coded body, at once or later; undefined where the body is to go out as it is. */
  encode(
    body: Uint8Array | string,
    coding: ReplyCoding,
    done: (coded: Uint8Array | undefined) => void,
  ): void {
    const bytes = typeof body === "string" ? Buffer.from(body) : body;
    this.#encoder.encode(bytes, coding, this.#options.effort, done);
  }

  #isWorthIt(contentType: string): boolean {
    const semicolon = contentType.indexOf(";");
    const type = (semicolon < 0 ? contentType : contentType.slice(0, semicolon)).trim().toLowerCase();
    if (this.#types.has(type)) return true;
    return this.#patterns.some(([start, end]) => type.startsWith(start) && type.endsWith(end));
  }
}

/** The head of a reply that is sent in `coding`. */
export function codedHeaders(headers: HeaderList, coding: ReplyCoding): string[] {
  const coded: string[] = [];
  for (let i = 0; i + 1 < headers.length; i += 2) {
    // Ranges would be of the coded bytes, which are not kept.
    if (headers[i] !== "accept-ranges") coded.push(headers[i] ?? "", headers[i + 1] ?? "");
  }
  coded.push("content-encoding", coding);
  weakenTag(coded);
  return coded;
}

/** Makes the entity tag among `headers` a weak one: the reply means the same, but its bytes differ. */
export function weakenTag(headers: string[]): void {
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const value = headers[i + 1] ?? "";
    if (headers[i] === "etag" && value.startsWith('"')) headers[i + 1] = `W/${value}`;
  }
}

function forbidsTransform(headers: HeaderList): boolean {
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i] === "cache-control" && headers[i + 1]?.toLowerCase().includes("no-transform")) return true;
  }
  return false;
}

function bytesOf(body: Uint8Array | string): number {
  return typeof body === "string" ? Buffer.byteLength(body) : body.byteLength;
}
