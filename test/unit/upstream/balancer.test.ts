/** The contract of every balancer, and how each spreads calls. Chance is seeded. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type Balancer,
  type BalancingPolicy,
  type Candidate,
  createBalancer,
} from "../../../src/upstream/balancer.ts";
import { Random } from "../../support/random.ts";

const POLICIES: readonly BalancingPolicy[] = ["least_request", "round_robin", "pick_first", "weighted"];

interface TestCandidate extends Candidate {
  readonly name: string;
  hasRoom: boolean;
  openStreams: number;
  weight: number;
}

function seededRandom(seed: number): () => number {
  const random = new Random(seed);
  return () => random.next();
}

function candidates(...weights: readonly number[]): TestCandidate[] {
  return weights.map((weight, i) => ({ name: "abcdefgh".charAt(i), hasRoom: true, openStreams: 0, weight }));
}

/** How often each candidate is picked in `picks` calls that end at once. */
function distribution(
  balancer: Balancer,
  among: readonly TestCandidate[],
  picks: number,
): Record<string, number> {
  const counts = Object.fromEntries(among.map(({ name }) => [name, 0]));
  for (let i = 0; i < picks; i++) {
    const picked = balancer.pick(among);
    assert.ok(picked !== undefined);
    counts[picked.name] = (counts[picked.name] ?? 0) + 1;
  }
  return counts;
}

for (const policy of POLICIES) {
  describe(`${policy}: the contract of balancers`, () => {
    const make = (): Balancer => createBalancer(policy, seededRandom(7));

    test("nothing is picked among none", () => {
      assert.equal(make().pick([]), undefined);
    });

    test("one candidate is picked whenever it has room", () => {
      const balancer = make();
      const [only] = candidates(3);
      assert.ok(only !== undefined);
      for (const hasRoom of [true, false, true, true, false]) {
        only.hasRoom = hasRoom;
        assert.equal(balancer.pick([only]), hasRoom ? only : undefined);
      }
    });

    test("whoever has room is found, however many have none", () => {
      const balancer = make();
      const among = candidates(1, 5, 1, 2, 1);
      for (let round = 0; round < 100; round++) {
        for (const [i, candidate] of among.entries()) candidate.hasRoom = i === round % 5;
        assert.equal(balancer.pick(among), among[round % 5]);
      }
    });

    test("none is picked where none has room, and that is no reason to be out of step afterwards", () => {
      const balancer = make();
      const among = candidates(1, 1, 1);
      for (const candidate of among) candidate.hasRoom = false;
      for (let i = 0; i < 100; i++) assert.equal(balancer.pick(among), undefined);
      for (const candidate of among) candidate.hasRoom = true;
      assert.ok(balancer.pick(among) !== undefined);
    });

    test("candidates may come and go", () => {
      const balancer = make();
      const all = candidates(1, 2, 3, 4);
      for (let i = 0; i < 200; i++) {
        const among = all.filter((_candidate, j) => (i >> j) % 2 === 0);
        const picked = balancer.pick(among);
        assert.equal(picked !== undefined, among.length > 0);
        assert.ok(picked === undefined || among.includes(picked));
      }
    });
  });
}

describe("least_request", () => {
  test("idle candidates share evenly", () => {
    const counts = distribution(
      createBalancer("least_request", seededRandom(1)),
      candidates(1, 9, 1, 1),
      40_000,
    );
    for (const count of Object.values(counts)) assert.ok(Math.abs(count - 10_000) < 500, `${count}`);
  });

  test("of two that chance chooses the less loaded is picked", () => {
    const among = candidates(1, 1);
    const [a, b] = among;
    assert.ok(a !== undefined && b !== undefined);
    a.openStreams = 3;
    b.openStreams = 2;
    const chances = [0, 0.9, 0.9, 0];
    const balancer = createBalancer("least_request", () => chances.shift() ?? 0);
    assert.equal(balancer.pick(among), b);
    assert.equal(balancer.pick(among), b);
    assert.equal(balancer.pick(among), a, "chance chose it twice");
  });

  test("calls that stay open are spread nearly evenly, and a slow endpoint gets few", () => {
    const random = seededRandom(2);
    const balancer = createBalancer("least_request", random);
    const among = candidates(1, 1, 1, 1);
    const picks = new Map<string, number>();
    // `a` ends a call in 5% of the steps, the others in 50%.
    for (let step = 0; step < 20_000; step++) {
      const picked = balancer.pick(among);
      assert.ok(picked !== undefined);
      picked.openStreams++;
      picks.set(picked.name, (picks.get(picked.name) ?? 0) + 1);
      for (const each of among) {
        if (each.openStreams > 0 && random() < (each.name === "a" ? 0.05 : 0.5)) each.openStreams--;
      }
    }
    const { a = 0, b = 0, c = 0, d = 0 } = Object.fromEntries(picks);
    assert.ok(a < 0.1 * 20_000, `the slow one had ${a}`);
    for (const fast of [b, c, d]) assert.ok(fast > 0.27 * 20_000, `a fast one had ${fast}`);
  });
});

describe("round_robin", () => {
  test("each has its turn, from a start that chance chooses", () => {
    const among = candidates(1, 5, 1);
    assert.deepEqual(
      distribution(
        createBalancer("round_robin", () => 0),
        among,
        300,
      ),
      { a: 100, b: 100, c: 100 },
    );
    const starts = new Set<string | undefined>();
    const random = seededRandom(3);
    for (let i = 0; i < 50; i++) starts.add(createBalancer("round_robin", random).pick(among)?.name);
    assert.deepEqual(starts, new Set(["a", "b", "c"]));
  });

  test("one without room is passed over and does not lose the others their turns", () => {
    const among = candidates(1, 1, 1);
    const balancer = createBalancer("round_robin", () => 0);
    const [, b] = among;
    assert.ok(b !== undefined);
    b.hasRoom = false;
    assert.deepEqual(distribution(balancer, among, 100), { a: 50, b: 0, c: 50 });
  });
});

describe("pick_first", () => {
  test("the first with room is picked, and one endpoint is connected at a time", () => {
    const among = candidates(1, 9, 9);
    const balancer = createBalancer("pick_first", seededRandom(4));
    assert.equal(balancer.reach, "first");
    assert.deepEqual(distribution(balancer, among, 10), { a: 10, b: 0, c: 0 });
    const [a] = among;
    assert.ok(a !== undefined);
    a.hasRoom = false;
    assert.deepEqual(distribution(balancer, among, 10), { a: 0, b: 10, c: 0 });
  });
});

describe("weighted", () => {
  test("every round of calls is split exactly by weight, and no candidate has its calls in a row", () => {
    const among = candidates(5, 1, 1);
    const balancer = createBalancer("weighted", seededRandom(5));
    const order = Array.from({ length: 7 }, () => balancer.pick(among)?.name).join("");
    assert.equal(order, "aabacaa");
    assert.deepEqual(distribution(balancer, among, 7_000), { a: 5000, b: 1000, c: 1000 });
  });

  test("weights need not be whole", () => {
    const counts = distribution(
      createBalancer("weighted", seededRandom(6)),
      candidates(0.5, 1 / 3, 1 / 6),
      6000,
    );
    for (const [name, share] of Object.entries({ a: 3000, b: 2000, c: 1000 })) {
      assert.ok(Math.abs((counts[name] ?? 0) - share) <= 1, `${name}: ${counts[name]}`);
    }
  });

  test("what one without room cannot take is shared by the others, in their relation", () => {
    const among = candidates(10, 3, 1);
    const [a] = among;
    assert.ok(a !== undefined);
    a.hasRoom = false;
    const balancer = createBalancer("weighted", seededRandom(8));
    assert.deepEqual(distribution(balancer, among, 400), { a: 0, b: 300, c: 100 });
    a.hasRoom = true;
    const counts = distribution(balancer, among, 1400);
    assert.ok(Math.abs((counts.a ?? 0) - 1000) <= 10, "it does not make up for what it could not take");
  });

  test("those that stay keep their turn when others come", () => {
    const balancer = createBalancer("weighted", seededRandom(9));
    const [a, b, c] = candidates(1, 1, 1);
    assert.ok(a !== undefined && b !== undefined && c !== undefined);
    const names: string[] = [];
    for (let i = 0; i < 30; i++) names.push(balancer.pick(i % 2 === 0 ? [a, b] : [a, b, c])?.name ?? "");
    assert.ok(names.filter((name) => name === "b").length >= 10, names.join(""));
  });
});
