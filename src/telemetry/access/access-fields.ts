/**
 * What a line of the access log can hold, by name. `header.NAME` is a field of the request; whatever clients choose freely
 * and secrets may hide in is redacted by the names of the parameters and fields.
 */
import { codeName } from "../../status/index.ts";
import type { AccessRecord } from "../access-record.ts";
import { REDACTED, type RedactedNames, redactQuery } from "./redaction.ts";

/** A field's value; undefined where a request has none. */
export type FieldValue = string | number | readonly string[] | undefined;

/** Reads one field of a record. */
export type FieldReader = (record: AccessRecord) => FieldValue;

/** The names whose values are not to be seen. */
export interface RedactionRules {
  readonly query: RedactedNames;
  /** Lower-case. */
  readonly headers: RedactedNames;
}

/** The order is that of the default. */
const READERS: Readonly<Record<string, FieldReader>> = {
  requestId: (record) => record.requestId,
  traceId: (record) => (record.traceId === "" ? undefined : record.traceId),
  listener: (record) => record.listener,
  peer: (record) => record.peer,
  method: (record) => record.httpMethod,
  path: (record) => record.path,
  route: (record) => record.route,
  rpc: (record) => record.rpc,
  upstream: (record) => record.upstream,
  status: (record) => record.httpStatus,
  grpcStatus: (record) => codeName(record.code),
  reason: (record) => record.reason,
  durationMs: (record) => round(record.durationMs),
  upstreamMs: (record) => round(record.upstreamMs),
  transcodeMs: (record) => round(record.transcodeMs),
  bytesIn: (record) => record.bytesIn,
  bytesOut: (record) => record.bytesOut,
  unknownFields: (record) => (record.unknownFields.length === 0 ? undefined : record.unknownFields),
};

/** What a line of JSON holds where nothing is said. */
export const DEFAULT_ACCESS_FIELDS: readonly string[] = Object.keys(READERS);

const QUERY = "query";
const HEADER_PREFIX = "header.";
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;

/** Every name that a line can hold, those of headers aside. */
export const ACCESS_FIELDS: readonly string[] = [...DEFAULT_ACCESS_FIELDS, QUERY];

/** Whether there is a field of this name. */
export function isAccessField(name: string): boolean {
  if (name.startsWith(HEADER_PREFIX)) return HEADER_NAME.test(name.slice(HEADER_PREFIX.length));
  return ACCESS_FIELDS.includes(name);
}

/** The reader of the field `name`, for which `isAccessField` holds; of any other one it reads nothing. */
export function accessFieldReader(name: string, { query, headers }: RedactionRules): FieldReader {
  if (name === QUERY) return (record) => redactQuery(record.query, query);
  if (!name.startsWith(HEADER_PREFIX)) return READERS[name] ?? (() => undefined);
  const wanted = name.slice(HEADER_PREFIX.length);
  const isSecret = headers.has(wanted);
  return (record) => {
    const value = joinedHeader(record.headers, wanted);
    return isSecret && value !== undefined ? REDACTED : value;
  };
}

/** Repeated fields as one, as HTTP has it. */
function joinedHeader(headers: readonly string[], wanted: string): string | undefined {
  let joined: string | undefined;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i] !== wanted) continue;
    const value = headers[i + 1] ?? "";
    joined = joined === undefined ? value : `${joined}, ${value}`;
  }
  return joined;
}

/** Microseconds are as exact as the clock is worth reading. */
function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
