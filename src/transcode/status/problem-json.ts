/**
 * A status as `application/problem+json`.
 * Source: RFC 9457. `code`, `reason`, `violations` and `details` are extension members (section 3.2).
 */
import type { Registry } from "@bufbuild/protobuf";
import { codeName, type Status } from "../../status/index.ts";
import { causeOf, violationsOf } from "./known-details.ts";
import { createDetailsRenderer } from "./status-json.ts";

/** The media type of {@link createProblemRenderer}'s text. */
export const PROBLEM_MEDIA_TYPE: string = "application/problem+json";

/** Renders a status that is answered with an HTTP status. */
export type HttpStatusRenderer = (status: Status, httpStatus: number) => string;

/** RFC 9110 section 15, with the registered additions that the gateway uses, and nginx's 499. */
const PHRASES: ReadonlyMap<number, string> = new Map([
  [400, "Bad Request"],
  [401, "Unauthorized"],
  [403, "Forbidden"],
  [404, "Not Found"],
  [405, "Method Not Allowed"],
  [409, "Conflict"],
  [412, "Precondition Failed"],
  [413, "Content Too Large"],
  [415, "Unsupported Media Type"],
  [429, "Too Many Requests"],
  [431, "Request Header Fields Too Large"],
  [499, "Client Closed Request"],
  [500, "Internal Server Error"],
  [501, "Not Implemented"],
  [502, "Bad Gateway"],
  [503, "Service Unavailable"],
  [504, "Gateway Timeout"],
]);

/**
 * Makes the renderer. `type` is `about:blank`, so `title` is the phrase of the HTTP status (section 4.2.1); `code` is
 * the gRPC code's name; `details` holds the upstream's details, if it sent any.
 */
export function createProblemRenderer(registry: Registry): HttpStatusRenderer {
  const details = createDetailsRenderer(registry);
  return (status, httpStatus) => {
    const violations = violationsOf(status);
    const problem = JSON.stringify({
      type: "about:blank",
      title: PHRASES.get(httpStatus) ?? codeName(status.code),
      status: httpStatus,
      detail: status.message,
      code: codeName(status.code),
      reason: causeOf(status)?.reason,
      violations: violations.length > 0 ? violations : undefined,
    });
    if (status.details.length === 0) return problem;
    return `${problem.slice(0, -1)},"details":${details(status)}}`;
  };
}
