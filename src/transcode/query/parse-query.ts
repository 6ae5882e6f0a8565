/**
 * A query string, or an `application/x-www-form-urlencoded` body, as names and values.
 * Source: the WHATWG URL Standard, "application/x-www-form-urlencoded parsing", but strict: a broken escape is refused.
 */
import { refuse, type StatusError } from "../../status/index.ts";
import { decodeText } from "../json/parse-json.ts";
import { clip, quote } from "../text/quote.ts";

/** One `name=value`, decoded. */
export interface QueryParameter {
  readonly name: string;
  /** "" also where there was no `=`. */
  readonly value: string;
}

/** Most parameters of one query or form. */
const MAX_PARAMETERS = 10_000;

/** The last character that may stand in a query as itself. */
const LAST_ASCII = 0x7e;

/**
 * Splits on `&`, decodes `+` as a space and percent-escapes as UTF-8; empty pieces are skipped.
 * @throws {StatusError} PARAM_INVALID on a broken escape, bytes that are not UTF-8, or too many parameters.
 */
function parseParameters(text: string): readonly QueryParameter[] {
  const parameters: QueryParameter[] = [];
  let start = 0;
  while (start <= text.length) {
    const ampersand = text.indexOf("&", start);
    const end = ampersand < 0 ? text.length : ampersand;
    if (end > start) {
      if (parameters.length === MAX_PARAMETERS) {
        throw refuse("PARAM_INVALID", `more than ${MAX_PARAMETERS} parameters`);
      }
      parameters.push(parameter(text.slice(start, end)));
    }
    start = end + 1;
  }
  return parameters;
}

/**
 * As {@link parseParameters}, for the raw query of a URL, which is ASCII: other characters have reached us in an
 * encoding that the engine chose, not the client.
 * @throws {StatusError} PARAM_INVALID
 */
export function parseQuery(query: string): readonly QueryParameter[] {
  for (let i = 0; i < query.length; i++) {
    const unit = query.charCodeAt(i);
    if (unit > LAST_ASCII || unit < 0x20) {
      const name = query.slice(query.lastIndexOf("&", i) + 1, i).split("=")[0] ?? "";
      throw refuseParameter(name, `the character ${quote(query.charAt(i))} must be percent-encoded`);
    }
  }
  return parseParameters(query);
}

/**
 * As {@link parseParameters}, for the body of a form.
 * @throws {StatusError} PARAM_INVALID; MEDIA_TYPE_UNSUPPORTED if it is JSON that was sent as a form.
 */
export function parseForm(body: Uint8Array): readonly QueryParameter[] {
  const text = decodeText(body);
  if (text.startsWith("{") || text.startsWith("[")) {
    // What `curl -d '{…}'` sends unless told otherwise.
    throw refuse(
      "MEDIA_TYPE_UNSUPPORTED",
      "the body looks like JSON but is sent as a form; send it with content-type application/json",
    );
  }
  return parseParameters(text);
}

/** The refusal of a parameter, its name in front and in the violation. */
export function refuseParameter(name: string, what: string): StatusError {
  const shown = clip(name, 200);
  return refuse("PARAM_INVALID", `${shown}: ${what}`, shown);
}

/** The refusal of a parameter that names no field, for the reason `what`. */
export function refuseUnknown(name: string, what: string): StatusError {
  const shown = clip(name, 200);
  return refuse("PARAM_UNKNOWN", `${shown}: ${what}`, shown);
}

/** The value of `prettyPrint`. @throws {StatusError} PARAM_INVALID */
export function prettyPrintOf(value: string): boolean {
  if (value === "true") return true;
  if (value === "false") return false;
  throw refuseParameter("prettyPrint", `${quote(value)} is not a bool (true or false)`);
}

function parameter(piece: string): QueryParameter {
  const equals = piece.indexOf("=");
  if (equals < 0) return { name: decode(piece, piece, "name"), value: "" };
  const rawName = piece.slice(0, equals);
  return { name: decode(rawName, rawName, "name"), value: decode(piece.slice(equals + 1), rawName, "value") };
}

function decode(raw: string, rawName: string, part: "name" | "value"): string {
  const spaced = raw.includes("+") ? raw.replaceAll("+", " ") : raw;
  if (!spaced.includes("%")) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    throw refuseParameter(rawName, `the ${part} ${quote(raw)} is not percent-encoded UTF-8`);
  }
}
