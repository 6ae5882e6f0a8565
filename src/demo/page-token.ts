/**
 * Tokens for the next page: the name of the last book that was listed, bound to the list that it belongs to (AIP-158).
 *
 * Layout: base64url of `{fingerprint}:{name}`; the fingerprint is the first 16 hex digits of SHA-256 over the
 * parameters that must stay the same from page to page.
 */
import { createHash } from "node:crypto";
import { invalidArgument } from "./status-fault.ts";

const MAX_TOKEN_LENGTH = 400;

/** The token of the page that starts after the book `name`. */
export function pageTokenAfter(name: string, parameters: readonly string[]): string {
  return Buffer.from(`${fingerprintOf(parameters)}:${name}`).toString("base64url");
}

/**
 * The name after which the page starts; "" for the first page, whose token is empty.
 * @throws {StatusFault} INVALID_ARGUMENT on `page_token` if the token was not made for `parameters`.
 */
export function readPageToken(token: string, parameters: readonly string[]): string {
  if (token === "") return "";
  const prefix = `${fingerprintOf(parameters)}:`;
  const text = token.length > MAX_TOKEN_LENGTH ? "" : Buffer.from(token, "base64url").toString();
  // Node decodes leniently; what does not encode back to the token was never one.
  const isGenuine = text.startsWith(prefix) && Buffer.from(text).toString("base64url") === token;
  if (!isGenuine) {
    const description = "is not a token of this list; send next_page_token with the same parent and filter";
    throw invalidArgument([{ field: "page_token", description }], "PAGE_TOKEN_INVALID");
  }
  return text.slice(prefix.length);
}

function fingerprintOf(parameters: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(parameters)).digest("hex").slice(0, 16);
}
