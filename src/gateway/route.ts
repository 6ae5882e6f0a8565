/**
 * One binding, ready to serve: what a match leads to.
 */
import type { ProtocolRoute } from "../protocol/index.ts";
import type { BindingSource } from "../routing/index.ts";
import type { CallOpener, UpstreamTarget } from "../upstream/index.ts";

/** A route of the table. Immutable; shared by all requests that match it. */
export interface Route extends ProtocolRoute {
  /** The HTTP method, or `*` for any. */
  readonly httpMethod: string;
  /** The path template as the rule states it: the label in logs and metrics. */
  readonly template: string;
  /** Where the rule stood. */
  readonly source: BindingSource;
  /** Field paths of the template's variables, in the order of the captures. */
  readonly variables: readonly string[];
  readonly body: string;
  readonly responseBody: string;
  readonly upstream: string;
  /** Which policies hold for it: an index into `ListenerTable.policies`. */
  readonly policySet: number;
  /** Where the upstream is, for traces; undefined where it has several addresses. */
  readonly target?: UpstreamTarget | undefined;
  /** The upstream's channel, or one before it that repeats calls. */
  readonly channel: CallOpener;
}
