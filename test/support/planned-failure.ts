/**
 * Failures that the client of a test asks the echo server for, by metadata.
 */
import type { Metadata } from "@grpc/grpc-js";

/** A failure in place of what would come after so many messages. */
export interface PlannedFailure {
  readonly after: number;
  /** As grpc-js takes it. */
  readonly error: Error & { readonly code: number; readonly details: string };
}

/** What `x-fail-after` and `x-fail-code` ask for, if they do. Its message is `enough`. */
export function plannedFailure(metadata: Metadata): PlannedFailure | undefined {
  const [after] = metadata.get("x-fail-after");
  const [code] = metadata.get("x-fail-code");
  if (after === undefined || code === undefined) return undefined;
  return { after: Number(after), error: scriptedFailure(Number(code), "enough") };
}

/** An error that ends a call with `code`. */
export function scriptedFailure(code: number, message: string): PlannedFailure["error"] {
  return Object.assign(new Error(message), { code, details: message });
}

/** As many of `messages` as come before the failure, which is then thrown. */
export async function* untilFailure<T>(
  messages: Iterable<T> | AsyncIterable<T>,
  { after, error }: PlannedFailure,
): AsyncGenerator<T, void, undefined> {
  let count = 0;
  for await (const message of messages) {
    if (count++ === after) break;
    yield message;
  }
  throw error;
}
