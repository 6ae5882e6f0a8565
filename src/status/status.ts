/**
 * The one currency for the outcome of a call, inside the gateway.
 *
 * HTTP statuses do not appear here: `http-mapping.ts` and the reply writers alone know them.
 */
import { Code } from "./code.ts";
import { REASONS, type Reason } from "./reasons.ts";

/** A `google.protobuf.Any` as it stands on the wire: a type URL and the bytes of the message. */
export interface StatusDetail {
  readonly typeUrl: string;
  readonly value: Uint8Array;
}

/**
 * One fault in a request, as in `google.rpc.BadRequest.FieldViolation`.
 * `field` is a JSON pointer (`/book/page_count`) for a body and a dotted field path for path and query.
 */
export interface FieldViolation {
  readonly field: string;
  readonly description: string;
}

/** How a call ended. `reason` is present exactly when the gateway itself made the status. */
export interface Status {
  readonly code: Code;
  readonly message: string;
  readonly origin: "gateway" | "upstream";
  readonly reason: Reason | undefined;
  /** Faults of the request, rendered as `google.rpc.BadRequest`. Only from the gateway. */
  readonly violations: readonly FieldViolation[];
  /** Details of an upstream's status (`grpc-status-details-bin`), undecoded. */
  readonly details: readonly StatusDetail[];
}

const NONE: readonly never[] = [];

/** The status of a call that succeeded. */
export const OK: Status = {
  code: Code.OK,
  message: "",
  origin: "upstream",
  reason: undefined,
  violations: NONE,
  details: NONE,
};

/** A status made by the gateway; its code is the one that `REASONS` gives for `reason`. */
export function gatewayStatus(
  reason: Reason,
  message: string,
  violations: readonly FieldViolation[] = NONE,
): Status {
  return { code: REASONS[reason].code, message, origin: "gateway", reason, violations, details: NONE };
}

/** A status that the upstream sent. */
export function upstreamStatus(code: Code, message: string, details: readonly StatusDetail[] = NONE): Status {
  return { code, message, origin: "upstream", reason: undefined, violations: NONE, details };
}
