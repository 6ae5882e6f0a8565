/**
 * The canonical gRPC status codes.
 * Source: https://grpc.github.io/grpc/core/md_doc_statuscodes.html, google/rpc/code.proto.
 */
export const Code = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

/** One of the seventeen canonical codes; anything else an upstream sends is read as UNKNOWN. */
export type Code = (typeof Code)[keyof typeof Code];

/** The name of a code, e.g. `NOT_FOUND`. */
export type CodeName = keyof typeof Code;

const NAMES: ReadonlyMap<number, CodeName> = new Map(
  // Object.entries widens the keys to string; they are the keys of Code by construction.
  Object.entries(Code).map(([name, code]) => [code, name as CodeName]),
);

/** The name of `code`, or `UNKNOWN` for a number outside the table. */
export function codeName(code: number): CodeName {
  return NAMES.get(code) ?? "UNKNOWN";
}

/** Whether `code` is one of the canonical codes. */
export function isCode(code: number): code is Code {
  return NAMES.has(code);
}
