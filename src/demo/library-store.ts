/**
 * The demo's books, in memory and bounded. Knows no gRPC; its failures are {@link StatusFault}s.
 */
import { createHash } from "node:crypto";
import { clone, create, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import {
  type Book,
  type BookEvent,
  BookSchema,
  GenreSchema,
  type Loan,
  LoanSchema,
  type Shelf,
  ShelfSchema,
} from "../gen/library/v1/library_pb.ts";
import { bookNameOf, type ChangeListener, ChangeLog } from "./change-log.ts";
import { drawCover } from "./cover-image.ts";
import { ANY_SHELF, idOf, shelfOf } from "./resource-name.ts";
import type { LibrarySeed } from "./seed.ts";
import {
  alreadyExists,
  etagMismatch,
  failedPrecondition,
  invalidArgument,
  notFound,
  outOfRange,
  quotaExceeded,
} from "./status-fault.ts";

const MAX_BOOKS = 2_000;
const MAX_COVER_BYTES_IN_ALL = 64 * 1024 * 1024;
const MAX_LOANS_OF_ONE = 2;

/** A picture with its media type. */
export interface Cover {
  readonly contentType: string;
  readonly bytes: Uint8Array;
}

interface Entry {
  readonly book: Book;
  /** Undefined while the drawn cover serves. */
  readonly cover: Cover | undefined;
  readonly loan: Loan | undefined;
}

/** Shelves and books. Messages that it hands out belong to it and must not be changed. */
export class LibraryStore {
  readonly #now: () => number;
  readonly #shelves: ReadonlyMap<string, string>;
  readonly #entries: Map<string, Entry> = new Map();
  readonly #changes: ChangeLog;
  #uploadedBytes = 0;

  /** `now` gives epoch milliseconds. */
  constructor(seed: LibrarySeed, now: () => number) {
    this.#now = now;
    this.#changes = new ChangeLog(now);
    this.#shelves = new Map(seed.shelves.map((shelf) => [shelf.name, shelf.displayName]));
    for (const init of seed.books) this.insert(create(BookSchema, init));
  }

  /** Counts the changes since the start, the seeded books among them. */
  get revision(): bigint {
    return this.#changes.revision;
  }

  /** All shelves, in the order of the seed. */
  shelves(): Shelf[] {
    return [...this.#shelves.keys()].map((name) => this.shelf(name));
  }

  /** @throws {StatusFault} NOT_FOUND. */
  shelf(name: string): Shelf {
    const displayName = this.#shelves.get(name);
    if (displayName === undefined) throw notFound("library.v1.Shelf", name);
    const books = this.books(name);
    const genreCounts: Record<string, number> = {};
    for (const { genre } of books) {
      const label = GenreSchema.value[genre]?.name ?? String(genre);
      genreCounts[label] = (genreCounts[label] ?? 0) + 1;
    }
    return create(ShelfSchema, { name, displayName, bookCount: books.length, genreCounts });
  }

  /**
   * The books of a shelf, or of all for {@link ANY_SHELF}, ordered by name.
   * @throws {StatusFault} NOT_FOUND for a shelf that does not exist.
   */
  books(parent: string): Book[] {
    this.#requireParent(parent);
    const books: Book[] = [];
    for (const [name, { book }] of this.#entries) {
      if (isUnder(name, parent)) books.push(book);
    }
    return books.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** @throws {StatusFault} NOT_FOUND. */
  book(name: string): Book {
    return this.#entry(name).book;
  }

  /** Fills the output fields of a new book without keeping it. @throws {StatusFault} as {@link insert}. */
  preview(book: Book): Book {
    const parent = shelfOf(book.name);
    if (!this.#shelves.has(parent)) throw notFound("library.v1.Shelf", parent);
    if (this.#entries.has(book.name)) throw alreadyExists("library.v1.Book", book.name);
    if (this.#entries.size >= MAX_BOOKS) {
      throw quotaExceeded("library", `holds no more than ${MAX_BOOKS} books`, undefined);
    }
    return this.#sealed(book, undefined, undefined);
  }

  /**
   * Adds a book under its name; returns it with times, digest and etag.
   * @throws {StatusFault} NOT_FOUND (its shelf), ALREADY_EXISTS, RESOURCE_EXHAUSTED.
   */
  insert(book: Book): Book {
    const sealed = this.preview(book);
    this.#entries.set(sealed.name, { book: sealed, cover: undefined, loan: undefined });
    this.#changes.add({ case: "created", value: sealed });
    return sealed;
  }

  /** Replaces a book by one of the same name. @throws {StatusFault} NOT_FOUND. */
  replace(book: Book): Book {
    const entry = this.#entry(book.name);
    const sealed = this.#sealed(book, entry.book, entry.cover);
    this.#entries.set(sealed.name, { ...entry, book: sealed });
    this.#changes.add({ case: "updated", value: sealed });
    return sealed;
  }

  /** @throws {StatusFault} NOT_FOUND. */
  remove(name: string): void {
    const { cover } = this.#entry(name);
    this.#uploadedBytes -= cover?.bytes.length ?? 0;
    this.#entries.delete(name);
    this.#changes.add({ case: "deleted", value: name });
  }

  /** Moves a book with its cover and loan. @throws {StatusFault} NOT_FOUND (book, shelf), ALREADY_EXISTS. */
  move(name: string, destination: string): Book {
    const entry = this.#entry(name);
    const newName = `${destination}/books/${idOf(name)}`;
    if (!this.#shelves.has(destination)) throw notFound("library.v1.Shelf", destination);
    if (this.#entries.has(newName)) throw alreadyExists("library.v1.Book", newName);
    const renamed = clone(BookSchema, entry.book);
    renamed.name = newName;
    const book = this.#sealed(renamed, entry.book, entry.cover);
    const loan = entry.loan && create(LoanSchema, { ...entry.loan, book: newName });
    this.#entries.delete(name);
    this.#entries.set(newName, { book, cover: entry.cover, loan });
    this.#changes.add({ case: "deleted", value: name });
    this.#changes.add({ case: "created", value: book });
    return book;
  }

  /** The uploaded cover, or a drawn one. @throws {StatusFault} NOT_FOUND. */
  cover(name: string): Cover {
    const { book, cover } = this.#entry(name);
    return coverOf(book, cover);
  }

  /** Keeps a cover. @throws {StatusFault} NOT_FOUND; RESOURCE_EXHAUSTED if all covers together grow too large. */
  setCover(name: string, cover: Cover): Book {
    const entry = this.#entry(name);
    const total = this.#uploadedBytes - (entry.cover?.bytes.length ?? 0) + cover.bytes.length;
    if (total > MAX_COVER_BYTES_IN_ALL)
      throw quotaExceeded("library", "has no room for more covers", undefined);
    this.#uploadedBytes = total;
    const book = this.#sealed(entry.book, entry.book, cover);
    this.#entries.set(name, { ...entry, book, cover });
    this.#changes.add({ case: "updated", value: book });
    return book;
  }

  /**
   * Lends a book; it comes back by itself when it is due.
   * @throws {StatusFault} NOT_FOUND; FAILED_PRECONDITION if it is not lendable or is lent; RESOURCE_EXHAUSTED with
   *   RetryInfo if the borrower holds as many books as one may.
   */
  lend(name: string, borrower: string, periodMs: number): Loan {
    const entry = this.#entry(name);
    const nowMs = this.#now();
    if (entry.book.lendable === false)
      throw failedPrecondition("NOT_LENDABLE", name, "does not leave the house");
    if (isActive(entry.loan, nowMs))
      throw failedPrecondition("LENT", name, `is lent to ${entry.loan?.borrower}`);
    const dueTimes = this.#dueTimesOf(borrower, nowMs);
    if (dueTimes.length >= MAX_LOANS_OF_ONE) {
      const description = `holds ${dueTimes.length} books, and no more are allowed`;
      throw quotaExceeded(`borrower:${borrower}`, description, Math.min(...dueTimes) - nowMs);
    }
    const loan = create(LoanSchema, {
      book: name,
      borrower,
      startTime: timestampFromMs(nowMs),
      dueTime: timestampFromMs(nowMs + periodMs),
    });
    this.#entries.set(name, { ...entry, loan });
    return loan;
  }

  /** Takes a book back. @throws {StatusFault} NOT_FOUND; FAILED_PRECONDITION if it is not lent. */
  giveBack(name: string): void {
    const entry = this.#entry(name);
    if (!isActive(entry.loan, this.#now())) throw failedPrecondition("NOT_LENT", name, "is not lent");
    this.#entries.set(name, { ...entry, loan: undefined });
  }

  /**
   * What a watcher of a shelf, or of all for {@link ANY_SHELF}, has to hear who knows everything up to `revision`; 0 is
   * nothing.
   * @throws {StatusFault} NOT_FOUND for a shelf that does not exist; OUT_OF_RANGE for a revision to begin anew from.
   */
  changesAfter(parent: string, revision: bigint): readonly BookEvent[] {
    this.#requireParent(parent);
    const events = this.#changes.after(revision);
    if (events === undefined) {
      const why = revision > this.revision ? "not reached" : "too long ago";
      throw outOfRange("after_revision", `${revision} is ${why}; watch from the start`);
    }
    return events.filter((event) => isUnder(bookNameOf(event), parent));
  }

  /** Calls `listener` at every change on a shelf, or on all, until the returned function is called. */
  subscribe(parent: string, listener: ChangeListener): () => void {
    return this.#changes.subscribe((event) => {
      if (isUnder(bookNameOf(event), parent)) listener(event);
    });
  }

  #requireParent(parent: string): void {
    if (parent !== ANY_SHELF && !this.#shelves.has(parent)) throw notFound("library.v1.Shelf", parent);
  }

  #entry(name: string): Entry {
    const entry = this.#entries.get(name);
    if (entry === undefined) throw notFound("library.v1.Book", name);
    return entry;
  }

  /** A copy with its output fields set; `previous` is the book that it replaces. */
  #sealed(book: Book, previous: Book | undefined, cover: Cover | undefined): Book {
    const sealed = clone(BookSchema, book);
    const now = timestampFromMs(this.#now());
    sealed.createTime = previous?.createTime ?? now;
    sealed.updateTime = now;
    sealed.coverDigest = sha256(coverOf(book, cover).bytes);
    sealed.etag = "";
    sealed.etag = Buffer.from(sha256(toBinary(BookSchema, sealed)))
      .toString("hex")
      .slice(0, 16);
    return sealed;
  }

  #dueTimesOf(borrower: string, nowMs: number): number[] {
    const times: number[] = [];
    for (const { loan } of this.#entries.values()) {
      if (loan?.dueTime !== undefined && loan.borrower === borrower && isActive(loan, nowMs)) {
        times.push(timestampMs(loan.dueTime));
      }
    }
    return times;
  }
}

/** SHA-256 of a blob. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes).digest();
}

/**
 * Checks that a client knows the present state of a book; an empty etag is one that does not ask.
 * @throws {StatusFault} ABORTED; INVALID_ARGUMENT on `field` for what was never an etag.
 */
export function requireEtag(current: Book, etag: string, field: string): void {
  if (etag.length > 100) throw invalidArgument([{ field, description: "is not an etag" }]);
  if (etag !== "" && etag !== current.etag) throw etagMismatch(current.name, etag, current.etag);
}

function coverOf(book: Book, cover: Cover | undefined): Cover {
  return cover ?? { contentType: "image/png", bytes: drawCover(book.title) };
}

function isActive(loan: Loan | undefined, nowMs: number): boolean {
  return loan?.dueTime !== undefined && timestampMs(loan.dueTime) > nowMs;
}

function isUnder(bookName: string, parent: string): boolean {
  return parent === ANY_SHELF || shelfOf(bookName) === parent;
}
