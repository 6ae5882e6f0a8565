/**
 * The headers of a part, and the Content-Type of the form around it.
 *
 *   value     = token *( OWS ";" OWS token "=" ( token / quoted ) ) [ ";" ]
 *   quoted    = <"> *( any character but <">, or a backslash before <"> or a backslash ) <">
 *
 * A backslash before anything else is a backslash: browsers once sent paths as file names.
 * Source: RFC 7578 section 4, RFC 2046 section 5.1, RFC 9110 section 5.6.6.
 */
import { isUtf8 } from "node:buffer";
import { refuse, type StatusError } from "../../status/index.ts";

/** Longest name of a part, in bytes. */
const MAX_NAME_BYTES = 1024;
/** Source: RFC 2046 section 5.1.1. */
const MAX_BOUNDARY = 70;
/** Encodings that change nothing (RFC 7578 section 4.7 deprecates them all). */
const PLAIN_ENCODINGS: ReadonlySet<string> = new Set(["7bit", "8bit", "binary"]);

/** What the headers of a part say. */
export interface PartHead {
  readonly name: string;
  /** Verbatim; "" if there was none. */
  readonly contentType: string;
  readonly hasFilename: boolean;
}

/** The headers of a part by lower-case name, each byte one character. */
export type PartHeaders = Readonly<Record<string, readonly string[] | undefined>>;

/** FORM_INVALID, for the reason `what`. */
export function refuseForm(what: string): StatusError {
  return refuse("FORM_INVALID", what);
}

/** The boundary that a `multipart/form-data` Content-Type names. @throws {StatusError} FORM_INVALID */
export function boundaryOf(contentType: string): string {
  const boundary = parseValue(contentType)?.parameters.get("boundary");
  if (boundary === undefined || boundary === "")
    throw refuseForm("the content-type names no boundary; let the client library set it");
  if (boundary.length > MAX_BOUNDARY)
    throw refuseForm(`the boundary is longer than ${MAX_BOUNDARY} characters`);
  for (let i = 0; i < boundary.length; i++) {
    const unit = boundary.charCodeAt(i);
    if (unit < 0x20 || unit > 0x7e) throw refuseForm("the boundary holds a character that is not ASCII");
  }
  return boundary;
}

/** Reads the headers of the part that stands at `ordinal`, from 1. @throws {StatusError} FORM_INVALID */
export function readPartHead(headers: PartHeaders, ordinal: number): PartHead {
  const disposition = only(headers, "content-disposition", ordinal);
  if (disposition === undefined) throw refuseForm(`part ${ordinal} has no content-disposition header`);
  const parsed = parseValue(disposition);
  if (parsed === undefined || parsed.value !== "form-data")
    throw refuseForm(
      `part ${ordinal}: content-disposition ${JSON.stringify(disposition.slice(0, 100))} is not form-data with parameters`,
    );
  const name = parsed.parameters.get("name");
  if (name === undefined) throw refuseForm(`part ${ordinal} has no name`);
  if (Buffer.byteLength(name) > MAX_NAME_BYTES)
    throw refuseForm(`part ${ordinal}: the name is longer than ${MAX_NAME_BYTES} bytes`);
  const encoding = only(headers, "content-transfer-encoding", ordinal)?.trim().toLowerCase();
  if (encoding !== undefined && !PLAIN_ENCODINGS.has(encoding))
    throw refuseForm(
      `part ${ordinal} (${JSON.stringify(name.slice(0, 100))}): content-transfer-encoding ${JSON.stringify(encoding.slice(0, 64))} is not decoded here`,
    );
  const contentType = only(headers, "content-type", ordinal)?.trim() ?? "";
  const hasFilename = parsed.parameters.has("filename") || parsed.parameters.has("filename*");
  return { name, contentType, hasFilename };
}

/** The one value of a header; undefined if the part has none. */
function only(headers: PartHeaders, name: string, ordinal: number): string | undefined {
  const values = headers[name];
  const [value] = values ?? [];
  if (values === undefined || value === undefined) return undefined;
  if (values.length > 1) throw refuseForm(`part ${ordinal} has two ${name} headers`);
  const bytes = Buffer.from(value, "latin1");
  if (!isUtf8(bytes)) throw refuseForm(`part ${ordinal}: its ${name} is not UTF-8`);
  return bytes.toString("utf8");
}

interface HeaderValue {
  /** In lower case. */
  readonly value: string;
  /** By lower-case name. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** Splits a value from its parameters; undefined if it does not follow the grammar or names a parameter twice. */
function parseValue(text: string): HeaderValue | undefined {
  const semicolon = text.indexOf(";");
  const value = (semicolon < 0 ? text : text.slice(0, semicolon)).trim().toLowerCase();
  const parameters = new Map<string, string>();
  let at = semicolon < 0 ? text.length : semicolon;
  while (at < text.length) {
    at = skipSpace(text, at + 1);
    if (at === text.length) break;
    const equals = text.indexOf("=", at);
    if (equals < 0) return undefined;
    const name = text.slice(at, equals).trim().toLowerCase();
    if (name === "" || name.includes(";") || name.includes('"') || parameters.has(name)) return undefined;
    const end =
      text.charCodeAt(equals + 1) === QUOTE ? endOfQuoted(text, equals + 1) : endOfToken(text, equals);
    if (end < 0) return undefined;
    const raw = text.slice(equals + 1, end);
    parameters.set(name, raw.startsWith('"') ? unquote(raw) : raw.trim());
    at = skipSpace(text, end);
    if (at < text.length && text.charCodeAt(at) !== SEMICOLON) return undefined;
  }
  return { value, parameters };
}

const QUOTE = 0x22;
const SEMICOLON = 0x3b;
const BACKSLASH = 0x5c;

function skipSpace(text: string, from: number): number {
  let at = from;
  while (text.charCodeAt(at) === 0x20 || text.charCodeAt(at) === 0x09) at++;
  return at;
}

function endOfToken(text: string, from: number): number {
  const semicolon = text.indexOf(";", from);
  const end = semicolon < 0 ? text.length : semicolon;
  return text.slice(from, end).includes('"') ? -1 : end;
}

/** Where the quoted text that begins at `from` ends, behind its second quote; -1 if it does not. */
function endOfQuoted(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) return at + 1;
    if (unit === BACKSLASH && isEscaped(text.charCodeAt(at + 1))) at++;
  }
  return -1;
}

function unquote(raw: string): string {
  let text = "";
  for (let at = 1; at < raw.length - 1; at++) {
    if (raw.charCodeAt(at) === BACKSLASH && isEscaped(raw.charCodeAt(at + 1))) at++;
    text += raw.charAt(at);
  }
  return text;
}

function isEscaped(unit: number): boolean {
  return unit === QUOTE || unit === BACKSLASH;
}
