/**
 * What the demo reads from and adds to the metadata of every call.
 *
 * | in                    | out, as initial metadata                                      |
 * |-----------------------|---------------------------------------------------------------|
 * | `x-request-id`        | `x-library-request-id`: the same, or one that was made up     |
 * | `authorization`       | `x-library-caller`: its scheme (never the secret), or `anonymous` |
 * | `x-library-trace-bin` | `x-library-trace-bin`: the same bytes                         |
 *
 * Trailers: `x-library-revision`, the revision of the library when the call began, and `x-library-revision-bin`, the
 * same as eight bytes.
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { Metadata } from "@grpc/grpc-js";
import type { InspectCallResponseSchema } from "../gen/library/v1/library_pb.ts";
import type { CallContext } from "./grpc-service.ts";

const MAX_ECHO_LENGTH = 1024;
/** Keys whose values are secrets, told by their first word alone. */
const SECRET_KEYS: ReadonlySet<string> = new Set([
  "authorization",
  "proxy-authorization",
  "cookie",
  "x-api-key",
]);

/** Sets the headers and trailers that every reply carries. */
export function markCall(call: CallContext, revision: bigint, newId: () => string): void {
  const requestId = textOf(call.metadata, "x-request-id");
  const isUsable = requestId !== undefined && requestId !== "" && requestId.length <= MAX_ECHO_LENGTH;
  call.headers.set("x-library-request-id", isUsable ? requestId : newId());
  const authorization = textOf(call.metadata, "authorization");
  call.headers.set("x-library-caller", authorization === undefined ? "anonymous" : schemeOf(authorization));
  const trace = call.metadata.get("x-library-trace-bin")[0];
  if (trace instanceof Buffer && trace.length <= MAX_ECHO_LENGTH)
    call.headers.set("x-library-trace-bin", trace);

  const revisionBytes = Buffer.alloc(8);
  revisionBytes.writeBigUInt64BE(revision);
  call.trailers.set("x-library-revision", String(revision));
  call.trailers.set("x-library-revision-bin", revisionBytes);
}

/** What InspectCall replies with. `nowMs` is epoch milliseconds. */
export function describeCall(
  call: CallContext,
  nowMs: number,
): MessageInitShape<typeof InspectCallResponseSchema> {
  const metadata: Record<string, string> = {};
  const binaryMetadata: Record<string, Uint8Array> = {};
  for (const key of Object.keys(call.metadata.getMap())) {
    const texts: string[] = [];
    for (const value of call.metadata.get(key)) {
      if (typeof value !== "string") binaryMetadata[key] = value;
      else texts.push(SECRET_KEYS.has(key) ? `${schemeOf(value)} …` : value);
    }
    if (texts.length > 0) metadata[key] = texts.join(",");
  }
  if (!Number.isFinite(call.deadlineMs)) return { metadata, binaryMetadata };
  const remainingMs = Math.max(0, call.deadlineMs - nowMs);
  return {
    metadata,
    binaryMetadata,
    deadline: timestampFromMs(call.deadlineMs),
    remaining: durationFromMs(remainingMs),
  };
}

function textOf(metadata: Metadata, key: string): string | undefined {
  const value = metadata.get(key)[0];
  return typeof value === "string" ? value : undefined;
}

/** The first word of a credential, where a second one holds the secret. */
function schemeOf(credential: string): string {
  const space = credential.indexOf(" ");
  return space > 0 && space <= 20 ? credential.slice(0, space) : "unknown";
}
