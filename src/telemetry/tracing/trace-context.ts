/**
 * W3C trace context: the fields `traceparent` and `tracestate`, in and out.
 *
 *     traceparent = version "-" trace-id "-" parent-id "-" flags        all lower-case hex: 2, 32, 16 and 2 digits
 *     tracestate  = member *( "," member )                              member = key "=" value, or nothing
 *
 * Source: https://www.w3.org/TR/trace-context/ (level 1, and the plain keys of level 2). Written without regular
 * expressions: it runs for every request.
 */

/** What a caller says of the trace that a request belongs to. */
export interface TraceParent {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits: the caller's span. */
  readonly spanId: string;
  /** Whether the caller may have recorded it. */
  readonly isSampled: boolean;
}

const VERSION_00_LENGTH = 55;
const MAX_MEMBERS = 32;
const MAX_KEY_LENGTH = 256;
const MAX_VALUE_LENGTH = 256;

/** Reads one `traceparent`; undefined if it is not valid, which starts a new trace. */
export function parseTraceParent(text: string): TraceParent | undefined {
  if (text.length < VERSION_00_LENGTH || !isHex(text, 0, 2)) return undefined;
  if (text.startsWith("ff")) return undefined;
  // Later versions may go on behind a further dash.
  const isCurrent = text.startsWith("00");
  if (text.length > VERSION_00_LENGTH && (isCurrent || text[VERSION_00_LENGTH] !== "-")) return undefined;
  if (text[2] !== "-" || text[35] !== "-" || text[52] !== "-") return undefined;
  if (!isHex(text, 3, 35) || !isHex(text, 36, 52) || !isHex(text, 53, 55)) return undefined;
  const traceId = text.slice(3, 35);
  const spanId = text.slice(36, 52);
  if (isZero(traceId) || isZero(spanId)) return undefined;
  return { traceId, spanId, isSampled: (digit(text.charCodeAt(54)) & 1) === 1 };
}

/** Writes a `traceparent` of version 00. */
export function formatTraceParent({ traceId, spanId, isSampled }: TraceParent): string {
  return `00-${traceId}-${spanId}-${isSampled ? "01" : "00"}`;
}

/**
 * The `tracestate` to pass on, of all fields of that name joined by commas; "" if it is empty or not valid: more than 32
 * members, a key twice, or one that is not `key=value`.
 */
export function readTraceState(text: string): string {
  const kept: string[] = [];
  const keys = new Set<string>();
  for (const part of text.split(",")) {
    const member = trimBlanks(part);
    if (member === "") continue;
    const equals = member.indexOf("=");
    const key = member.slice(0, Math.max(0, equals));
    if (!isKey(key) || !isValue(member, equals + 1) || keys.has(key)) return "";
    keys.add(key);
    if (keys.size > MAX_MEMBERS) return "";
    kept.push(member);
  }
  return kept.join(",");
}

/** A caller's trace, and the state that goes with it. */
export interface TraceOrigin {
  readonly parent: TraceParent;
  readonly state: string;
}

/** Reads the trace context of a flat list of header fields; undefined if there is none, or none that is valid. */
export function readTraceContext(headers: readonly string[]): TraceOrigin | undefined {
  let parentText: string | undefined;
  let stateText = "";
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i];
    if (name === "traceparent") {
      // Two of them: nobody can tell which is right.
      if (parentText !== undefined) return undefined;
      parentText = headers[i + 1] ?? "";
    } else if (name === "tracestate") {
      stateText = stateText === "" ? (headers[i + 1] ?? "") : `${stateText},${headers[i + 1] ?? ""}`;
    }
  }
  const parent = parentText === undefined ? undefined : parseTraceParent(parentText);
  if (parent === undefined) return undefined;
  return { parent, state: stateText === "" ? "" : readTraceState(stateText) };
}

function isHex(text: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++) {
    if (digit(text.charCodeAt(i)) < 0) return false;
  }
  return true;
}

/** The value of a lower-case hex digit, or -1. */
function digit(c: number): number {
  if (c >= 0x30 && c <= 0x39) return c - 0x30;
  return c >= 0x61 && c <= 0x66 ? c - 0x57 : -1;
}

function isZero(id: string): boolean {
  for (let i = 0; i < id.length; i++) {
    if (id.charCodeAt(i) !== 0x30) return false;
  }
  return true;
}

/** Space and tab around a member are not part of it. */
function trimBlanks(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

function isBlank(c: number): boolean {
  return c === 0x20 || c === 0x09;
}

/** A lower-case letter or digit, then these or `_ - * / @`. */
function isKey(key: string): boolean {
  if (key === "" || key.length > MAX_KEY_LENGTH) return false;
  for (let i = 0; i < key.length; i++) {
    const c = key.charCodeAt(i);
    const isPlain = (c >= 0x61 && c <= 0x7a) || (c >= 0x30 && c <= 0x39);
    const isMark = c === 0x5f || c === 0x2d || c === 0x2a || c === 0x2f || c === 0x40;
    if (!isPlain && (i === 0 || !isMark)) return false;
  }
  return true;
}

/** Printable ASCII without `,` (which the split has taken) and `=`, at least one character. */
function isValue(member: string, from: number): boolean {
  const length = member.length - from;
  if (length < 1 || length > MAX_VALUE_LENGTH) return false;
  for (let i = from; i < member.length; i++) {
    const c = member.charCodeAt(i);
    if (c < 0x20 || c > 0x7e || c === 0x3d) return false;
  }
  return true;
}
