/**
 * The units of upstreams: what each is called and described by. All that live are owned here, from the opening to the
 * end of their last call.
 */
import type { Config, UpstreamConfig } from "../config/index.ts";
import type { SchemaSource } from "../schema/index.ts";
import type { Problem } from "../status/index.ts";
import type { Channel, UpstreamRetries } from "../upstream/index.ts";
import { unitDigest } from "./config-digest.ts";
import type { SchemaCache } from "./schema-cache.ts";
import { type FollowerParts, type FoundSchema, SchemaFollower } from "./schema-follower.ts";
import type { TlsTarget } from "./tls-files.ts";

/** A channel and what belongs to it. */
export interface UpstreamUnit {
  readonly upstream: string;
  readonly channel: Channel;
  readonly retries: UpstreamRetries;
  readonly sources: readonly SchemaSource[];
  /** Opens connections, so that the first calls find them open. Takes no longer than the upstream may; never rejects. */
  readonly warmUp: () => Promise<void>;
  /** Where its last good schema is kept; undefined where it is not. */
  readonly cache: SchemaCache | undefined;
  /** Undefined where nothing of its TLS can change. */
  readonly tls: TlsTarget | undefined;
  /** Takes no more requests; resolves when those under way have ended. */
  close(): Promise<void>;
}

/** A unit, or why there is none. */
export interface OpenedUnit {
  readonly unit: UpstreamUnit | undefined;
  readonly problems: readonly Problem[];
}

/** Makes the unit of `upstream`; opens no connection yet. */
export type OpenUnit = (config: Config, upstream: UpstreamConfig) => Promise<OpenedUnit>;

/** A unit whose schema is followed. */
export interface LiveUnit {
  readonly unit: UpstreamUnit;
  /** Of the config that it was made of (`unitDigest`). */
  readonly digest: string;
  readonly follower: SchemaFollower;
  /** Resolves after the first try to read its schema. */
  readonly firstTry: Promise<void>;
}

/** What a follower takes from the unit that it is for. */
export type PartsOfUnit = "upstream" | "sources" | "warmUp" | "cache" | "known" | "intervalMs";

/** What the pool works with. */
export interface UnitPoolParts extends Omit<FollowerParts, PartsOfUnit> {
  readonly openUnit: OpenUnit;
}

/** Opens and retires units. */
export class UnitPool {
  readonly #parts: UnitPoolParts;
  readonly #live = new Set<LiveUnit>();
  readonly #retiring = new Map<LiveUnit, Promise<void>>();

  constructor(parts: UnitPoolParts) {
    this.#parts = parts;
  }

  /** Units that are out of use and still have requests under way. */
  get retiring(): number {
    return this.#retiring.size;
  }

  /** Makes the unit of `upstream` and begins to follow its schema. */
  async open(
    config: Config,
    upstream: UpstreamConfig,
  ): Promise<{ readonly live: LiveUnit | undefined; readonly problems: readonly Problem[] }> {
    const { openUnit, ...parts } = this.#parts;
    const { unit, problems } = await openUnit(config, upstream);
    if (unit === undefined) return { live: undefined, problems };
    const intervalMs = upstream.schema.reflection?.intervalMs ?? Number.POSITIVE_INFINITY;
    const { sources, warmUp, cache } = unit;
    const follower = new SchemaFollower({
      ...parts,
      upstream: upstream.name,
      sources,
      warmUp,
      cache,
      known: (digest) => this.#known(upstream.name, digest),
      intervalMs,
    });
    const live = { unit, digest: unitDigest(upstream), follower, firstTry: follower.start() };
    this.#live.add(live);
    return { live, problems };
  }

  /** What an upstream is connected anew for, or two upstreams share, is linked once. */
  #known(upstream: string, digest: string): FoundSchema | undefined {
    for (const { unit, follower } of this.#live) {
      const { found } = follower;
      // Problems name where the files came from.
      const isFitting = found?.problems.length === 0 || unit.upstream === upstream;
      if (isFitting && found?.digest === digest) return found;
    }
    return undefined;
  }

  /** Takes a unit out of use. Its requests go on to their end, and nobody waits for that. */
  retire(live: LiveUnit): void {
    if (!this.#live.delete(live)) return;
    const end = async (): Promise<void> => {
      // A channel that closes under a reading would fail it, and the follower would tell of that.
      await live.follower.stop();
      await live.unit.close();
    };
    const ended = end()
      .catch((error: unknown) => {
        this.#parts.log.error(
          { err: error, upstream: live.unit.upstream },
          "an upstream could not be closed",
        );
      })
      .finally(() => this.#retiring.delete(live));
    this.#retiring.set(live, ended);
  }

  /** Retires all; resolves when the last call has ended. */
  async close(): Promise<void> {
    for (const live of this.#live) this.retire(live);
    await Promise.all(this.#retiring.values());
  }
}
