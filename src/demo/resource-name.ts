/**
 * Names of resources: `shelves/{shelf}` and `shelves/{shelf}/books/{book}`.
 */
import { invalidArgument, quote } from "./status-fault.ts";

/** The shelf that stands for all shelves, where a list is asked for (AIP-159). */
export const ANY_SHELF: string = "shelves/-";

/** Lower-case letters, digits and inner hyphens, as AIP-122 has it. */
const ID = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Whether `id` may be one segment of a name. */
export function isResourceId(id: string): boolean {
  return ID.test(id);
}

/**
 * Checks that `name` is `shelves/{shelf}`.
 * @throws {StatusFault} INVALID_ARGUMENT on `field`.
 */
export function requireShelfName(name: string, field: string): string {
  const [collection, shelf, ...rest] = name.split("/");
  if (collection !== "shelves" || shelf === undefined || !isResourceId(shelf) || rest.length > 0) {
    throw invalidArgument([{ field, description: `${quote(name)} is not shelves/{shelf}` }]);
  }
  return name;
}

/**
 * Checks that `name` is `shelves/{shelf}` or {@link ANY_SHELF}.
 * @throws {StatusFault} INVALID_ARGUMENT on `field`.
 */
export function requireShelfPattern(name: string, field: string): string {
  return name === ANY_SHELF ? name : requireShelfName(name, field);
}

/**
 * Checks that `name` is `shelves/{shelf}/books/{book}`.
 * @throws {StatusFault} INVALID_ARGUMENT on `field`.
 */
export function requireBookName(name: string, field: string): string {
  const [shelves, shelf, books, book, ...rest] = name.split("/");
  const collections = shelves === "shelves" && books === "books" && rest.length === 0;
  if (!collections || !isResourceId(shelf ?? "") || !isResourceId(book ?? "")) {
    const description = `${quote(name)} is not shelves/{shelf}/books/{book}`;
    throw invalidArgument([{ field, description }]);
  }
  return name;
}

/** `shelves/{shelf}` of a book's name. */
export function shelfOf(bookName: string): string {
  return bookName.slice(0, bookName.indexOf("/books/"));
}

/** The last segment of a name. */
export function idOf(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}
