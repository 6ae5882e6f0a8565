/** What the connections of a listener on Node's servers need of it, whichever protocol they speak. */
import type { EngineLimits, ExchangeHandler, RefusedRequest } from "../../engine.ts";
import type { BodyDeadlines } from "./body-deadlines.ts";
import type { Refusal } from "./refusal.ts";

/** A listener, as its connections see it. */
export interface ConnectionOwner {
  readonly limits: EngineLimits;
  readonly bodies: BodyDeadlines;
  /** The times of replies that have ended and that their clients have not read, where the engine keeps them itself. */
  readonly replies: BodyDeadlines;
  readonly handler: ExchangeHandler;
  /** A connection carries its last request. */
  retiring(): void;
  /** A request has been answered by the engine itself. */
  refused(refusal: Refusal, request: Pick<RefusedRequest, "peer" | "method" | "path">): void;
}
