/**
 * The books that the demo starts with.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type BookSchema, Genre } from "../gen/library/v1/library_pb.ts";

/** Shelves and books of a new library. */
export interface LibrarySeed {
  readonly shelves: readonly { readonly name: string; readonly displayName: string }[];
  /** Each with its full name; output fields are overwritten. */
  readonly books: readonly MessageInitShape<typeof BookSchema>[];
}

/** Three shelves with ten books out of copyright. */
export const DEFAULT_SEED: LibrarySeed = {
  shelves: [
    { name: "shelves/1", displayName: "Novels" },
    { name: "shelves/2", displayName: "Poems and plays" },
    { name: "shelves/3", displayName: "Science and essays" },
  ],
  books: [
    {
      name: "shelves/1/books/frankenstein",
      title: "Frankenstein",
      subtitle: "The Modern Prometheus",
      authors: [{ displayName: "Mary Shelley", birthYear: 1797 }],
      genre: Genre.NOVEL,
      isbn: "9780141439471",
      pageCount: 273,
      accessionNumber: 9007199254740993n,
      rating: 4.5,
      lendable: true,
      readingTime: { seconds: 28_800n },
      labels: { century: "19", language: "en" },
      attributes: { publisher: "Lackington", volumes: 3, illustrated: false },
      holding: { case: "print", value: { shelfmark: "PR 5397", weightGrams: 310 } },
    },
    {
      name: "shelves/1/books/middlemarch",
      title: "Middlemarch",
      subtitle: "A Study of Provincial Life",
      authors: [{ displayName: "George Eliot", birthYear: 1819 }],
      genre: Genre.NOVEL,
      isbn: "978-0-14-143955-6",
      pageCount: 880,
      accessionNumber: 9007199254740995n,
      rating: 4.75,
      readingTime: { seconds: 115_200n },
      labels: { century: "19", language: "en" },
      holding: { case: "print", value: { shelfmark: "PR 4662", weightGrams: 820 } },
    },
    {
      name: "shelves/1/books/moby-dick",
      title: "Moby-Dick",
      subtitle: "or, The Whale",
      authors: [{ displayName: "Herman Melville", birthYear: 1819 }],
      genre: Genre.NOVEL,
      isbn: "9780199535590",
      pageCount: 635,
      accessionNumber: 9007199254740997n,
      labels: { century: "19", language: "en" },
      holding: { case: "ebook", value: { mediaType: "application/epub+zip", sizeBytes: 18_446_744_073n } },
    },
    {
      name: "shelves/1/books/pride-and-prejudice",
      title: "Pride and Prejudice",
      authors: [{ displayName: "Jane Austen", birthYear: 1775 }],
      genre: Genre.NOVEL,
      isbn: "9780141439518",
      pageCount: 432,
      accessionNumber: 9007199254740999n,
      rating: 4.6,
      lendable: true,
      readingTime: { seconds: 41_400n },
      labels: { century: "19", language: "en" },
      holding: { case: "print", value: { shelfmark: "PR 4034", weightGrams: 340 } },
    },
    {
      name: "shelves/2/books/hamlet",
      title: "Hamlet",
      authors: [{ displayName: "William Shakespeare", birthYear: 1564 }],
      genre: Genre.DRAMA,
      pageCount: 342,
      accessionNumber: 9007199254741001n,
      rating: 4.8,
      labels: { century: "17", language: "en" },
      attributes: { acts: 5, quarto: { year: 1603, complete: false } },
      holding: { case: "print", value: { shelfmark: "PR 2807", weightGrams: 290 } },
    },
    {
      name: "shelves/2/books/iliad",
      title: "The Iliad",
      authors: [{ displayName: "Homer" }],
      genre: Genre.POETRY,
      pageCount: 683,
      accessionNumber: 9007199254741003n,
      labels: { language: "grc" },
      holding: { case: "ebook", value: { mediaType: "application/epub+zip", sizeBytes: 912_384n } },
    },
    {
      name: "shelves/2/books/sonnets",
      title: "Sonnets",
      authors: [{ displayName: "William Shakespeare", birthYear: 1564 }],
      genre: Genre.POETRY,
      pageCount: 160,
      accessionNumber: 9007199254741005n,
      labels: { century: "17", language: "en" },
    },
    {
      name: "shelves/3/books/origin-of-species",
      title: "On the Origin of Species",
      authors: [{ displayName: "Charles Darwin", birthYear: 1809 }],
      genre: Genre.SCIENCE,
      isbn: "9780140432053",
      pageCount: 480,
      accessionNumber: 9007199254741007n,
      rating: 4.2,
      labels: { century: "19", language: "en" },
      attributes: {
        chapters: ["Variation under Domestication", "Struggle for Existence", "Natural Selection"],
      },
      holding: { case: "print", value: { shelfmark: "QH 365", weightGrams: 420 } },
    },
    {
      name: "shelves/3/books/principia",
      title: "Philosophiæ Naturalis Principia Mathematica",
      authors: [{ displayName: "Isaac Newton", birthYear: 1643 }],
      genre: Genre.SCIENCE,
      pageCount: 510,
      accessionNumber: 9007199254741009n,
      // Too precious.
      lendable: false,
      labels: { century: "17", language: "la" },
      holding: { case: "print", value: { shelfmark: "QA 803", weightGrams: 1900 } },
    },
    {
      name: "shelves/3/books/walden",
      title: "Walden",
      subtitle: "or, Life in the Woods",
      authors: [{ displayName: "Henry David Thoreau", birthYear: 1817 }],
      genre: Genre.ESSAY,
      pageCount: 352,
      accessionNumber: 9007199254741011n,
      rating: 3.9,
      labels: { century: "19", language: "en" },
    },
  ],
};
