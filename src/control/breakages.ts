/**
 * Schemas that take something away from clients: which of them wait under `onBreakingChange: hold`, and what has been
 * published.
 */
import { type ChangeKind, isEmptyDiff } from "../schema/index.ts";
import type { Logger } from "../telemetry/index.ts";
import type { Plan } from "./served-upstream.ts";
import { diffLines, isBreaking, type UpstreamDiff } from "./upstream-diff.ts";

/** A schema that waits to be confirmed. */
export interface HeldSchema {
  /** Of its files: what to confirm. */
  readonly digest: string;
  /** Since when: milliseconds since the epoch. */
  readonly since: number;
  /** What it would change, a line each. */
  readonly changes: readonly string[];
}

/** What was published of one upstream's schemas. */
export interface PublishedChanges {
  readonly counts: Readonly<Record<ChangeKind, number>>;
  /** The last differences, a line each, and when they were published; milliseconds since the epoch. */
  readonly last: { readonly at: number; readonly changes: readonly string[] };
}

const MAX_LINES = 200;
const MAX_LOG_LINES = 50;

/** Decides what waits, and keeps count. */
export class Breakages {
  readonly #log: Logger;
  readonly #now: () => number;
  readonly #held = new Map<string, HeldSchema>();
  /** The digests that were confirmed, by upstream, until they are served. */
  readonly #confirmed = new Map<string, string>();
  readonly #published = new Map<string, PublishedChanges>();

  constructor(log: Logger, now: () => number) {
    this.#log = log;
    this.#now = now;
  }

  get held(): ReadonlyMap<string, HeldSchema> {
    return this.#held;
  }

  get published(): ReadonlyMap<string, PublishedChanges> {
    return this.#published;
  }

  /** Takes note that a schema may be served; false where another one waits, or none. */
  confirm(upstream: string, digest: string): boolean {
    if (this.#held.get(upstream)?.digest !== digest) return false;
    this.#confirmed.set(upstream, digest);
    return true;
  }

  /** The upstreams of `plan` that may not be served as planned; `diffs` are against what is served now. */
  hold(plan: Plan, diffs: readonly UpstreamDiff[]): ReadonlySet<string> {
    const waiting = new Set<string>();
    for (const diff of diffs) {
      const { upstream } = diff;
      const planned = plan.get(upstream);
      // A config that changes the routes of the same schema is meant.
      if (planned === undefined || diff.schema === undefined || !isBreaking(diff)) continue;
      if (planned.config.schema.onBreakingChange === "apply") continue;
      const { digest } = planned.found;
      if (this.#confirmed.get(upstream) === digest) continue;
      waiting.add(upstream);
      if (this.#held.get(upstream)?.digest !== digest) this.#tell(upstream, digest, diff);
    }
    for (const upstream of this.#held.keys()) if (!waiting.has(upstream)) this.#held.delete(upstream);
    return waiting;
  }

  /** Takes note of what is served now. */
  onPublished(diffs: readonly UpstreamDiff[]): void {
    for (const diff of diffs) {
      const { upstream, schema } = diff;
      if (schema === undefined) continue;
      this.#confirmed.delete(upstream);
      if (isEmptyDiff(schema) && isEmptyDiff(diff.routes)) continue;
      const before = this.#published.get(upstream)?.counts ?? { added: 0, removed: 0, changed: 0 };
      const counts = {
        added: before.added + schema.counts.added + diff.routes.counts.added,
        removed: before.removed + schema.counts.removed + diff.routes.counts.removed,
        changed: before.changed + schema.counts.changed + diff.routes.counts.changed,
      };
      this.#published.set(upstream, {
        counts,
        last: { at: this.#now(), changes: diffLines(diff, MAX_LINES) },
      });
    }
  }

  #tell(upstream: string, digest: string, diff: UpstreamDiff): void {
    this.#held.set(upstream, { digest, since: this.#now(), changes: diffLines(diff, MAX_LINES) });
    this.#log.warn(
      { upstream, digest, changes: diffLines(diff, MAX_LOG_LINES) },
      "schema held: it takes something away from clients; confirm it with POST /schema/confirm",
    );
  }
}
