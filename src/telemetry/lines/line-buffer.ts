/**
 * Lines on their way to a file or a pipe, without anybody waiting: what the destination does not take now is kept up to a
 * limit, and what goes beyond is dropped and counted. Lines of one turn of the event loop share a write.
 */

/** A destination that takes one chunk at a time. */
export interface LineWriter {
  /** Writes all of `chunk`, whole lines, and calls `done` once, later; never called again before that. */
  write(chunk: string, done: (error: Error | undefined) => void): void;
  /** Opens the destination anew, as after a rotation; rejects, and goes on with the old one, if that fails. */
  reopen(): Promise<void>;
  close(): void;
}

/** One log's way into a buffer, with a limit and a count of its own. */
export interface LineChannel {
  /** Takes one line, its end included. */
  write(line: string): void;
  /** Lines that were not written. */
  readonly dropped: number;
}

/** Keeps lines for one writer. */
export class LineBuffer {
  readonly #writer: LineWriter;
  readonly #onFault: (error: Error) => void;
  readonly #channels: Channel[] = [];
  #text = "";
  /** Of `#text` and of the chunk under way. */
  #bytes = 0;
  #state: "idle" | "scheduled" | "writing" = "idle";
  #isFailing = false;
  #waiting: (() => void)[] = [];

  /** `onFault` hears of the first write that fails, and of the next one only after a write that succeeded. */
  constructor(writer: LineWriter, onFault: (error: Error) => void) {
    this.#writer = writer;
    this.#onFault = onFault;
  }

  /** A channel whose lines are dropped where the whole buffer would hold more than `limitBytes`. */
  channel(limitBytes: number): LineChannel {
    const channel = new Channel(limitBytes, (line) => this.#take(channel, line));
    this.#channels.push(channel);
    return channel;
  }

  /** Bytes kept at the moment. */
  get bytes(): number {
    return this.#bytes;
  }

  reopen(): Promise<void> {
    return this.#writer.reopen();
  }

  /** Resolves when all lines have been written, or after `timeoutMs`. */
  async flush(timeoutMs: number): Promise<void> {
    if (this.#state === "idle") return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** Writes what is left, for `timeoutMs` at most, and closes the writer. */
  async close(timeoutMs: number): Promise<void> {
    await this.flush(timeoutMs);
    this.#writer.close();
  }

  #take(channel: Channel, line: string): void {
    const size = Buffer.byteLength(line);
    if (this.#bytes + size > channel.limitBytes) {
      channel.dropped++;
      return;
    }
    this.#bytes += size;
    channel.kept++;
    this.#text += line;
    if (this.#state !== "idle") return;
    this.#state = "scheduled";
    setImmediate(() => this.#write());
  }

  #write(): void {
    const chunk = this.#text;
    const bytes = this.#bytes;
    this.#text = "";
    this.#state = "writing";
    for (const channel of this.#channels) channel.startWriting();
    this.#writer.write(chunk, (error) => {
      this.#bytes -= bytes;
      this.#note(error);
      if (this.#text !== "") {
        this.#write();
        return;
      }
      this.#state = "idle";
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const wake of waiting) wake();
    });
  }

  #note(error: Error | undefined): void {
    for (const channel of this.#channels) channel.endWriting(error === undefined ? "written" : "lost");
    if (error !== undefined && !this.#isFailing) this.#onFault(error);
    this.#isFailing = error !== undefined;
  }
}

class Channel implements LineChannel {
  readonly limitBytes: number;
  readonly write: (line: string) => void;
  dropped = 0;
  /** Lines that wait for their chunk. */
  kept = 0;
  #writing = 0;

  constructor(limitBytes: number, write: (line: string) => void) {
    this.limitBytes = limitBytes;
    this.write = write;
  }

  startWriting(): void {
    this.#writing = this.kept;
    this.kept = 0;
  }

  endWriting(outcome: "written" | "lost"): void {
    if (outcome === "lost") this.dropped += this.#writing;
    this.#writing = 0;
  }
}
