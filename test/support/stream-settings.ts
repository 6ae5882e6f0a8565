/** How streams are written where nothing is configured; for tests that make routes by hand. */
import type { StreamSettings } from "../../src/protocol/index.ts";

/** The built-in settings, but without heartbeats. */
export const PLAIN_STREAMS: StreamSettings = {
  format: "ndjson",
  envelope: "none",
  sse: {
    event: "",
    idOf: undefined,
    resumeAfter: undefined,
    heartbeatMs: Number.POSITIVE_INFINITY,
    retryMs: 3000,
  },
};
