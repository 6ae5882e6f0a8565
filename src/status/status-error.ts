/** A Status on its way through code that can only throw. */
import type { Reason } from "./reasons.ts";
import { type FieldViolation, gatewayStatus, type Status } from "./status.ts";

/**
 * Throws a {@link Status} through code that has no other way to end a request.
 *
 * It carries no stack: it is an answer to a client, not a fault of the gateway, and on a hostile
 * request the stack would cost more than the refusal.
 */
export class StatusError extends Error {
  readonly status: Status;

  constructor(status: Status) {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(status.message);
    Error.stackTraceLimit = limit;
    this.name = "StatusError";
    this.status = status;
  }
}

/** A StatusError with a gateway-made status. `field` adds one violation with the same text. */
export function refuse(reason: Reason, message: string, field?: string): StatusError {
  const violations: readonly FieldViolation[] = field === undefined ? [] : [{ field, description: message }];
  return new StatusError(gatewayStatus(reason, message, violations));
}
