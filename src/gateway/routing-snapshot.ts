/**
 * What a request is served from: one immutable value, replaced whole.
 */
import type { Registry } from "@bufbuild/protobuf";
import type { HeaderList } from "../http/index.ts";
import type { Policy, PreflightPolicy } from "../policy/index.ts";
import type { ErrorSettings } from "../protocol/index.ts";
import { type PathMatcher, PathMatcherBuilder } from "../routing/index.ts";
import type { Route } from "./route.ts";

/** The policies of some routes on one listener. */
export interface PolicySet {
  readonly cors: PreflightPolicy | undefined;
  /** Asked in order, for every request, `cors` included. */
  readonly policies: readonly Policy[];
}

/** What one listener serves. */
export interface ListenerTable {
  /** As logs and tables name it. */
  readonly name: string;
  /** Shared by listeners with equal route sets. */
  readonly matcher: PathMatcher<Route>;
  /** What the matcher holds, in the order of declaration. */
  readonly routes: readonly Route[];
  /** By `Route.policySet`; the first is for requests that match no route, too. */
  readonly policies: readonly PolicySet[];
  /** Upstreams whose schema has not been loaded yet: a path that has no route here may get one. */
  readonly pendingUpstreams: readonly string[];
}

/** The route tables and what goes with them. Deeply read-only. */
export interface RoutingSnapshot {
  /** Counts up from 0, the empty snapshot at start. */
  readonly revision: number;
  /** In the order of the config's listeners. */
  readonly listeners: readonly ListenerTable[];
  /** Every route, in the order of declaration, whether or not a listener serves it. */
  readonly routes: readonly Route[];
  readonly pendingUpstreams: readonly string[];
  /** The types of all upstreams, for what may stand in an Any. */
  readonly registry: Registry;
  /** For errors of requests that match no route. */
  readonly errors: ErrorSettings;
  /** Fields of every reply to such a request. */
  readonly headers: HeaderList;
}

const NO_TABLE: ListenerTable = {
  name: "",
  matcher: new PathMatcherBuilder<Route>().build(),
  routes: [],
  policies: [{ cors: undefined, policies: [] }],
  pendingUpstreams: [],
};

/** The table of the `index`-th listener; an empty one for a listener that the snapshot does not know. */
export function tableOf({ listeners }: Pick<RoutingSnapshot, "listeners">, index: number): ListenerTable {
  return listeners[index] ?? NO_TABLE;
}

/** One of a table's policy sets. */
export function policySetOf({ policies, name }: ListenerTable, index: number): PolicySet {
  const set = policies[index];
  if (set === undefined) throw new Error(`listener ${name} has no policy set ${index}`);
  return set;
}
