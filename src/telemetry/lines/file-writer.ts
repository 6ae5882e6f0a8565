/**
 * Writes lines to a file by its descriptor, off the event loop. A file that is opened by its path can be opened anew, after
 * logrotate has moved it away.
 */
import { constants, write } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { open } from "node:fs/promises";
import type { LineWriter } from "./line-buffer.ts";

/**
 * Never truncates, and never waits: opening a named pipe that nobody reads fails at once, writing into a full one is tried
 * again.
 */
const FLAGS: number = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK;
const MODE = 0o640;
/** How long a full pipe is left alone. */
const FULL_PAUSE_MS = 20;

/** Opens a file by its path. Rejects where it cannot be written. */
export async function openFileWriter(path: string): Promise<LineWriter> {
  const openIt = (): Promise<FileHandle> => open(path, FLAGS, MODE);
  return new FileWriter(await openIt(), openIt);
}

/** A writer to a descriptor that is open already, such as that of standard output; it stays open. */
export function descriptorWriter(descriptor: number): LineWriter {
  return new FileWriter({ fd: descriptor }, undefined);
}

/** What a FileWriter needs of a FileHandle. */
type Target = Pick<FileHandle, "fd"> & Partial<Pick<FileHandle, "close">>;

class FileWriter implements LineWriter {
  readonly #open: (() => Promise<FileHandle>) | undefined;
  #target: Target;
  /** Takes the place of `#target` before the next chunk. */
  #next: Target | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** While a full pipe is left alone. */
  #retry: (() => void) | undefined;
  #isWriting = false;
  #isClosed = false;
  /** A chunk broke off within a line: the next one must not go on with it. */
  #isTorn = false;

  constructor(target: Target, open: (() => Promise<FileHandle>) | undefined) {
    this.#target = target;
    this.#open = open;
  }

  write(chunk: string, done: (error: Error | undefined) => void): void {
    this.#isWriting = true;
    this.#swap();
    this.#writeFrom(Buffer.from(this.#isTorn ? `\n${chunk}` : chunk), 0, done);
  }

  async reopen(): Promise<void> {
    if (this.#open === undefined || this.#isClosed) return;
    const opened = await this.#open();
    this.#release(this.#next);
    this.#next = opened;
    if (!this.#isWriting) this.#swap();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    // The last time: what does not go now is lost.
    this.#retry?.();
    this.#release(this.#next);
    this.#next = undefined;
    // A write under way keeps its descriptor until it has ended.
    if (!this.#isWriting) this.#release(this.#target);
  }

  #writeFrom(bytes: Buffer, from: number, done: (error: Error | undefined) => void): void {
    write(this.#target.fd, bytes, from, bytes.length - from, null, (error, written) => {
      if (error !== null && error.code === "EAGAIN" && !this.#isClosed) {
        this.#retry = () => {
          this.#retry = undefined;
          this.#writeFrom(bytes, from, done);
        };
        this.#timer = setTimeout(this.#retry, FULL_PAUSE_MS);
        return;
      }
      const at = from + (error === null ? written : 0);
      if (error === null && at < bytes.length) {
        this.#writeFrom(bytes, at, done);
        return;
      }
      this.#isTorn = error === null ? false : this.#isTorn || (at > 0 && bytes[at - 1] !== NEWLINE);
      this.#isWriting = false;
      if (this.#isClosed) this.#release(this.#target);
      done(error ?? undefined);
    });
  }

  #swap(): void {
    if (this.#next === undefined) return;
    this.#release(this.#target);
    this.#target = this.#next;
    this.#next = undefined;
    this.#isTorn = false;
  }

  /** What closing could still report concerns a file that nobody writes to any more. */
  #release(target: Target | undefined): void {
    target?.close?.().catch(() => {});
  }
}

const NEWLINE = 0x0a;
