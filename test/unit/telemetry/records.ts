/** Access records for the tests of what is made of them. */
import { Code } from "../../../src/status/index.ts";
import type { AccessRecord } from "../../../src/telemetry/index.ts";

/** A record of a unary call that succeeded, but for what `fields` say. */
export function record(fields: Partial<AccessRecord> = {}): AccessRecord {
  return {
    requestId: "id-1",
    traceId: "",
    listener: "127.0.0.1:8080",
    peer: "192.0.2.1",
    httpMethod: "GET",
    path: "/v1/shelves/1",
    query: "",
    headers: [],
    route: "/v1/{name=shelves/*}",
    rpc: "library.v1.LibraryService.GetShelf",
    upstream: "library",
    httpStatus: 200,
    code: Code.OK,
    reason: undefined,
    durationMs: 20,
    upstreamMs: 12,
    transcodeMs: 0.2,
    bytesIn: 3,
    bytesOut: 40,
    unknownFields: [],
    ...fields,
  };
}
