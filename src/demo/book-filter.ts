/**
 * The filter of ListBooks: a small part of AIP-160.
 *
 * ```
 * filter     = [ comparison *( SP "AND" SP comparison ) ]
 * comparison = field operator value            ; spaces around the operator are fine
 * field      = "title" / "author" / "isbn" / "genre" / "page_count" / "labels." key
 * operator   = "=" / "!=" / "<" / "<=" / ">" / ">=" / ":"       ; ":" means contains, without regard to case
 * value      = DQUOTE *( any / "\" any ) DQUOTE / 1*( any but SP and DQUOTE )
 * ```
 */
import { type Book, GenreSchema } from "../gen/library/v1/library_pb.ts";
import { invalidArgument, quote, type StatusFault } from "./status-fault.ts";

/** Whether a book passes a filter. */
export type BookFilter = (book: Book) => boolean;

interface Comparison {
  readonly field: string;
  readonly operator: Operator;
  readonly value: string;
}

const OPERATORS = ["!=", "<=", ">=", "=", "<", ">", ":"] as const;
type Operator = (typeof OPERATORS)[number];

const MAX_FILTER_LENGTH = 1000;

/**
 * Parses `text`; the empty filter passes every book.
 * @throws {StatusFault} INVALID_ARGUMENT on `filter`, saying where it goes wrong.
 */
export function parseBookFilter(text: string): BookFilter {
  if (text.length > MAX_FILTER_LENGTH) throw faulty(`is longer than ${MAX_FILTER_LENGTH} characters`);
  const tests = parseComparisons(text).map(compileComparison);
  return (book) => tests.every((test) => test(book));
}

function parseComparisons(text: string): Comparison[] {
  const comparisons: Comparison[] = [];
  let at = skipSpaces(text, 0);
  while (at < text.length) {
    if (comparisons.length > 0) {
      if (!text.startsWith("AND ", at)) throw faulty(`expected AND at position ${at}`);
      at = skipSpaces(text, at + 4);
    }
    const [comparison, end] = parseComparison(text, at);
    comparisons.push(comparison);
    at = skipSpaces(text, end);
  }
  return comparisons;
}

function parseComparison(text: string, start: number): [Comparison, number] {
  let end = start;
  while (end < text.length && isFieldCharacter(text.charCodeAt(end))) end++;
  if (end === start) throw faulty(`expected a field at position ${start}`);
  const operatorAt = skipSpaces(text, end);
  const operator = OPERATORS.find((candidate) => text.startsWith(candidate, operatorAt));
  if (operator === undefined)
    throw faulty(`expected an operator (${OPERATORS.join(" ")}) at position ${operatorAt}`);
  const [value, valueEnd] = parseValue(text, skipSpaces(text, operatorAt + operator.length));
  return [{ field: text.slice(start, end), operator, value }, valueEnd];
}

function parseValue(text: string, start: number): [string, number] {
  if (text[start] === '"') return parseQuoted(text, start);
  let end = start;
  while (end < text.length && text[end] !== " " && text[end] !== '"') end++;
  if (end === start) throw faulty(`expected a value at position ${start}`);
  return [text.slice(start, end), end];
}

function parseQuoted(text: string, start: number): [string, number] {
  let value = "";
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '"') return [value, at + 1];
    if (text[at] === "\\") at++;
    value += text[at] ?? "";
  }
  throw faulty(`the quote at position ${start} is never closed`);
}

function compileComparison({ field, operator, value }: Comparison): BookFilter {
  if (field === "page_count") return compileNumber(operator, value);
  if (field === "genre") return compileGenre(operator, value);
  const textsOf = textField(field);
  if (textsOf === undefined) {
    throw faulty(
      `${quote(field)} cannot be filtered; use title, author, isbn, genre, page_count or labels.{key}`,
    );
  }
  switch (operator) {
    case ":": {
      const part = value.toLowerCase();
      return (book) => textsOf(book).some((text) => text.toLowerCase().includes(part));
    }
    case "=":
      return (book) => textsOf(book).includes(value);
    case "!=":
      return (book) => !textsOf(book).includes(value);
    case "<":
    case "<=":
    case ">":
    case ">=":
      throw faulty(`${quote(field)} takes =, != and :, not ${operator}`);
  }
}

function textField(field: string): ((book: Book) => readonly string[]) | undefined {
  switch (field) {
    case "title":
      return (book) => [book.title];
    case "isbn":
      return (book) => [book.isbn];
    case "author":
      return (book) => book.authors.map((author) => author.displayName);
  }
  if (!field.startsWith("labels.")) return undefined;
  const key = field.slice("labels.".length);
  return (book) => (Object.hasOwn(book.labels, key) ? [book.labels[key] ?? ""] : []);
}

function compileGenre(operator: Operator, value: string): BookFilter {
  const genre = GenreSchema.values.find((candidate) => candidate.name === value);
  if (genre === undefined) throw faulty(`${quote(value)} is not a genre`);
  if (operator === "=") return (book) => book.genre === genre.number;
  if (operator === "!=") return (book) => book.genre !== genre.number;
  throw faulty(`genre takes = and !=, not ${operator}`);
}

function compileNumber(operator: Operator, value: string): BookFilter {
  if (!/^-?[0-9]{1,10}$/.test(value)) throw faulty(`page_count: ${quote(value)} is not a number`);
  const limit = Number(value);
  switch (operator) {
    case "=":
      return (book) => book.pageCount === limit;
    case "!=":
      return (book) => book.pageCount !== limit;
    case "<":
      return (book) => book.pageCount < limit;
    case "<=":
      return (book) => book.pageCount <= limit;
    case ">":
      return (book) => book.pageCount > limit;
    case ">=":
      return (book) => book.pageCount >= limit;
    case ":":
      throw faulty("page_count takes =, !=, <, <=, > and >=, not :");
  }
}

function isFieldCharacter(code: number): boolean {
  const isLetter = (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a);
  // Digits, underscore, hyphen and dot.
  return isLetter || (code >= 0x30 && code <= 0x39) || code === 0x5f || code === 0x2d || code === 0x2e;
}

function skipSpaces(text: string, start: number): number {
  let at = start;
  while (text[at] === " ") at++;
  return at;
}

function faulty(description: string): StatusFault {
  return invalidArgument([{ field: "filter", description }], "FILTER_INVALID");
}
