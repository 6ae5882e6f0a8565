/**
 * Finds the end of one HTTP/1.1 reply in the bytes of a connection, without keeping them: by `Content-Length` or by
 * chunks, cut anywhere. For load generators; replies are those of servers under test, one at a time.
 */

type Place = "head" | "body" | "chunk size" | "chunk" | "chunk end" | "trailers" | "done";

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const HEAD_END = "\r\n\r\n";
const MAX_HEAD_BYTES = 64 * 1024;
const MAX_EXCERPT = 500;

/** Reads replies, one after the other; {@link ReplyFramer.reset} between two. */
export class ReplyFramer {
  #place: Place = "head";
  #head = "";
  /** Bytes of the body or chunk that are to come. */
  #left = 0;
  #chunkSize = "";
  #lineLength = 0;
  #status = 0;
  #bodyBytes = 0;
  #excerpt = "";

  /** HTTP status; 0 while the head is incomplete. */
  get status(): number {
    return this.#status;
  }

  /** Bytes of the body so far, without chunk framing. */
  get bodyBytes(): number {
    return this.#bodyBytes;
  }

  /** The beginning of the body of a reply that is not 200, to say what went wrong. */
  get excerpt(): string {
    return this.#excerpt;
  }

  reset(): void {
    this.#place = "head";
    this.#head = "";
    this.#left = 0;
    this.#chunkSize = "";
    this.#lineLength = 0;
    this.#status = 0;
    this.#bodyBytes = 0;
    this.#excerpt = "";
  }

  /**
   * Takes the next bytes; true once the reply is whole.
   * @throws {Error} if the reply has no framing, a broken one, or is followed by more.
   */
  take(bytes: Buffer): boolean {
    let at = 0;
    while (at < bytes.length) {
      switch (this.#place) {
        case "head":
          at = this.#takeHead(bytes);
          break;
        case "body":
        case "chunk":
          at = this.#takeBody(bytes, at);
          break;
        case "chunk size":
          at = this.#takeChunkSize(bytes, at);
          break;
        case "chunk end":
          if (bytes[at++] === LINE_FEED) this.#place = "chunk size";
          break;
        case "trailers":
          at = this.#takeTrailers(bytes, at);
          break;
        case "done":
          throw new Error("bytes behind the end of a reply");
      }
    }
    return this.#place === "done";
  }

  #takeHead(bytes: Buffer): number {
    const before = this.#head.length;
    this.#head += bytes.toString("latin1", 0, Math.min(bytes.length, MAX_HEAD_BYTES));
    const end = this.#head.indexOf(HEAD_END);
    if (end === -1) {
      if (this.#head.length >= MAX_HEAD_BYTES) throw new Error("a reply's head is too long");
      return bytes.length;
    }
    const head = this.#head.slice(0, end);
    this.#status = Number(head.slice(9, 12));
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    if (length !== undefined) {
      this.#left = Number(length);
      this.#place = this.#left === 0 ? "done" : "body";
    } else if (/\r\ntransfer-encoding: *chunked/i.test(head)) {
      this.#place = "chunk size";
    } else {
      throw new Error(`a reply without Content-Length or chunks: ${head}`);
    }
    return end + HEAD_END.length - before;
  }

  #takeBody(bytes: Buffer, at: number): number {
    const count = Math.min(this.#left, bytes.length - at);
    if (this.#status !== 200 && this.#excerpt.length < MAX_EXCERPT) {
      this.#excerpt += bytes.toString("latin1", at, at + Math.min(count, MAX_EXCERPT));
    }
    this.#left -= count;
    this.#bodyBytes += count;
    if (this.#left === 0) this.#place = this.#place === "body" ? "done" : "chunk end";
    return at + count;
  }

  #takeChunkSize(bytes: Buffer, start: number): number {
    const end = bytes.indexOf(LINE_FEED, start);
    this.#chunkSize += bytes.toString("latin1", start, end === -1 ? bytes.length : end);
    if (end === -1) return bytes.length;
    this.#left = Number.parseInt(this.#chunkSize, 16);
    if (Number.isNaN(this.#left)) throw new Error(`a chunk of size ${JSON.stringify(this.#chunkSize)}`);
    this.#chunkSize = "";
    this.#place = this.#left === 0 ? "trailers" : "chunk";
    return end + 1;
  }

  /** Trailers end with an empty line. */
  #takeTrailers(bytes: Buffer, start: number): number {
    for (let at = start; at < bytes.length; at++) {
      const byte = bytes[at];
      if (byte === LINE_FEED) {
        if (this.#lineLength === 0) {
          this.#place = "done";
          return at + 1;
        }
        this.#lineLength = 0;
      } else if (byte !== CARRIAGE_RETURN) {
        this.#lineLength += 1;
      }
    }
    return bytes.length;
  }
}
