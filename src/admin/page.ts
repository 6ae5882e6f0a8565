/**
 * One path of the admin listener: what it is for, and what it answers.
 */
import type { HeaderList } from "../http/index.ts";

/** What is asked. */
export interface AdminRequest {
  /** Decoded. */
  readonly query: URLSearchParams;
  readonly headers: HeaderList;
}

/** What is answered. */
export interface AdminReply {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  /** Further fields. */
  readonly headers?: HeaderList;
}

/** A page. Several may share a path with different methods. */
export interface AdminPage {
  /** GET changes nothing, and answers HEAD too; POST does. */
  readonly method: "GET" | "POST";
  readonly path: string;
  /** For the list of pages: one line. */
  readonly title: string;
  answer(request: AdminRequest): AdminReply | Promise<AdminReply>;
}

const TEXT = "text/plain; charset=utf-8";
const JSON_TYPE = "application/json";

/** One line of text. */
export function textReply(status: number, line: string): AdminReply {
  return { status, contentType: TEXT, body: `${line}\n` };
}

/** Indented, since people read it too. Numbers without limit are the word "unlimited". */
export function jsonReply(value: unknown, status = 200): AdminReply {
  return { status, contentType: JSON_TYPE, body: `${JSON.stringify(value, unlimited, 2)}\n` };
}

function unlimited(_key: string, value: unknown): unknown {
  return value === Number.POSITIVE_INFINITY ? "unlimited" : value;
}
