/** Snapshots as tests need them: one listener, whose matcher is at hand. */
import { createRegistry } from "@bufbuild/protobuf";
import { type ListenerTable, type Route, type RoutingSnapshot, tableOf } from "../../src/gateway/index.ts";
import type { PreflightPolicy } from "../../src/policy/index.ts";
import type { ErrorSettings } from "../../src/protocol/index.ts";
import { type PathMatcher, PathMatcherBuilder, parseTemplate } from "../../src/routing/index.ts";

/** A snapshot of one listener that serves `routes`. */
export function snapshotOf(
  routes: readonly Route[],
  errors: ErrorSettings,
  more: Partial<RoutingSnapshot> & Partial<Pick<ListenerTable, "policies">> = {},
): RoutingSnapshot {
  const matcher = new PathMatcherBuilder<Route>();
  for (const route of routes) matcher.add(route.httpMethod, parseTemplate(route.template), route);
  const { policies = [policySet(undefined)], pendingUpstreams = [], ...rest } = more;
  const table = { name: "test", matcher: matcher.build(), routes, policies, pendingUpstreams };
  return {
    revision: 1,
    listeners: [table],
    routes,
    pendingUpstreams,
    registry: createRegistry(),
    errors,
    headers: [],
    ...rest,
  };
}

/** Policies of a table: CORS, or none. */
export function policySet(cors: PreflightPolicy | undefined): ListenerTable["policies"][number] {
  return { cors, policies: cors === undefined ? [] : [cors] };
}

/** The matcher of a snapshot's first listener. */
export function matcherOf(snapshot: RoutingSnapshot): PathMatcher<Route> {
  return tableOf(snapshot, 0).matcher;
}
