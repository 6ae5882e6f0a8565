/**
 * A status as clients of Kratos expect errors: `{"code", "reason", "message", "metadata"}`.
 * Source: go-kratos/kratos errors/errors.proto; `code` is the HTTP status.
 */
import type { Status } from "../../status/index.ts";
import { causeOf, violationsOf } from "./known-details.ts";

/** Renders the body. `reason` is "" where none is known; violations of a request go into `metadata`, by field. */
export function renderKratosError(status: Status, httpStatus: number): string {
  const cause = causeOf(status);
  const metadata = new Map(Object.entries(cause?.metadata ?? {}));
  for (const { field, description } of violationsOf(status)) {
    if (!metadata.has(field)) metadata.set(field, description);
  }
  return JSON.stringify({
    code: httpStatus,
    reason: cause?.reason ?? "",
    message: status.message,
    metadata: Object.fromEntries(metadata),
  });
}
