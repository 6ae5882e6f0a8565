import assert from "node:assert/strict";
import { beforeEach, describe, mock, test } from "node:test";
import { Code, gatewayStatus, OK, type Status, upstreamStatus } from "../../../../src/status/index.ts";
import type { CallEnd } from "../../../../src/upstream/endpoint.ts";
import type { EjectionOptions } from "../../../../src/upstream/health/options.ts";
import { OutlierDetector } from "../../../../src/upstream/health/outlier-detector.ts";
import type { OutlierMember } from "../../../../src/upstream/health/outlier-member.ts";

const OPTIONS: EjectionOptions = {
  consecutiveFailures: 3,
  latencyFactor: 5,
  baseEjectionMs: 1000,
  maxEjectionMs: 5000,
  maxEjectedPercent: 50,
};

const FAILED: Status = upstreamStatus(Code.UNAVAILABLE, "");
const GONE: Status = gatewayStatus("CLIENT_GONE", "");
const LOST: Status = gatewayStatus("UPSTREAM_UNREACHABLE", "");

/** How calls end to which the gateway itself gives these codes. */
const ENDS: Readonly<Record<number, CallEnd>> = {
  [Code.DEADLINE_EXCEEDED]: "expired",
  [Code.UNAVAILABLE]: "broken",
};

/** Endpoints on a clock that stands still unless it is moved. */
class Scene {
  now = 0;
  random = 0;
  rooms = 0;
  readonly log: string[] = [];
  readonly detector: OutlierDetector;
  readonly members: readonly OutlierMember[];

  constructor(names: string, options: Partial<EjectionOptions> = {}) {
    this.detector = new OutlierDetector(
      { ...OPTIONS, ...options },
      () => this.now,
      () => this.random,
    );
    this.members = Array.from(names).map((name) =>
      this.detector.add({
        onEjected: (reason, forMs) => this.log.push(`${name} out ${forMs} ${reason}`),
        onRoom: () => this.rooms++,
        onProbation: () => this.log.push(`${name} on probation`),
        onReturned: () => this.log.push(`${name} in`),
      }),
    );
  }

  get first(): OutlierMember {
    const [first] = this.members;
    if (first === undefined) throw new Error("no members");
    return first;
  }

  /** One call after the other, each of `ms`; a status that is not OK comes without a reply. */
  calls(member: OutlierMember, count: number, status: Status = OK, ms = 1): void {
    for (let i = 0; i < count; i++) {
      const sentAt = this.now;
      member.onSent();
      this.pass(ms);
      if (status.code === Code.OK) member.onHead(sentAt, this.now);
      const end = status.origin === "upstream" ? "answered" : ENDS[status.code];
      member.onEnd(status, end ?? "abandoned", sentAt, status.code === Code.OK ? "replied" : "silent");
    }
  }

  pass(ms: number): void {
    this.now += ms;
    mock.timers.tick(ms);
  }
}

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
});

describe("failures in a row", () => {
  test("eject an endpoint at the configured number, not before", () => {
    const scene = new Scene("ab");
    scene.calls(scene.first, 2, FAILED);
    assert.deepEqual(scene.log, []);
    assert.ok(scene.first.isPickable);
    scene.calls(scene.first, 1, FAILED);
    assert.deepEqual(scene.log, ["a out 1000 failures"]);
    assert.equal(scene.first.isPickable, false);
  });

  test("are counted anew after a good call", () => {
    const scene = new Scene("ab");
    for (let i = 0; i < 10; i++) {
      scene.calls(scene.first, 2, FAILED);
      scene.calls(scene.first, 1, i % 2 === 0 ? OK : upstreamStatus(Code.NOT_FOUND, ""));
    }
    assert.deepEqual(scene.log, []);
  });

  test("are neither broken nor made by calls whose clients left", () => {
    const scene = new Scene("ab");
    scene.calls(scene.first, 50, GONE);
    assert.deepEqual(scene.log, []);
    scene.calls(scene.first, 2, FAILED);
    scene.calls(scene.first, 1, GONE);
    scene.calls(scene.first, 1, FAILED);
    assert.deepEqual(scene.log, ["a out 1000 failures"]);
  });

  test("are deadlines, too, of an endpoint that hangs", () => {
    const scene = new Scene("ab");
    scene.calls(scene.first, 3, gatewayStatus("DEADLINE", ""), 500);
    assert.deepEqual(scene.log, ["a out 1000 failures"]);
  });

  test("are not the deadlines of clients in a hurry", () => {
    const scene = new Scene("ab");
    scene.calls(scene.first, 30, gatewayStatus("DEADLINE", ""), 20);
    assert.deepEqual(scene.log, []);
  });

  test("are losses of connections, one each, however many calls go with them", () => {
    const scene = new Scene("ab");
    for (let i = 0; i < 3; i++) {
      assert.deepEqual(scene.log, []);
      const sentAt = scene.now;
      for (let call = 0; call < 50; call++) {
        scene.first.onSent();
        scene.first.onEnd(LOST, call === 0 ? "broken" : "lost", sentAt, "silent");
      }
    }
    assert.deepEqual(scene.log, ["a out 1000 failures"]);
  });

  test("never eject where the number is Infinity", () => {
    const scene = new Scene("ab", { consecutiveFailures: Number.POSITIVE_INFINITY });
    scene.calls(scene.first, 1000, FAILED);
    assert.deepEqual(scene.log, []);
  });
});

describe("an ejection", () => {
  const LIMITS: readonly (readonly [endpoints: string, percent: number, out: number])[] = [
    ["a", 100, 0],
    ["ab", 50, 1],
    ["ab", 10, 1],
    ["ab", 0, 0],
    ["abc", 50, 1],
    ["abc", 100, 3],
    ["abcd", 50, 2],
    ["abcdefghij", 35, 3],
  ];
  for (const [endpoints, maxEjectedPercent, out] of LIMITS) {
    test(`of at most ${maxEjectedPercent} % of ${endpoints.length} concerns ${out}`, () => {
      const scene = new Scene(endpoints, { maxEjectedPercent });
      for (const member of scene.members) scene.calls(member, 10, FAILED);
      assert.equal(scene.members.filter((member) => member.isEjected).length, out);
    });
  }

  test("waits for room, and comes with the next failure", () => {
    const scene = new Scene("abc");
    const [a, b, c] = scene.members;
    if (a === undefined || b === undefined || c === undefined) throw new Error("three members");
    scene.calls(a, 3, FAILED);
    scene.calls(b, 5, FAILED);
    assert.equal(b.isEjected, false);
    scene.detector.remove(a);
    assert.equal(b.isEjected, false);
    scene.calls(b, 1, FAILED);
    assert.equal(b.isEjected, true);
  });

  test("of an endpoint that leaves makes room and ends its timer", () => {
    const scene = new Scene("abc");
    scene.calls(scene.first, 3, FAILED);
    scene.detector.remove(scene.first);
    scene.pass(10_000);
    scene.calls(scene.first, 10, FAILED);
    assert.deepEqual(scene.log, ["a out 1000 failures"]);
  });

  test("doubles with every one that follows, up to the maximum", () => {
    const scene = new Scene("ab");
    scene.calls(scene.first, 3, FAILED);
    for (const ms of [1000, 2000, 4000, 5000, 5000]) {
      scene.pass(ms);
      scene.calls(scene.first, 1, FAILED);
    }
    assert.deepEqual(
      scene.log.filter((line) => line.includes("out")),
      [1000, 2000, 4000, 5000, 5000, 5000].map((ms) => `a out ${ms} failures`),
    );
  });

  test("is drawn out by chance, but not beyond the maximum", () => {
    const scene = new Scene("ab", { maxEjectionMs: 1050 });
    scene.random = 0.4;
    scene.calls(scene.first, 3, FAILED);
    scene.pass(1040);
    scene.calls(scene.first, 1, FAILED);
    assert.deepEqual(scene.log, ["a out 1040 failures", "a on probation", "a out 1050 failures"]);
  });

  test("is forgiven by serving as long as it lasted", () => {
    const scene = new Scene("ab");
    scene.calls(scene.first, 3, FAILED);
    scene.pass(1000);
    scene.calls(scene.first, 1, FAILED);
    scene.pass(2000);
    // Twice ejected, for 1 s and for 2 s; after 2 s of service the second is made up for.
    scene.calls(scene.first, 3);
    scene.pass(2000);
    scene.calls(scene.first, 3, FAILED);
    scene.pass(2000);
    // The next was again the second. 3.1 s of service make up for both.
    scene.calls(scene.first, 3);
    scene.pass(3100);
    scene.calls(scene.first, 3, FAILED);
    assert.deepEqual(
      scene.log.filter((line) => line.includes("out")),
      [1000, 2000, 2000, 1000].map((ms) => `a out ${ms} failures`),
    );
  });

  test("is deaf to calls that were sent before or during it", () => {
    const scene = new Scene("ab");
    const sentAt = scene.now;
    scene.calls(scene.first, 3, FAILED);
    scene.first.onHead(sentAt, scene.now);
    scene.first.onEnd(FAILED, "answered", sentAt, "silent");
    scene.pass(1000);
    scene.first.onEnd(gatewayStatus("DEADLINE", ""), "expired", sentAt, "silent");
    assert.deepEqual(scene.log, ["a out 1000 failures", "a on probation"]);
  });
});

describe("on probation", () => {
  function onProbation(names = "ab"): Scene {
    const scene = new Scene(names);
    scene.calls(scene.first, 3, FAILED);
    scene.pass(1000);
    scene.log.length = 0;
    return scene;
  }

  test("one call at a time is let through", () => {
    const scene = onProbation();
    assert.ok(scene.first.isPickable);
    scene.first.onSent();
    assert.equal(scene.first.isPickable, false);
    const sentAt = scene.now;
    scene.pass(1);
    scene.first.onHead(sentAt, scene.now);
    assert.ok(scene.first.isPickable);
    assert.equal(scene.rooms, 1);
  });

  test("three good calls bring an endpoint back", () => {
    const scene = onProbation();
    scene.calls(scene.first, 2);
    assert.deepEqual(scene.log, []);
    scene.calls(scene.first, 1);
    assert.deepEqual(scene.log, ["a in"]);
    scene.first.onSent();
    assert.ok(scene.first.isPickable);
  });

  test("one bad call ejects it again", () => {
    const scene = onProbation();
    scene.calls(scene.first, 2);
    scene.calls(scene.first, 1, FAILED);
    assert.deepEqual(scene.log, ["a out 2000 failures"]);
  });

  test("a refusal that is the request's own fault is a good call", () => {
    const scene = onProbation();
    scene.calls(scene.first, 3, upstreamStatus(Code.INVALID_ARGUMENT, ""));
    assert.deepEqual(scene.log, ["a in"]);
  });

  test("a call whose client left makes room for the next and says nothing", () => {
    const scene = onProbation();
    scene.calls(scene.first, 10, GONE);
    assert.deepEqual(scene.log, []);
    assert.ok(scene.first.isPickable);
  });

  test("a stream counts by its head, not by its end", () => {
    const scene = onProbation();
    for (let i = 0; i < 3; i++) {
      scene.first.onSent();
      scene.first.onHead(scene.now, scene.now);
    }
    assert.deepEqual(scene.log, ["a in"]);
  });

  test("a call that fails after its head is a bad call", () => {
    const scene = onProbation();
    const sentAt = scene.now;
    scene.first.onSent();
    scene.first.onHead(sentAt, scene.now);
    scene.first.onEnd(FAILED, "answered", sentAt, "replied");
    assert.deepEqual(scene.log, ["a out 2000 failures"]);
  });

  test("an endpoint stays where others have been ejected meanwhile", () => {
    const scene = onProbation();
    const [, b] = scene.members;
    if (b === undefined) throw new Error("two members");
    scene.calls(b, 3, FAILED);
    scene.calls(scene.first, 1, FAILED);
    assert.deepEqual(scene.log, ["b out 1000 failures"]);
    assert.ok(scene.first.isOnProbation);
  });
});

describe("latency", () => {
  /** `rounds` calls to each member, as long as `ms` says. */
  function serve(scene: Scene, rounds: number, ...ms: readonly number[]): void {
    for (let round = 0; round < rounds; round++) {
      const sentAt = scene.now;
      scene.pass(50);
      for (const [i, member] of scene.members.entries()) {
        if (member.isEjected) continue;
        const took = ms[i] ?? 1;
        member.onSent();
        member.onHead(sentAt, sentAt + took);
        member.onEnd(OK, "answered", sentAt, "replied");
      }
    }
  }

  test("far above that of the others ejects the endpoint", () => {
    const scene = new Scene("abc");
    serve(scene, 60, 2, 2, 40);
    assert.deepEqual(scene.log.slice(0, 1), ["c out 1000 latency"]);
  });

  const TOLERATED: readonly (readonly [what: string, ms: readonly number[]])[] = [
    ["up to the factor", [20, 20, 90]],
    ["of fractions of a millisecond", [0.2, 0.2, 8]],
    ["of most endpoints alike", [2, 40, 40]],
    ["of a single endpoint", [500]],
  ];
  for (const [what, ms] of TOLERATED) {
    test(`${what} is tolerated`, () => {
      const scene = new Scene("abc".slice(0, ms.length));
      serve(scene, 200, ...ms);
      assert.deepEqual(scene.log, []);
    });
  }

  test("of two endpoints is compared with the other one", () => {
    const scene = new Scene("ab");
    serve(scene, 60, 40, 2);
    assert.deepEqual(scene.log.slice(0, 1), ["a out 1000 latency"]);
  });

  test("ejects the slowest where not all may be", () => {
    const scene = new Scene("abcde", { maxEjectedPercent: 20 });
    serve(scene, 45, 2, 90, 2, 200, 2);
    assert.deepEqual(scene.log.slice(0, 1), ["d out 1000 latency"]);
  });

  test("of few calls is no reason", () => {
    const scene = new Scene("abc");
    serve(scene, 19, 2, 2, 400);
    for (const member of scene.members.slice(0, 2)) scene.calls(member, 2000, OK, 2);
    assert.deepEqual(scene.log, []);
    serve(scene, 1, 2, 2, 400);
    for (const member of scene.members.slice(0, 2)) scene.calls(member, 300, OK, 2);
    assert.deepEqual(scene.log.slice(0, 1), ["c out 1000 latency"]);
  });

  test("of others long ago is no measure", () => {
    const scene = new Scene("ab");
    const [a, b] = scene.members;
    if (a === undefined || b === undefined) throw new Error("two members");
    scene.calls(b, 50, OK, 2);
    scene.pass(70_000);
    scene.calls(a, 100, OK, 40);
    assert.deepEqual(scene.log, []);
  });

  test("keeps an endpoint out that is still slow on probation", () => {
    const scene = new Scene("abc");
    serve(scene, 110, 2, 2, 400);
    const outs = scene.log.filter((line) => line.includes("out"));
    assert.deepEqual(outs.slice(0, 2), ["c out 1000 latency", "c out 2000 latency"]);
    assert.equal(scene.log.includes("c in"), false);
  });

  test("that is good again on probation brings an endpoint back", () => {
    const scene = new Scene("abc");
    serve(scene, 41, 2, 2, 400);
    assert.deepEqual(scene.log, ["c out 1000 latency"]);
    serve(scene, 40, 2, 2, 2);
    assert.deepEqual(scene.log, ["c out 1000 latency", "c on probation", "c in"]);
  });

  test("does not matter where the factor is Infinity", () => {
    const scene = new Scene("abc", { latencyFactor: Number.POSITIVE_INFINITY });
    serve(scene, 100, 2, 2, 4000);
    assert.deepEqual(scene.log, []);
  });
});
