/**
 * The memory of long messages, used again.
 *
 * Memory of its own for each of them costs more than all else that is done with it: the system gives it page by page,
 * zeroed, and as V8 counts what lies outside of its heap, it collects the whole heap every 64 MB (docs/benchmarks.md).
 *
 * Who holds a message and surely knows that nobody reads it any more, or a view of it, may give it back. All others leave
 * it to the garbage collection, as they would any message.
 */

/** Shorter messages are not worth it. */
export const LONG_MESSAGE_BYTES: number = 64 * 1024;
/** What is kept at most. */
const MAX_FREE_BYTES = 64 * 1024 * 1024;
/** What was not needed for so long is let go. */
const TRIM_MS = 1000;

/** Memory for messages of {@link LONG_MESSAGE_BYTES} and more. */
export class MessageMemory {
  /** The one given back last is last. */
  readonly #free: ArrayBufferLike[] = [];
  /** Each loan is a view of its own, so that one which was given back says nothing of the next loan of its memory. */
  readonly #loans = new WeakSet<Uint8Array>();
  #freeBytes = 0;
  /** How many of the free have been so since the last trimming: those in front. */
  #unused = 0;
  #timer: NodeJS.Timeout | undefined = undefined;

  /** What is kept for later. */
  get freeBytes(): number {
    return this.#freeBytes;
  }

  /** Memory of this length; what it holds is of old. */
  take(length: number): Buffer {
    const memory = this.#takeFree(length) ?? Buffer.allocUnsafeSlow(roundedUp(length)).buffer;
    const loan = Buffer.from(memory, 0, length);
    this.#loans.add(loan);
    return loan;
  }

  /** Takes back what `take` gave; nothing happens with any other bytes, nor if that has been given back already. */
  giveBack(loan: Uint8Array): void {
    if (loan.length < LONG_MESSAGE_BYTES || !this.#loans.delete(loan)) return;
    const { buffer } = loan;
    if (this.#freeBytes + buffer.byteLength > MAX_FREE_BYTES) return;
    this.#free.push(buffer);
    this.#freeBytes += buffer.byteLength;
    this.#timer ??= setInterval(() => this.#trim(), TRIM_MS).unref();
  }

  /** Of the free, the one given back last that fits, and wastes no more than a quarter. */
  #takeFree(length: number): ArrayBufferLike | undefined {
    const index = this.#free.findLastIndex(
      ({ byteLength }) => byteLength >= length && byteLength <= length * 1.25,
    );
    if (index < 0) return undefined;
    const [memory] = this.#free.splice(index, 1);
    this.#freeBytes -= memory?.byteLength ?? 0;
    this.#unused = Math.min(this.#unused, index);
    return memory;
  }

  #trim(): void {
    for (const { byteLength } of this.#free.splice(0, this.#unused)) this.#freeBytes -= byteLength;
    this.#unused = this.#free.length;
    if (this.#unused > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** The memory of all connections: what one does not need another can have. */
export const messageMemory: MessageMemory = new MessageMemory();

/** To eighths of a power of two, so that messages of about one length can have the memory of each other. */
function roundedUp(length: number): number {
  const step = 2 ** (Math.floor(Math.log2(length)) - 3);
  return Math.ceil(length / step) * step;
}
