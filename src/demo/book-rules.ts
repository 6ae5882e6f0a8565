/**
 * What makes a book acceptable: required fields, ranges, sizes and the check digit of its ISBN.
 */
import { toBinary } from "@bufbuild/protobuf";
import { type Book, BookSchema, GenreSchema } from "../gen/library/v1/library_pb.ts";
import { type FieldFault, invalidArgument, quote } from "./status-fault.ts";

const MAX_TITLE_LENGTH = 500;
const MAX_BOOK_BYTES = 64 * 1024;

/**
 * Checks the fields that a client may set.
 * @throws {StatusFault} INVALID_ARGUMENT with every fault, under `book.`; reason ISBN_INVALID if that is the only one.
 */
export function requireValidBook(book: Book): void {
  const faults = bookFaults(book);
  if (faults.length === 0) return;
  const isIsbnAlone = faults.every((fault) => fault.field === "book.isbn");
  throw invalidArgument(faults, isIsbnAlone ? "ISBN_INVALID" : "BOOK_INVALID");
}

/** Every fault of a book; none means that it is acceptable. */
export function bookFaults(book: Book): FieldFault[] {
  const faults: FieldFault[] = [];
  const check = (isFine: boolean, field: string, description: string): void => {
    if (!isFine) faults.push({ field: `book.${field}`, description });
  };
  check(book.title.trim() !== "", "title", "is required");
  check(book.title.length <= MAX_TITLE_LENGTH, "title", `is longer than ${MAX_TITLE_LENGTH} characters`);
  check(
    book.isbn === "" || isIsbn13(book.isbn),
    "isbn",
    `${quote(book.isbn)} is not an ISBN-13 with a right check digit`,
  );
  check(
    GenreSchema.values.some((value) => value.number === book.genre),
    "genre",
    `${book.genre} is not a genre`,
  );
  check(book.pageCount >= 0, "page_count", `${book.pageCount} is negative`);
  check(isRating(book.rating), "rating", `${book.rating} is not between 0 and 5`);
  const seconds = book.readingTime?.seconds ?? 0n;
  const nanos = book.readingTime?.nanos ?? 0;
  check(seconds >= 0n && nanos >= 0, "reading_time", "is negative");
  for (const [index, author] of book.authors.entries()) {
    check(author.displayName.trim() !== "", `authors[${index}].display_name`, "is required");
    if (faults.length > 20) break;
  }
  if (faults.length === 0 && toBinary(BookSchema, book).length > MAX_BOOK_BYTES) {
    faults.push({ field: "book", description: `is larger than ${MAX_BOOK_BYTES} bytes` });
  }
  return faults;
}

/** Whether `text` is an ISBN-13 (hyphens are fine) whose check digit is right. Source: ISO 2108. */
export function isIsbn13(text: string): boolean {
  if (text.length > 17) return false;
  const digits = text.replaceAll("-", "");
  if (!/^97[89][0-9]{10}$/.test(digits)) return false;
  let sum = 0;
  for (let index = 0; index < digits.length; index++)
    sum += Number(digits[index]) * (index % 2 === 0 ? 1 : 3);
  return sum % 10 === 0;
}

function isRating(rating: number | undefined): boolean {
  return rating === undefined || (rating >= 0 && rating <= 5);
}
