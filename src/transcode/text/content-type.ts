/** What a request's Content-Type means for its body. Source: RFC 9110 section 8.3. */
import { refuse, type StatusError } from "../../status/index.ts";
import { quote } from "./quote.ts";

/** How a body is to be read; `undefined` in place of it means that the gateway cannot. */
export type BodyFormat = "json" | "form";

/**
 * The format that a Content-Type names: `application/json`, `*+json` and "" (none sent) are JSON;
 * `application/x-www-form-urlencoded` is a form. Undefined for another type, or a charset other than UTF-8.
 */
export function bodyFormatOf(contentType: string): BodyFormat | undefined {
  if (contentType === "" || contentType === "application/json") return "json";
  const semicolon = contentType.indexOf(";");
  const type = mediaTypeOf(contentType);
  if (semicolon >= 0 && !isUtf8(contentType.slice(semicolon + 1))) return undefined;
  if (type === "application/json" || (type.endsWith("+json") && type.includes("/"))) return "json";
  return type === "application/x-www-form-urlencoded" ? "form" : undefined;
}

/** Whether a Content-Type is `multipart/form-data`. Source: RFC 7578. */
export function isMultipartForm(contentType: string): boolean {
  return mediaTypeOf(contentType) === "multipart/form-data";
}

/** The type and subtype alone, in lower case; "" for none. */
export function mediaTypeOf(contentType: string): string {
  const semicolon = contentType.indexOf(";");
  return (semicolon < 0 ? contentType : contentType.slice(0, semicolon)).trim().toLowerCase();
}

/** Whether a Content-Type is `text/plain` in UTF-8, or none at all. */
export function isPlainText(contentType: string): boolean {
  if (contentType === "") return true;
  const semicolon = contentType.indexOf(";");
  if (semicolon >= 0 && !isUtf8(contentType.slice(semicolon + 1))) return false;
  return mediaTypeOf(contentType) === "text/plain";
}

/** MEDIA_TYPE_UNSUPPORTED: no body of this Content-Type is read here. */
export function refuseMediaType(contentType: string): StatusError {
  const what = `content-type ${quote(contentType)} is not read here; send application/json`;
  return refuse("MEDIA_TYPE_UNSUPPORTED", what);
}

/** Whether the parameters name no charset, or UTF-8. */
function isUtf8(parameters: string): boolean {
  for (const parameter of parameters.split(";")) {
    const equals = parameter.indexOf("=");
    if (equals < 0 || parameter.slice(0, equals).trim().toLowerCase() !== "charset") continue;
    const value = parameter
      .slice(equals + 1)
      .trim()
      .toLowerCase();
    const charset = value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
    if (charset !== "utf-8" && charset !== "utf8") return false;
  }
  return true;
}
