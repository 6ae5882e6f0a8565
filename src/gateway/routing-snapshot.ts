/**
 * What a request is served from: one immutable value, replaced whole.
 */
import type { Registry } from "@bufbuild/protobuf";
import type { ErrorSettings } from "../protocol/index.ts";
import type { PathMatcher } from "../routing/index.ts";
import type { Route } from "./route.ts";

/** The route table and what goes with it. Deeply read-only. */
export interface RoutingSnapshot {
  /** Counts up from 0, the empty snapshot at start. */
  readonly revision: number;
  readonly matcher: PathMatcher<Route>;
  /** Every route, in the order of declaration. */
  readonly routes: readonly Route[];
  /** Upstreams whose schema has not been loaded yet: a path that has no route may get one. */
  readonly pendingUpstreams: readonly string[];
  /** The types of all upstreams, for what may stand in an Any. */
  readonly registry: Registry;
  /** For errors of requests that match no route. */
  readonly errors: ErrorSettings;
}
