/**
 * What the upstream of the benchmarks answers: one message per method of the library (descriptors/protos/library).
 */
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { HttpBodySchema } from "../src/gen/google/api/httpbody_pb.ts";
import {
  type Book,
  BookEventSchema,
  BookSchema,
  ListBooksResponseSchema,
  ShelfSchema,
} from "../src/gen/library/v1/library_pb.ts";

/** How long the image is that GetCover answers, in bytes. */
const COVER_BYTES = 1_000_000;

const FIELDS: MessageInitShape<typeof BookSchema> = {
  name: "shelves/1/books/frankenstein",
  title: "Frankenstein; or, The Modern Prometheus",
  authors: [{ displayName: "Mary Shelley", birthYear: 1797 }],
  isbn: "9780141439471",
  pageCount: 273,
  accessionNumber: 9007199254740993n,
  labels: { century: "19", language: "en" },
  etag: "e0a8a8e0c04f7bee",
};
const BOOK: Book = create(BookSchema, FIELDS);

/** A book whose JSON has 2 kB: what CreateBook is sent and answers. */
export const LARGE_BOOK: Book = create(BookSchema, {
  ...FIELDS,
  authors: Array.from({ length: 12 }, (_, index) => ({
    displayName: `Contributor number ${index} to the annotated edition`,
    birthYear: 1797 + index,
  })),
  labels: Object.fromEntries(
    Array.from({ length: 16 }, (_, index) => [`label-${index}`, `a value of some length, the ${index}th`]),
  ),
});

/** The reply of each method in binary, by the method's name. WatchBooks sends its message as often as it is asked to. */
export const LIBRARY_REPLIES: ReadonlyMap<string, Uint8Array> = new Map([
  ["GetShelf", toBinary(ShelfSchema, create(ShelfSchema, { name: "shelves/1" }))],
  ["GetBook", toBinary(BookSchema, BOOK)],
  ["CreateBook", toBinary(BookSchema, LARGE_BOOK)],
  [
    "ListBooks",
    toBinary(
      ListBooksResponseSchema,
      create(ListBooksResponseSchema, { books: Array.from({ length: 125 }, () => BOOK) }),
    ),
  ],
  [
    "GetCover",
    toBinary(
      HttpBodySchema,
      create(HttpBodySchema, {
        contentType: "image/png",
        data: Uint8Array.from({ length: COVER_BYTES }, (_, index) => (index * 31) & 0xff),
      }),
    ),
  ],
  [
    "WatchBooks",
    toBinary(
      BookEventSchema,
      create(BookEventSchema, {
        revision: 4711n,
        time: timestampFromMs(1_700_000_000_000),
        event: { case: "deleted", value: "shelves/1/books/frankenstein" },
      }),
    ),
  ],
]);
