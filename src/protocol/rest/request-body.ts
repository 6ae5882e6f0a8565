/**
 * Collects a request body, up to the route's limit.
 */
import { type BodyListener, findHeader, type HeaderList } from "../../http/index.ts";
import { gatewayStatus, StatusError } from "../../status/index.ts";

const EMPTY = new Uint8Array(0);

/**
 * Refuses a compressed body: nothing here decodes it, and metadata carry no `content-*`, so that the upstream would take
 * the compressed bytes for the real ones.
 * @throws {StatusError} INVALID_ARGUMENT, reason CONTENT_CODING_UNSUPPORTED. Source: RFC 9110, sections 8.4 and 15.5.16.
 */
export function refuseCodedBody(headers: HeaderList): void {
  const coding = findHeader(headers, "content-encoding");
  if (coding === undefined || coding === "" || coding.toLowerCase() === "identity") return;
  const what = `content-encoding ${JSON.stringify(coding.slice(0, 64))} is not decoded here; send the body as it is`;
  throw new StatusError(gatewayStatus("CONTENT_CODING_UNSUPPORTED", what));
}

/** Gathers the pieces and hands the whole to its owner. */
export class RequestBody implements BodyListener {
  readonly #onBody: (body: Uint8Array) => void;
  readonly #onTooLarge: () => void;
  readonly #chunks: Uint8Array[] = [];
  #byteLength = 0;

  constructor(onBody: (body: Uint8Array) => void, onTooLarge: () => void) {
    this.#onBody = onBody;
    this.#onTooLarge = onTooLarge;
  }

  /** Bytes received so far. */
  get byteLength(): number {
    return this.#byteLength;
  }

  onChunk(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#byteLength += chunk.byteLength;
  }

  onEnd(): void {
    const [first] = this.#chunks;
    if (this.#chunks.length <= 1) this.#onBody(first ?? EMPTY);
    else this.#onBody(Buffer.concat(this.#chunks, this.#byteLength));
  }

  onTooLarge(): void {
    this.#onTooLarge();
  }
}
