/**
 * The handlers of `library.v1.LibraryService`, over a {@link LibraryStore}.
 * What each method does is written in descriptors/protos/library/v1/library.proto.
 */
import { clone, create } from "@bufbuild/protobuf";
import { durationFromMs, durationMs, timestampMs } from "@bufbuild/protobuf/wkt";
import {
  type Book,
  BookSchema,
  type CreateBookRequest,
  type ExportBookResponse,
  ExportBookResponseSchema,
  GenreSchema,
  type LibraryService,
  type ListBooksRequest,
  type ListBooksResponse,
  ListBooksResponseSchema,
  type SearchBooksRequest,
  type UpdateBookRequest,
  type UploadCoverRequest,
} from "../gen/library/v1/library_pb.ts";
import { parseBookFilter } from "./book-filter.ts";
import { requireValidBook } from "./book-rules.ts";
import { type SearchResult, searchBooks } from "./book-search.ts";
import { describeCall } from "./call-metadata.ts";
import { applyFieldMask } from "./field-mask.ts";
import type { Handlers } from "./grpc-service.ts";
import { homePage } from "./home-page.ts";
import { type LibraryStore, requireEtag, sha256 } from "./library-store.ts";
import { chat, importBooks, watchBooks } from "./library-streams.ts";
import { pageTokenAfter, readPageToken } from "./page-token.ts";
import { ReadingRoom } from "./reading-room.ts";
import {
  idOf,
  isResourceId,
  requireBookName,
  requireShelfName,
  requireShelfPattern,
} from "./resource-name.ts";
import { invalidArgument, quote } from "./status-fault.ts";

const MAX_COVER_BYTES = 1024 * 1024;
const MAX_WAIT_MS = 60_000;
const DAY_MS = 86_400_000;
const IMAGE_TYPES: readonly string[] = ["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"];
/** Set by the server alone; in an update they are ignored, so that a book can be read, changed and sent back. */
const OUTPUT_FIELDS: ReadonlySet<string> = new Set([
  "name",
  "cover_digest",
  "create_time",
  "update_time",
  "etag",
]);

/** What the service takes from its surroundings. */
export interface LibraryDependencies {
  readonly store: LibraryStore;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** A new id, fit for a resource name. */
  readonly newId: () => string;
  /** Resolves after `ms`; may reject once `signal` is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Handlers for every method. */
export function libraryHandlers(
  dependencies: LibraryDependencies,
): Handlers<(typeof LibraryService)["method"]> {
  const { store, now, newId, sleep } = dependencies;
  const readingRoom = new ReadingRoom(now);
  return {
    listShelves: () => ({ shelves: store.shelves() }),
    getShelf: (request) => store.shelf(requireShelfName(request.name, "name")),
    listBooks: (request) => listBooks(store, request),
    searchBooks: (request) => ({ results: search(store, request) }),
    getBook: (request) => store.book(requireBookName(request.name, "name")),
    createBook: (request) => createBook(store, request, newId),
    updateBook: (request) => updateBook(store, request),
    deleteBook: (request) => {
      const book = store.book(requireBookName(request.name, "name"));
      requireEtag(book, request.etag, "etag");
      store.remove(book.name);
      return {};
    },
    moveBook: (request) => {
      const destination = requireShelfName(request.destination, "destination");
      return store.move(requireBookName(request.name, "name"), destination);
    },
    borrowBook: (request) => {
      const name = requireBookName(request.name, "name");
      const periodMs = request.period === undefined ? 28 * DAY_MS : durationMs(request.period);
      if (request.borrower.trim() === "" || request.borrower.length > 100) {
        throw invalidArgument([{ field: "borrower", description: "is required, in at most 100 characters" }]);
      }
      if (periodMs <= 0 || periodMs > 60 * DAY_MS) {
        throw invalidArgument([{ field: "period", description: "is not between 0 and 60 days" }]);
      }
      return store.lend(name, request.borrower, periodMs);
    },
    returnBook: (request) => {
      store.giveBack(requireBookName(request.name, "name"));
      return {};
    },
    getCover: (request) => {
      const cover = store.cover(requireBookName(request.name, "name"));
      return { contentType: cover.contentType, data: cover.bytes };
    },
    uploadCover: (request) => uploadCover(store, request),
    exportBook: (request) => exportBook(store.book(requireBookName(request.name, "name"))),
    watchBooks: (request, call) => watchBooks(store, request, call),
    importBooks: (requests) => importBooks(store, requests, newId),
    chat: (requests) => chat(store, requests),
    talk: (requests, call) => readingRoom.talk(requests, call),
    wait: async (request, call) => {
      const startMs = now();
      const delayMs = request.delay === undefined ? 0 : durationMs(request.delay);
      if (delayMs < 0 || delayMs > MAX_WAIT_MS) {
        throw invalidArgument([{ field: "delay", description: "is not between 0 s and 60 s" }]);
      }
      await sleep(delayMs, call.signal);
      return { waited: durationFromMs(now() - startMs) };
    },
    inspectCall: (_request, call) => describeCall(call, now()),
    getHomePage: (_request, call) => homePage(call.headers),
  };
}

function listBooks(store: LibraryStore, request: ListBooksRequest): ListBooksResponse {
  const parent = requireShelfPattern(request.parent, "parent");
  const pageSize = pageSizeOf(request.pageSize, "page_size", 25);
  const filter = parseBookFilter(request.filter);
  const after = readPageToken(request.pageToken, [parent, request.filter]);
  const matching = store.books(parent).filter(filter);
  const rest = matching.filter((book) => book.name > after);
  const books = rest.slice(0, pageSize);
  const last = books.at(-1);
  const hasMore = rest.length > books.length && last !== undefined;
  return create(ListBooksResponseSchema, {
    books,
    nextPageToken: hasMore ? pageTokenAfter(last.name, [parent, request.filter]) : "",
    totalSize: matching.length,
  });
}

function search(store: LibraryStore, request: SearchBooksRequest): SearchResult[] {
  if (request.query.trim() === "" || request.query.length > 200) {
    throw invalidArgument([{ field: "query", description: "is required, in at most 200 characters" }]);
  }
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = request.pages ?? {};
  if (min > max) {
    throw invalidArgument([{ field: "pages", description: `min ${min} is more than max ${max}` }]);
  }
  const limit = pageSizeOf(request.limit, "limit", 10);
  const sinceMs = request.addedSince === undefined ? 0 : timestampMs(request.addedSince);
  const candidates = store.books("shelves/-").filter((book) => {
    const addedMs = book.createTime === undefined ? 0 : timestampMs(book.createTime);
    const isGenreWanted = request.genres.length === 0 || request.genres.includes(book.genre);
    return isGenreWanted && book.pageCount >= min && book.pageCount <= max && addedMs >= sinceMs;
  });
  return searchBooks(candidates, request.query).slice(0, limit);
}

function createBook(store: LibraryStore, request: CreateBookRequest, newId: () => string): Book {
  const parent = requireShelfName(request.parent, "parent");
  if (request.book === undefined) throw invalidArgument([{ field: "book", description: "is required" }]);
  requireValidBook(request.book);
  const id = request.bookId === "" ? newId() : request.bookId;
  if (!isResourceId(id)) {
    const description = `${quote(id)} is not 1 to 63 of a-z, 0-9 and inner hyphens`;
    throw invalidArgument([{ field: "book_id", description }]);
  }
  request.book.name = `${parent}/books/${id}`;
  return request.validateOnly ? store.preview(request.book) : store.insert(request.book);
}

function updateBook(store: LibraryStore, request: UpdateBookRequest): Book {
  const change = request.book;
  if (change === undefined) throw invalidArgument([{ field: "book", description: "is required" }]);
  const current = store.book(requireBookName(change.name, "book.name"));
  const paths = request.updateMask?.paths ?? [];
  if (paths.length === 0) {
    throw invalidArgument([
      { field: "update_mask", description: "is required; name the fields to change, or *" },
    ]);
  }
  requireEtag(current, change.etag, "book.etag");
  const updated = clone(BookSchema, current);
  const isWhole = paths.includes("*");
  if (isWhole && paths.length > 1) {
    throw invalidArgument([{ field: "update_mask", description: "has * beside other paths" }]);
  }
  const named = isWhole ? BookSchema.fields.map((field) => field.name) : paths;
  const wanted = named.filter((path) => !OUTPUT_FIELDS.has(path.split(".", 1)[0] ?? ""));
  const unknown = applyFieldMask(BookSchema, updated, change, wanted);
  if (unknown.length > 0) {
    const description = `${quote(unknown[0] ?? "")} is not a field of a book`;
    throw invalidArgument([{ field: "update_mask", description }]);
  }
  requireValidBook(updated);
  return store.replace(updated);
}

function uploadCover(store: LibraryStore, request: UploadCoverRequest) {
  const name = requireBookName(request.name, "name");
  const bytes = request.image?.data ?? new Uint8Array(0);
  // "image/PNG; q=1" is an image/png as well.
  const contentType = (request.image?.contentType ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
  if (!IMAGE_TYPES.includes(contentType)) {
    const description = `${quote(contentType)} is not one of ${IMAGE_TYPES.join(", ")}`;
    throw invalidArgument([{ field: "image.content_type", description }]);
  }
  if (bytes.length === 0 || bytes.length > MAX_COVER_BYTES) {
    const description = `${bytes.length} bytes are not between 1 and ${MAX_COVER_BYTES}`;
    throw invalidArgument([{ field: "image.data", description }]);
  }
  const book = store.setCover(name, { contentType, bytes });
  return { contentType, sizeBytes: BigInt(bytes.length), digest: book.coverDigest };
}

function exportBook(book: Book): ExportBookResponse {
  const genre = GenreSchema.value[book.genre]?.name ?? String(book.genre);
  const lines = [
    `# ${book.title}`,
    "",
    ...(book.subtitle === undefined ? [] : [`*${book.subtitle}*`, ""]),
    `- by ${book.authors.map((author) => author.displayName).join(", ") || "unknown"}`,
    `- ${genre.toLowerCase()}, ${book.pageCount} pages`,
    ...(book.isbn === "" ? [] : [`- ISBN ${book.isbn}`]),
    `- accession ${book.accessionNumber}, card ${idOf(book.name)}`,
    "",
  ];
  const data = Buffer.from(lines.join("\n"));
  return create(ExportBookResponseSchema, {
    card: { contentType: "text/markdown; charset=utf-8", data },
    digest: sha256(data),
  });
}

/** AIP-158: 0 means the default, more than 100 means 100, negative is an error. */
function pageSizeOf(asked: number, field: string, byDefault: number): number {
  if (asked < 0) throw invalidArgument([{ field, description: `${asked} is negative` }]);
  return asked === 0 ? byDefault : Math.min(asked, 100);
}
