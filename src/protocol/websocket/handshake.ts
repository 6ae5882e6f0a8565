/**
 * What a client asks for with a WebSocket handshake. Source: RFC 6455 section 4.2.1.
 *
 * A browser can set no header but the list of subprotocols, so what plain clients say in headers stands there, too:
 *
 *   sluice.json | sluice.proto      how messages are written; the first one named is spoken, and named in the answer
 *   sluice.bearer.<token>           base64url of a token: `authorization: Bearer …` to the upstream
 *   sluice.method.<METHOD>          the HTTP method of the binding, where a path has several
 */
import { findHeader, type HeaderList } from "../../http/index.ts";
import { refuse, type StatusError } from "../../status/index.ts";

/** How messages are written: JSON in text frames, or protobuf in binary ones. */
export type Subprotocol = "sluice.json" | "sluice.proto";

/** A sound handshake. */
export interface Handshake {
  /** What the answer names; undefined where the client offers nothing. */
  readonly named: Subprotocol | undefined;
  readonly spoken: Subprotocol;
  /** The method of the binding, where the client says which. */
  readonly method: string | undefined;
  /** The request's fields, with the credentials of the subprotocols. */
  readonly headers: HeaderList;
}

const BEARER = "sluice.bearer.";
const METHOD = "sluice.method.";
/** As engines take it in a request line. */
const MAX_METHOD_LENGTH = 32;

/**
 * Reads a handshake.
 * @throws {StatusError} INVALID_ARGUMENT, reason HANDSHAKE_INVALID.
 */
export function readHandshake(headers: HeaderList): Handshake {
  const version = findHeader(headers, "sec-websocket-version");
  if (version !== "13") throw invalid(`sec-websocket-version is ${show(version)}; 13 is spoken here`);
  const key = findHeader(headers, "sec-websocket-key");
  if (key === undefined || !isKey(key)) throw invalid("sec-websocket-key is not the base64 of 16 bytes");
  const offers = offersOf(headers);
  let named: Subprotocol | undefined;
  let method: string | undefined;
  let token: string | undefined;
  for (const offer of offers) {
    if (offer === "sluice.json" || offer === "sluice.proto") named ??= offer;
    else if (offer.startsWith(BEARER)) token = readToken(offer.slice(BEARER.length));
    else if (offer.startsWith(METHOD)) method = readMethod(offer.slice(METHOD.length));
  }
  // A browser gives up a connection whose answer names none of the subprotocols that it offered.
  if (named === undefined && offers.length > 0) {
    throw invalid("none of the subprotocols offered is spoken here; offer sluice.json or sluice.proto");
  }
  const spoken = named ?? "sluice.json";
  return { named, spoken, method, headers: token === undefined ? headers : withBearer(headers, token) };
}

/** `headers` with fields of `more`, which take the place of those of the same name. */
export function overlayFields(headers: HeaderList, more: HeaderList): HeaderList {
  const fields: string[] = [];
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? "";
    if (findHeader(more, name) === undefined) fields.push(name, headers[i + 1] ?? "");
  }
  fields.push(...more);
  return fields;
}

function withBearer(headers: HeaderList, token: string): HeaderList {
  return overlayFields(headers, ["authorization", `Bearer ${token}`]);
}

function offersOf(headers: HeaderList): readonly string[] {
  const offers: string[] = [];
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i] !== "sec-websocket-protocol") continue;
    for (const offer of (headers[i + 1] ?? "").split(",")) {
      if (offer.trim() !== "") offers.push(offer.trim());
    }
  }
  return offers;
}

function readMethod(name: string): string {
  if (name !== "" && name.length <= MAX_METHOD_LENGTH) return name.toUpperCase();
  throw invalid(`sluice.method: ${JSON.stringify(name.slice(0, MAX_METHOD_LENGTH))} is not an HTTP method`);
}

function readToken(encoded: string): string {
  const token = Buffer.from(encoded, "base64url").toString("latin1");
  let isPlain = token !== "" && Buffer.from(token, "latin1").toString("base64url") === encoded;
  for (let i = 0; i < token.length && isPlain; i++) {
    const code = token.charCodeAt(i);
    isPlain = code > 0x20 && code < 0x7f;
  }
  // The value is a credential: it is not shown.
  if (!isPlain) throw invalid("sluice.bearer: what follows is not the base64url, unpadded, of a token");
  return token;
}

/** 22 letters of base64 and `==`; the last letter may say more than the 16 bytes need. */
function isKey(key: string): boolean {
  return key.length === 24 && key.endsWith("==") && Buffer.from(key, "base64").length === 16;
}

function invalid(message: string): StatusError {
  return refuse("HANDSHAKE_INVALID", message);
}

function show(value: string | undefined): string {
  return value === undefined ? "missing" : JSON.stringify(value.slice(0, 32));
}
