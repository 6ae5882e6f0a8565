/**
 * Which endpoint the next call goes to. A balancer runs for every call: it allocates nothing.
 */

/** An endpoint as balancers see it. */
export interface Candidate {
  /** Whether a call can be opened on it now. */
  readonly hasRoom: boolean;
  /** Calls under way on it. */
  readonly openStreams: number;
  /** Above 0; only its relation to the other weights counts. */
  readonly weight: number;
}

/** Chooses among endpoints. One for each channel, since it may remember its last choices. */
export interface Balancer {
  /** Whether every endpoint is to be connected, or one at a time, the first that can be. */
  readonly reach: "every" | "first";
  /**
   * One of `candidates` that has room, or undefined where none has. They are connected and in the resolver's order; the
   * array is another one whenever they change.
   */
  pick<C extends Candidate>(candidates: readonly C[]): C | undefined;
}

/** The policies, by their names in config. */
export type BalancingPolicy = "least_request" | "round_robin" | "pick_first" | "weighted";

/** Makes a balancer; `random` is uniform in [0, 1). */
export function createBalancer(policy: BalancingPolicy, random: () => number): Balancer {
  switch (policy) {
    case "least_request":
      return new LeastRequest(random);
    case "round_robin":
      return new RoundRobin(random);
    case "pick_first":
      return new PickFirst();
    case "weighted":
      return new Weighted();
  }
}

/**
 * The less loaded of two that chance chooses: nearly as even as looking at all of them, and many gateways do not fall
 * upon the same idle endpoint. Source: Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing".
 */
class LeastRequest implements Balancer {
  readonly reach = "every";
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  pick<C extends Candidate>(candidates: readonly C[]): C | undefined {
    const count = candidates.length;
    const one = candidates[count > 1 ? Math.floor(this.#random() * count) : 0];
    const other = count > 1 ? candidates[Math.floor(this.#random() * count)] : one;
    if (one === undefined || other === undefined) return undefined;
    const best = other.openStreams < one.openStreams ? other : one;
    return best.hasRoom ? best : leastLoaded(candidates);
  }
}

/** One after the other, from a start that chance chooses, so that many gateways do not march in step. */
class RoundRobin implements Balancer {
  readonly reach = "every";
  #next: number;

  constructor(random: () => number) {
    this.#next = Math.floor(random() * 2 ** 16);
  }

  pick<C extends Candidate>(candidates: readonly C[]): C | undefined {
    const count = candidates.length;
    for (let i = 0; i < count; i++) {
      const at = (this.#next + i) % count;
      const candidate = candidates[at];
      if (candidate?.hasRoom !== true) continue;
      this.#next = at + 1;
      return candidate;
    }
    return undefined;
  }
}

/** The first that can be had; the others are there for when it cannot. */
class PickFirst implements Balancer {
  readonly reach = "first";

  pick<C extends Candidate>(candidates: readonly C[]): C | undefined {
    for (const candidate of candidates) if (candidate.hasRoom) return candidate;
    return undefined;
  }
}

/**
 * In proportion to the weights, as evenly spread as can be: each gains its weight with every pick, the richest is picked
 * and pays for all (nginx's smooth weighted round robin).
 */
class Weighted implements Balancer {
  readonly reach = "every";
  #known: readonly Candidate[] = [];
  /** What each of the known ones has gained. */
  #credits: number[] = [];

  pick<C extends Candidate>(candidates: readonly C[]): C | undefined {
    if (candidates !== this.#known) this.#meet(candidates);
    const credits = this.#credits;
    let total = 0;
    let best = -1;
    for (let i = 0; i < candidates.length; i++) {
      const candidate = candidates[i];
      if (candidate?.hasRoom !== true) continue;
      total += candidate.weight;
      const credit = (credits[i] ?? 0) + candidate.weight;
      credits[i] = credit;
      if (best < 0 || credit > (credits[best] ?? 0)) best = i;
    }
    if (best < 0) return undefined;
    credits[best] = (credits[best] ?? 0) - total;
    return candidates[best];
  }

  /** Those that stay keep what they have gained. */
  #meet(candidates: readonly Candidate[]): void {
    const credits = new Map(this.#known.map((candidate, i) => [candidate, this.#credits[i] ?? 0]));
    this.#credits = candidates.map((candidate) => credits.get(candidate) ?? 0);
    this.#known = candidates;
  }
}

function leastLoaded<C extends Candidate>(candidates: readonly C[]): C | undefined {
  let best: C | undefined;
  for (const candidate of candidates) {
    if (!candidate.hasRoom) continue;
    if (best === undefined || candidate.openStreams < best.openStreams) best = candidate;
  }
  return best;
}
