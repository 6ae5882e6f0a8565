/**
 * A request body with one content coding taken off, as it arrives:
 *
 *     source --coded--> decoder (on zlib's threads) --plain--> sink
 *
 * Back-pressure goes through: a sink that holds stops the decoder, and a decoder that is behind stops the source. What
 * waits is one piece of the source and, behind the decoder, two of its own chunks. Several codings are several of these,
 * one on top of the other.
 *
 * A bomb, a short body that becomes a long one, is stopped where it crosses the limit for the whole, or becomes more than
 * `maxRatio` times what has come of it so far. Nothing is decoded behind that point.
 */
import { gatewayStatus, StatusError } from "../../status/index.ts";
import type { BodySink, BodySource } from "./body-source.ts";
import type { CodingTotals } from "./coding-totals.ts";
import { createDecoder, type Decoder, type RequestCoding } from "./content-coding.ts";

/** The first bytes may come from a body as dense as it likes: sparse ones are only worth a word when they are many. */
const FREE_BYTES: number = 2 ** 20;

/** How bodies are decoded. */
export interface DecodedBodyOptions {
  readonly coding: RequestCoding;
  readonly maxRatio: number;
  readonly totals: CodingTotals;
}

/** Decodes one body. */
export class DecodedBody implements BodySource, BodySink {
  readonly #source: BodySource;
  readonly #options: DecodedBodyOptions;
  readonly #decoder: Decoder;
  #sink: BodySink | undefined;
  #limitBytes = 0;
  #codedBytes = 0;
  #plainBytes = 0;
  #isOver = false;

  constructor(source: BodySource, options: DecodedBodyOptions) {
    this.#source = source;
    this.#decoder = createDecoder(options.coding);
    this.#options = options;
  }

  readBody(limitBytes: number, sink: BodySink): void {
    this.#limitBytes = limitBytes;
    this.#sink = sink;
    const decoder = this.#decoder;
    decoder.on("data", (chunk: Buffer) => this.#onPlain(chunk));
    decoder.on("drain", () => {
      if (!this.#isOver) this.#source.resumeBody();
    });
    decoder.on("end", () => this.#onPlainEnd());
    decoder.on("error", (error: Error) => this.#onDecoderError(error));
    this.#source.readBody(longestCoded(limitBytes), this);
  }

  pauseBody(): void {
    if (!this.#isOver) this.#decoder.pause();
  }

  resumeBody(): void {
    if (!this.#isOver) this.#decoder.resume();
  }

  /** The request is over: nothing is decoded or told any more. */
  release(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#decoder.destroy();
    this.#options.totals.add("request", this.#options.coding, this.#codedBytes, this.#plainBytes);
  }

  onChunk(chunk: Uint8Array): void {
    if (this.#isOver) return;
    this.#codedBytes += chunk.byteLength;
    if (!this.#decoder.write(chunk)) this.#source.pauseBody();
  }

  onEnd(): void {
    if (this.#isOver) return;
    if (this.#codedBytes > 0) {
      this.#decoder.end();
      return;
    }
    // No body at all is none in any coding.
    this.release();
    this.#sink?.onEnd();
  }

  onTooLarge(): void {
    if (this.#isOver) return;
    this.release();
    this.#sink?.onTooLarge();
  }

  onBroken(error: StatusError): void {
    if (this.#isOver) return;
    this.release();
    this.#sink?.onBroken(error);
  }

  #onPlain(chunk: Buffer): void {
    if (this.#isOver) return;
    this.#plainBytes += chunk.byteLength;
    if (this.#plainBytes > this.#limitBytes) this.onTooLarge();
    else if (this.#plainBytes > FREE_BYTES && this.#plainBytes > this.#codedBytes * this.#options.maxRatio) {
      const { coding, maxRatio } = this.#options;
      const what = `content-encoding ${coding}: the body becomes more than ${maxRatio} times as long as it came`;
      this.onBroken(new StatusError(gatewayStatus("BODY_TOO_LARGE", what)));
    } else this.#sink?.onChunk(chunk);
  }

  #onPlainEnd(): void {
    if (this.#isOver) return;
    if (this.#decoder.bytesWritten < this.#codedBytes) {
      this.#breakOff(`the body goes on after its end, ${this.#decoder.bytesWritten} bytes in`);
      return;
    }
    this.release();
    this.#sink?.onEnd();
  }

  #onDecoderError(error: Error): void {
    const isShort = "code" in error && error.code === "Z_BUF_ERROR";
    this.#breakOff(isShort ? "the body ends too early" : `the body is not in it (${error.message})`);
  }

  #breakOff(what: string): void {
    const text = `content-encoding ${this.#options.coding}: ${what}`;
    this.onBroken(new StatusError(gatewayStatus("CONTENT_CODING_INVALID", text)));
  }
}

/** The longest body that may come out with `limitBytes`: one that cannot be compressed gains some bytes. */
function longestCoded(limitBytes: number): number {
  return limitBytes + Math.floor(limitBytes / 64) + 1024;
}
