/**
 * The streaming methods of the library that are about books: watch, import and chat with the librarian.
 */
import { create } from "@bufbuild/protobuf";
import {
  type BookEvent,
  type ChatRequest,
  type ChatResponse,
  ChatResponseSchema,
  type ImportBooksRequest,
  type ImportBooksResponse,
  ImportBooksResponseSchema,
  type WatchBooksRequest,
} from "../gen/library/v1/library_pb.ts";
import { Code } from "../status/index.ts";
import { bookFaults } from "./book-rules.ts";
import { searchBooks } from "./book-search.ts";
import { EventQueue } from "./event-queue.ts";
import type { CallContext } from "./grpc-service.ts";
import type { LibraryStore } from "./library-store.ts";
import { ANY_SHELF, requireShelfName, requireShelfPattern } from "./resource-name.ts";
import { faultOf, invalidArgument, StatusFault } from "./status-fault.ts";

const MAX_PENDING_EVENTS = 1_000;
const MAX_IMPORT = 1_000;

/**
 * Checks the request at once, then gives the events.
 * @throws {StatusFault} INVALID_ARGUMENT, NOT_FOUND, OUT_OF_RANGE; from the iterable RESOURCE_EXHAUSTED for a reader who is too slow.
 */
export function watchBooks(
  store: LibraryStore,
  request: WatchBooksRequest,
  call: CallContext,
): AsyncIterable<BookEvent> {
  const parent = requireShelfPattern(request.parent, "parent");
  for (const [field, value] of [
    ["limit", request.limit],
    ["after_revision", request.afterRevision],
  ] as const) {
    if (value < 0) throw invalidArgument([{ field, description: `${value} is negative` }]);
  }
  const limit = request.limit === 0 ? Number.POSITIVE_INFINITY : request.limit;
  const missed = store.changesAfter(parent, request.afterRevision);
  return limited(eventsOf(store, parent, missed, call), limit);
}

async function* eventsOf(
  store: LibraryStore,
  parent: string,
  missed: readonly BookEvent[],
  call: CallContext,
): AsyncIterable<BookEvent> {
  const queue = new EventQueue<BookEvent>(MAX_PENDING_EVENTS);
  // The body of a generator starts at the first read, in the same turn in which `missed` was gathered.
  const unsubscribe = store.subscribe(parent, (event) => queue.push(event));
  try {
    yield* missed;
    yield* queue.events(call.signal);
  } finally {
    unsubscribe();
  }
}

async function* limited<T>(items: AsyncIterable<T>, limit: number): AsyncIterable<T> {
  let sent = 0;
  for await (const item of items) {
    yield item;
    if (++sent >= limit) return;
  }
}

/**
 * Takes books until the stream ends. A faulty book is reported in the reply.
 * @throws {StatusFault} INVALID_ARGUMENT without a message or a good parent, NOT_FOUND, RESOURCE_EXHAUSTED.
 */
export async function importBooks(
  store: LibraryStore,
  requests: AsyncIterable<ImportBooksRequest>,
  newId: () => string,
): Promise<ImportBooksResponse> {
  const reply = create(ImportBooksResponseSchema);
  let parent: string | undefined;
  let index = 0;
  for await (const request of requests) {
    parent ??= store.shelf(requireShelfName(request.parent, "parent")).name;
    if (index >= MAX_IMPORT) {
      const description = `more than ${MAX_IMPORT} books in one stream`;
      throw new StatusFault(Code.RESOURCE_EXHAUSTED, description, []);
    }
    const outcome = importOne(store, request, `${parent}/books/${newId()}`);
    if (typeof outcome === "string") reply.names.push(outcome);
    else reply.faults[index] = outcome.fault;
    index++;
  }
  if (parent === undefined) throw invalidArgument([{ field: "parent", description: "the stream was empty" }]);
  return reply;
}

/** The name of the new book, or why there is none. */
function importOne(
  store: LibraryStore,
  request: ImportBooksRequest,
  name: string,
): string | { fault: string } {
  if (request.book === undefined) return { fault: "book: is required" };
  const faults = bookFaults(request.book);
  if (faults.length > 0) {
    return { fault: faults.map(({ field, description }) => `${field}: ${description}`).join("; ") };
  }
  try {
    request.book.name = name;
    return store.insert(request.book).name;
  } catch (error) {
    return { fault: faultOf(error).message };
  }
}

/** Answers every message as it comes. */
export async function* chat(
  store: LibraryStore,
  requests: AsyncIterable<ChatRequest>,
): AsyncIterable<ChatResponse> {
  let turn = 0;
  for await (const { text } of requests) {
    turn++;
    const found = searchBooks(store.books(ANY_SHELF), text.slice(0, 200)).slice(0, 5);
    const best = found[0];
    yield create(ChatResponseSchema, {
      turn,
      text: best === undefined ? "I know of nothing like that." : `You may like ${best.book.title}.`,
      books: found.map(({ book }) => book.name),
    });
  }
}
