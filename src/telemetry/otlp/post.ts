/**
 * Sends one OTLP request over HTTP, and says what became of it.
 *
 * Source: OTLP specification, "OTLP/HTTP": 429, 502, 503 and 504 are to be tried again, after `Retry-After` where it is
 * given, as are connections that fail; every other failure is final. A 200 may still say that spans were refused.
 */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

/** What became of a request. */
export type PostOutcome =
  | { readonly kind: "accepted"; readonly rejectedSpans: number; readonly what: string }
  | { readonly kind: "refused"; readonly what: string }
  | { readonly kind: "unavailable"; readonly what: string; readonly retryAfterMs: number | undefined };

/** Where to. */
export interface PostOptions {
  readonly endpoint: string;
  /** Names and values, flat. They may hold secrets, and are never told. */
  readonly headers: readonly string[];
  /** For the whole exchange. */
  readonly timeoutMs: number;
}

/** Sends bodies of OTLP requests, one at a time. */
export interface Poster {
  /** Never rejects. When `signal` aborts, the outcome is `unavailable`. */
  post(body: Uint8Array, signal: AbortSignal): Promise<PostOutcome>;
  close(): void;
}

const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);
/** A reply has a few bytes; of a longer one the rest is not read. */
const MAX_REPLY_BYTES = 64 * 1024;
const MAX_WHAT = 200;

/** A poster over HTTP or, for `https:`, TLS with the authorities that Node trusts. */
export function createPoster({ endpoint, headers, timeoutMs }: PostOptions): Poster {
  const url = new URL(endpoint);
  const isTls = url.protocol === "https:";
  const options = { keepAlive: true, maxSockets: 1 };
  const agent = isTls ? new HttpsAgent(options) : new HttpAgent(options);
  const fields: Record<string, string> = {};
  for (let i = 0; i + 1 < headers.length; i += 2) fields[headers[i] ?? ""] = headers[i + 1] ?? "";
  return {
    post: (body, signal) =>
      new Promise((settle) => {
        // AbortSignal.any would keep something of each exchange for as long as `signal` lives (Node 20).
        const whole = new AbortController();
        const end = (): void => whole.abort();
        const timer = setTimeout(end, timeoutMs);
        const resolve = (outcome: PostOutcome): void => {
          clearTimeout(timer);
          signal.removeEventListener("abort", end);
          settle(outcome);
        };
        const fail = (what: string): void => resolve({ kind: "unavailable", what, retryAfterMs: undefined });
        if (signal.aborted) end();
        signal.addEventListener("abort", end);
        const request = (isTls ? httpsRequest : httpRequest)(url, {
          method: "POST",
          agent,
          signal: whole.signal,
          headers: {
            ...fields,
            "content-type": "application/x-protobuf",
            "content-length": body.byteLength,
          },
        });
        request.on("error", (error: Error) =>
          fail(whole.signal.aborted && !signal.aborted ? `no answer within ${timeoutMs} ms` : error.message),
        );
        request.on("response", (reply) => {
          readReply(reply).then(
            (bytes) => resolve(outcomeOf(reply, bytes)),
            (error: Error) => fail(error.message),
          );
        });
        request.end(body);
      }),
    close: () => agent.destroy(),
  };
}

async function readReply(reply: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  // A stream of http gives Buffers.
  for await (const chunk of reply as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.byteLength;
    // Leaving the loop destroys the stream.
    if (length > MAX_REPLY_BYTES) break;
  }
  return Buffer.concat(chunks).subarray(0, MAX_REPLY_BYTES);
}

function outcomeOf({ statusCode = 0, headers }: IncomingMessage, body: Buffer): PostOutcome {
  const isProtobuf = headers["content-type"]?.startsWith("application/x-protobuf") === true;
  if (statusCode >= 200 && statusCode < 300) {
    const { rejectedSpans, what } = isProtobuf ? readPartialSuccess(body) : ALL_TAKEN;
    return { kind: "accepted", rejectedSpans, what };
  }
  const said = isProtobuf ? "" : printable(body.toString("utf8"));
  const what = `HTTP status ${statusCode}${said === "" ? "" : `: ${said}`}`;
  if (!RETRYABLE.has(statusCode)) return { kind: "refused", what };
  return { kind: "unavailable", what, retryAfterMs: retryAfterMs(headers["retry-after"]) };
}

/** Seconds alone; a date would need two clocks to agree. */
function retryAfterMs(field: string | undefined): number | undefined {
  return field !== undefined && /^\d{1,6}$/.test(field) ? Number(field) * 1000 : undefined;
}

const ALL_TAKEN = { rejectedSpans: 0, what: "" };

/** `ExportTraceServiceResponse.partial_success = 1 { rejected_spans = 1, error_message = 2 }`; what is broken says nothing. */
function readPartialSuccess(body: Uint8Array): { readonly rejectedSpans: number; readonly what: string } {
  try {
    let rejectedSpans = 0;
    let what = "";
    const partial = messageAt(body, 1);
    const reader = new BinaryReader(partial);
    while (reader.pos < reader.len) {
      const [field, type] = reader.tag();
      if (field === 1 && type === WireType.Varint) rejectedSpans = Number(reader.int64());
      else if (field === 2 && type === WireType.LengthDelimited) what = printable(reader.string());
      else reader.skip(type, field);
    }
    return { rejectedSpans: Math.max(0, rejectedSpans), what };
  } catch {
    return ALL_TAKEN;
  }
}

function messageAt(bytes: Uint8Array, wanted: number): Uint8Array {
  const reader = new BinaryReader(bytes);
  let found: Uint8Array = new Uint8Array(0);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === wanted && type === WireType.LengthDelimited) found = reader.bytes();
    else reader.skip(type, field);
  }
  return found;
}

/** What a stranger says goes into the log short, and on one line. */
function printable(text: string): string {
  return text
    .slice(0, MAX_WHAT)
    .replaceAll(/[^\x20-\x7e]+/g, " ")
    .trim();
}
