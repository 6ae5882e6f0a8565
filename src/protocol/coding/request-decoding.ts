/**
 * What becomes of a request body's Content-Encoding: a body that is decoded as it is read, or a refusal.
 */
import { findHeader, type HeaderList } from "../../http/index.ts";
import { gatewayStatus, StatusError } from "../../status/index.ts";
import type { BodySink, BodySource } from "./body-source.ts";
import type { CodingTotals } from "./coding-totals.ts";
import type { RequestCoding } from "./content-coding.ts";
import { DecodedBody } from "./decoded-body.ts";

/** Nobody has a reason for more. */
const MAX_CODINGS = 2;

/** What a route says of it. */
export interface RequestDecodingOptions {
  /** Those that are understood. */
  readonly encodings: readonly RequestCoding[];
  /** How many times its length a body may become, beyond its first MiB. */
  readonly maxRatio: number;
}

/** The request body of one exchange. */
export interface OpenedBody {
  readonly source: BodySource;
  /** Why the body cannot be read, if there is one; `source` says so with its first byte. */
  readonly refusal: StatusError | undefined;
  /** Lets go of decoders; undefined where there are none. */
  readonly release: (() => void) | undefined;
}

/** Decodes the request bodies of one route. */
export class RequestDecoding {
  readonly #encodings: readonly RequestCoding[];
  readonly #maxRatio: number;
  readonly #totals: CodingTotals;
  /** What may be sent, as the value of Accept-Encoding in a 415. */
  readonly acceptEncoding: string;

  constructor({ encodings, maxRatio }: RequestDecodingOptions, totals: CodingTotals) {
    this.#encodings = encodings;
    this.#maxRatio = maxRatio;
    this.#totals = totals;
    this.acceptEncoding = [...encodings, "identity"].join(", ");
  }

  /** The body of a request with these headers, decoded. */
  open(exchange: BodySource, headers: HeaderList): OpenedBody {
    const codings: RequestCoding[] = [];
    for (const name of contentCodings(headers)) {
      const coding = this.#encodings.find((encoding) => encoding === name);
      if (coding === undefined) return refused(exchange, `${shown(headers)} is not decoded here`);
      codings.push(coding);
    }
    if (codings.length > MAX_CODINGS) {
      return refused(exchange, `${shown(headers)} has more than ${MAX_CODINGS} codings`);
    }
    const bodies: DecodedBody[] = [];
    let source = exchange;
    // The last one was applied last.
    for (const coding of codings.reverse()) {
      const options = { coding, maxRatio: this.#maxRatio, totals: this.#totals };
      const body = new DecodedBody(source, options);
      bodies.push(body);
      source = body;
    }
    const release = (): void => {
      for (const body of bodies) body.release();
    };
    return { source, refusal: undefined, release };
  }
}

/** The body of a request, decoded as its route says; one that decodes nothing refuses every coding. */
export function openRequestBody(
  exchange: BodySource & { readonly headers: HeaderList },
  decoding: RequestDecoding | undefined,
): OpenedBody {
  const { headers } = exchange;
  if (findHeader(headers, "content-encoding") === undefined) {
    return { source: exchange, refusal: undefined, release: undefined };
  }
  if (decoding !== undefined) return decoding.open(exchange, headers);
  if (contentCodings(headers).length > 0) return refused(exchange, `${shown(headers)} is not decoded here`);
  return { source: exchange, refusal: undefined, release: undefined };
}

/** The codings of a body in the order of their application, in lower case. Source: RFC 9110, section 8.4. */
function contentCodings(headers: HeaderList): readonly string[] {
  const names: string[] = [];
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i] !== "content-encoding") continue;
    for (const item of (headers[i + 1] ?? "").split(",")) {
      const name = item.trim().toLowerCase();
      // RFC 9110, section 8.4.1.3: x-gzip is the same.
      if (name !== "" && name !== "identity") names.push(name === "x-gzip" ? "gzip" : name);
    }
  }
  return names;
}

function shown(headers: HeaderList): string {
  return `content-encoding ${JSON.stringify((findHeader(headers, "content-encoding") ?? "").slice(0, 64))}`;
}

function refused(exchange: BodySource, what: string): OpenedBody {
  const text = `${what}; send the body as it is`;
  const refusal = new StatusError(gatewayStatus("CONTENT_CODING_UNSUPPORTED", text));
  return { source: new RefusedBody(exchange, refusal), refusal, release: undefined };
}

/**
 * A body in a coding that is not understood. Nothing takes it for plain bytes, and metadata carry no `content-*`, so that
 * an upstream could not tell either. A request without a body is none the worse for the field.
 */
class RefusedBody implements BodySource {
  readonly #exchange: BodySource;
  readonly #refusal: StatusError;

  constructor(exchange: BodySource, refusal: StatusError) {
    this.#exchange = exchange;
    this.#refusal = refusal;
  }

  readBody(limitBytes: number, sink: BodySink): void {
    let isRefused = false;
    this.#exchange.readBody(limitBytes, {
      onChunk: () => {
        if (isRefused) return;
        isRefused = true;
        sink.onBroken(this.#refusal);
      },
      onEnd: () => {
        if (!isRefused) sink.onEnd();
      },
      onTooLarge: () => {
        if (!isRefused) sink.onTooLarge();
      },
      onBroken: (error) => {
        if (!isRefused) sink.onBroken(error);
      },
    });
  }

  pauseBody(): void {
    this.#exchange.pauseBody();
  }

  resumeBody(): void {
    this.#exchange.resumeBody();
  }
}
