/** Methods, settings and errors of routes that tests make by hand. */
import type { DescMethod } from "@bufbuild/protobuf";
import { EmptySchema } from "@bufbuild/protobuf/wkt";
import { compileHeaderRules, type ErrorSettings, type RouteSettings } from "../../src/protocol/index.ts";
import type { MethodKind, MethodSchema } from "../../src/schema/index.ts";
import { PLAIN_STREAMS } from "./stream-settings.ts";

/** Shows code, message and reason; nothing of the formats of real errors. */
export const PLAIN_ERRORS: ErrorSettings = {
  format: "google",
  httpStatusByCode: {},
  render: ({ code, message, reason }) => ({
    contentType: "application/json",
    body: JSON.stringify({ code, message, reason }),
    retryAfterSeconds: undefined,
  }),
};

const ANY_HEADER = compileHeaderRules({ allow: ["*"], deny: [], rename: {}, prefix: "" });

/** Limits that a test can reach, all headers, no time limit but the deadline. */
export const PLAIN_SETTINGS: RouteSettings = {
  deadlineMs: 1000,
  idleTimeoutMs: Number.POSITIVE_INFINITY,
  maxRequestBodyBytes: 10,
  uploadChunkBytes: 4,
  requestHeaders: ANY_HEADER,
  responseHeaders: ANY_HEADER,
  errors: PLAIN_ERRORS,
  stream: PLAIN_STREAMS,
  etag: "none",
};

/** `t.S.Get`, without fields either way. */
export function plainMethod(kind: MethodKind): MethodSchema {
  return {
    fullName: "t.S.Get",
    rpcPath: "/t.S/Get",
    kind,
    input: EmptySchema,
    output: EmptySchema,
    // Relay and writers read names and the kind only.
    descriptor: {} as DescMethod,
    inputShape: EmptySchema,
    outputShape: EmptySchema,
    httpRule: undefined,
    idempotency: "unknown",
  };
}
