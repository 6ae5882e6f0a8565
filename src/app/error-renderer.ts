/**
 * Error bodies in every format, over the types that details may have.
 */
import type { Registry } from "@bufbuild/protobuf";
import type { ErrorRenderer } from "../protocol/index.ts";
import {
  createProblemRenderer,
  createStatusRenderer,
  PROBLEM_MEDIA_TYPE,
  renderKratosError,
  retryAfterSeconds,
} from "../transcode/index.ts";

/** Makes the renderer for statuses whose details may be of any type in `registry`. */
export function createErrorRenderer(registry: Registry): ErrorRenderer {
  const google = createStatusRenderer(registry);
  const problem = createProblemRenderer(registry);
  return (status, httpStatus, format) => {
    const after = retryAfterSeconds(status);
    switch (format) {
      case "google":
        return { contentType: "application/json", body: google(status), retryAfterSeconds: after };
      case "problem":
        return {
          contentType: PROBLEM_MEDIA_TYPE,
          body: problem(status, httpStatus),
          retryAfterSeconds: after,
        };
      case "kratos":
        return {
          contentType: "application/json",
          body: renderKratosError(status, httpStatus),
          retryAfterSeconds: after,
        };
      default:
        return format satisfies never;
    }
  };
}
