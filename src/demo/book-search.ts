/**
 * Full-text search over books: words of a query in titles, subtitles and names of authors.
 */
import type { Book } from "../gen/library/v1/library_pb.ts";

/** A book and the share of the query's words that it holds, above 0 and up to 1. */
export interface SearchResult {
  readonly book: Book;
  readonly score: number;
}

/** The books that hold any word of `query`, best first, then by name. */
export function searchBooks(books: readonly Book[], query: string): SearchResult[] {
  const words = query
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  if (words.length === 0) return [];
  return books
    .map((book) => ({
      book,
      score: words.filter((word) => textOf(book).includes(word)).length / words.length,
    }))
    .filter((result) => result.score > 0)
    .sort((a, b) => b.score - a.score || (a.book.name < b.book.name ? -1 : 1));
}

function textOf(book: Book): string {
  return [book.title, book.subtitle ?? "", ...book.authors.map((author) => author.displayName)]
    .join("\n")
    .toLowerCase();
}
