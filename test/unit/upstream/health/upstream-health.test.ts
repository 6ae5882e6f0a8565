import assert from "node:assert/strict";
import { beforeEach, describe, mock, test } from "node:test";
import { Code, OK, upstreamStatus } from "../../../../src/status/index.ts";
import type { EndpointHealth } from "../../../../src/upstream/health/endpoint-health.ts";
import type { HealthOptions } from "../../../../src/upstream/health/options.ts";
import { UpstreamHealth } from "../../../../src/upstream/health/upstream-health.ts";
import { FakeChannel } from "../../../support/fake-channel.ts";

const EJECTION: HealthOptions["ejection"] = {
  consecutiveFailures: 1,
  latencyFactor: Number.POSITIVE_INFINITY,
  baseEjectionMs: 1000,
  maxEjectionMs: 5000,
  maxEjectedPercent: 100,
};

const CHECK: HealthOptions["check"] = {
  service: "",
  mode: "watch",
  intervalMs: 1000,
  timeoutMs: 1000,
  unhealthyAfter: 2,
  healthyAfter: 1,
};

const SERVING: Uint8Array = Buffer.from([0x08, 1]);
const NOT_SERVING: Uint8Array = Buffer.from([0x08, 2]);

/** An upstream whose endpoints are connected, each with a channel of its own. */
class Scene {
  readonly log: string[] = [];
  readonly channels: FakeChannel[] = [];
  readonly endpoints: EndpointHealth[];
  readonly health: UpstreamHealth;
  now = 0;
  changes = 0;
  /** Names of those without a connection. */
  readonly #lost = new Set<string>();

  constructor(names: string, options: Partial<HealthOptions>) {
    this.health = new UpstreamHealth(
      { check: undefined, ejection: undefined, panicThresholdPercent: 50, ...options },
      {
        now: () => this.now,
        random: () => 0,
        onChange: () => this.changes++,
        observer: {
          onEjected: (endpoint, reason, forMs) => this.log.push(`${endpoint} ejected ${reason} ${forMs}`),
          onReturned: (endpoint) => this.log.push(`${endpoint} returned`),
          onHealth: (endpoint, health) => this.log.push(`${endpoint} ${health}`),
          onUnsupported: (endpoint) => this.log.push(`${endpoint} unsupported`),
          onPanic: (state, available, total) => this.log.push(`panic ${state} ${available}/${total}`),
        },
      },
    );
    this.endpoints = Array.from(names).map((name) => {
      const channel = new FakeChannel();
      this.channels.push(channel);
      return this.health.observe({
        name,
        isReady: true,
        open: (rpcPath, metadata, deadlineMs, listener) =>
          channel.open(rpcPath, metadata, deadlineMs, listener),
      });
    });
    for (const endpoint of this.endpoints) endpoint.onReady();
  }

  at(name: string): EndpointHealth {
    const endpoint = this.endpoints.find((each) => each.name === name);
    if (endpoint === undefined) throw new Error(`no endpoint ${name}`);
    return endpoint;
  }

  connect(name: string): void {
    this.#lost.delete(name);
    this.at(name).onReady();
  }

  lose(name: string): void {
    this.#lost.add(name);
    this.at(name).onLost();
  }

  miss(name: string): void {
    this.#lost.add(name);
    this.at(name).onUnreachable();
  }

  /** Names of those that a balancer chooses from. */
  get available(): string {
    return this.endpoints
      .filter(({ name, isAvailable }) => isAvailable && !this.#lost.has(name))
      .map(({ name }) => name)
      .join("");
  }

  fail(name: string): void {
    const endpoint = this.at(name);
    endpoint.onCallSent();
    endpoint.onCallEnded(upstreamStatus(Code.UNAVAILABLE, ""), "answered", this.now, "silent");
  }

  succeed(name: string): void {
    const endpoint = this.at(name);
    endpoint.onCallSent();
    endpoint.onReplyStarted(this.now, this.now);
    endpoint.onCallEnded(OK, "answered", this.now, "replied");
  }

  /** What the health service of an endpoint says. */
  says(name: string, answer: Uint8Array): void {
    this.channels[this.endpoints.indexOf(this.at(name))]?.calls.at(-1)?.listener.onMessage(answer);
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

describe("ejection", () => {
  test("takes an endpoint out of picks, tries it with one call at a time, and takes it back", () => {
    const scene = new Scene("abc", { ejection: EJECTION });
    assert.equal(scene.available, "abc");
    scene.fail("b");
    assert.equal(scene.available, "ac");
    assert.deepEqual([scene.at("b").isHealthy, scene.at("b").ejections.failures], [false, 1]);
    scene.pass(1000);
    assert.equal(scene.available, "abc");
    scene.at("b").onCallSent();
    assert.equal(scene.available, "ac");
    scene.at("b").onCallEnded(OK, "answered", scene.now, "silent");
    for (let i = 0; i < 2; i++) scene.succeed("b");
    assert.equal(scene.available, "abc");
    assert.deepEqual(scene.log, ["b ejected failures 1000", "b returned"]);
  });

  test("lets an endpoint on probation take all calls if no other one is there", () => {
    const scene = new Scene("ab", { ejection: EJECTION });
    scene.fail("a");
    scene.pass(1000);
    scene.at("a").onCallSent();
    scene.miss("b");
    assert.equal(scene.available, "a");
  });

  test("does not exist where it is switched off", () => {
    const scene = new Scene("ab", {});
    for (let i = 0; i < 100; i++) scene.fail("a");
    assert.equal(scene.available, "ab");
    assert.deepEqual(scene.log, []);
  });

  test("tells the pool that picks have changed", () => {
    const scene = new Scene("ab", { ejection: EJECTION });
    const before = scene.changes;
    scene.fail("a");
    assert.equal(scene.changes, before + 1);
    scene.pass(1000);
    assert.equal(scene.changes, before + 2);
  });
});

describe("panic", () => {
  test("sends calls to all endpoints when fewer than the threshold are available", () => {
    const scene = new Scene("abcd", { ejection: EJECTION });
    for (const name of "ab") scene.fail(name);
    assert.equal(scene.available, "cd");
    scene.fail("c");
    assert.equal(scene.available, "abcd");
    scene.pass(1000);
    assert.deepEqual(scene.log.slice(-2), ["panic begins 1/4", "panic is over 2/4"]);
  });

  test("counts endpoints that cannot be reached as missing", () => {
    const scene = new Scene("abcd", { ejection: EJECTION });
    scene.miss("a");
    scene.miss("b");
    scene.fail("c");
    assert.ok(scene.health.isPanicking);
    assert.ok(scene.at("c").isAvailable);
  });

  test("does not come from unreachable endpoints alone, nor from idle ones", () => {
    const scene = new Scene("abcd", { ejection: EJECTION });
    for (const name of "abc") scene.miss(name);
    assert.equal(scene.health.isPanicking, false);
    for (const name of "abc") scene.lose(name);
    scene.fail("d");
    assert.equal(scene.health.isPanicking, false);
    assert.equal(scene.at("d").isAvailable, false);
  });

  test("never comes with a threshold of 0", () => {
    const scene = new Scene("ab", { ejection: EJECTION, panicThresholdPercent: 0 });
    for (const name of "ab") scene.fail(name);
    assert.equal(scene.available, "");
    assert.deepEqual(scene.log.length, 2);
  });

  test("counts only the endpoints that are still there", () => {
    const scene = new Scene("abcd", { ejection: EJECTION });
    for (const name of "ab") scene.fail(name);
    scene.at("c").onRemoved();
    assert.deepEqual(scene.log.slice(-1), ["panic begins 1/3"]);
    scene.at("a").onRemoved();
    assert.deepEqual(scene.log.slice(-1), ["panic is over 1/2"]);
  });
});

describe("the endpoints' own word", () => {
  test("takes an endpoint out and brings it back", () => {
    const scene = new Scene("abc", { check: CHECK });
    for (const name of "abc") scene.says(name, SERVING);
    assert.deepEqual(scene.log, []);
    scene.says("b", NOT_SERVING);
    assert.equal(scene.available, "ac");
    assert.equal(scene.at("b").isHealthy, false);
    scene.says("b", SERVING);
    assert.equal(scene.available, "abc");
    assert.deepEqual(scene.log, ["b not serving", "b serving"]);
  });

  test("is waited for where another endpoint has given it, and only there", () => {
    const scene = new Scene("abc", { check: CHECK });
    assert.equal(scene.available, "abc");
    scene.says("a", SERVING);
    assert.equal(scene.available, "a");
    scene.says("b", SERVING);
    assert.equal(scene.available, "ab");
    scene.lose("a");
    scene.lose("b");
    assert.equal(scene.available, "c");
  });

  test("is forgotten with the connection", () => {
    const scene = new Scene("ab", { check: CHECK });
    scene.says("a", SERVING);
    scene.says("b", NOT_SERVING);
    scene.lose("b");
    assert.equal(scene.available, "a");
    scene.connect("b");
    assert.equal(scene.available, "a");
    scene.says("b", SERVING);
    assert.equal(scene.available, "ab");
    assert.deepEqual(scene.log, ["b not serving", "b serving"]);
  });

  test("that there is no health service is told once for all endpoints", () => {
    const scene = new Scene("abc", { check: CHECK });
    for (const channel of scene.channels) {
      for (let i = 0; i < 2; i++) {
        channel.calls.at(-1)?.listener.onStatus(upstreamStatus(Code.UNIMPLEMENTED, ""), []);
      }
    }
    assert.equal(scene.available, "abc");
    assert.deepEqual(scene.log, ["a unsupported"]);
  });

  test("does not outweigh how its calls end", () => {
    const scene = new Scene("ab", { check: CHECK, ejection: EJECTION });
    for (const name of "ab") scene.says(name, SERVING);
    scene.fail("a");
    assert.equal(scene.available, "b");
    scene.says("a", SERVING);
    assert.equal(scene.available, "b");
  });
});

test("an endpoint that is gone asks nothing, counts nothing and has no timers", () => {
  const scene = new Scene("abc", { check: CHECK, ejection: EJECTION });
  for (const name of "abc") scene.says(name, SERVING);
  scene.fail("a");
  const [channel] = scene.channels;
  scene.at("a").onRemoved();
  scene.pass(100_000);
  scene.fail("a");
  assert.equal(channel?.calls.length, 1);
  assert.equal(channel?.call.cancelledWith?.reason, "CLIENT_GONE");
  assert.deepEqual(scene.log, ["a ejected failures 1000"]);
});
