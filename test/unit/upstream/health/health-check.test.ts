import assert from "node:assert/strict";
import { beforeEach, describe, mock, test } from "node:test";
import { Code, gatewayStatus, OK, type Status, upstreamStatus } from "../../../../src/status/index.ts";
import { HealthCheck } from "../../../../src/upstream/health/health-check.ts";
import type { HealthCheckOptions } from "../../../../src/upstream/health/options.ts";
import { type FakeCall, FakeChannel } from "../../../support/fake-channel.ts";

const OPTIONS: HealthCheckOptions = {
  service: "",
  mode: "watch",
  intervalMs: 10_000,
  timeoutMs: 1000,
  unhealthyAfter: 2,
  healthyAfter: 1,
};

/** HealthCheckResponses on the wire, by the proto's names. */
const ANSWERS: Readonly<Record<string, Uint8Array>> = {
  UNKNOWN: Buffer.from([]),
  SERVING: Buffer.from([0x08, 1]),
  NOT_SERVING: Buffer.from([0x08, 2]),
  SERVICE_UNKNOWN: Buffer.from([0x08, 3]),
  "a status of tomorrow": Buffer.from([0x08, 99]),
  garbage: Buffer.from([0xff, 0xff]),
};

/** A check of an endpoint whose answers the test gives. */
class Scene {
  readonly channel = new FakeChannel();
  readonly log: string[] = [];
  readonly check: HealthCheck;

  constructor(options: Partial<HealthCheckOptions> = {}) {
    this.check = new HealthCheck(
      { ...OPTIONS, ...options },
      {
        open: (rpcPath, metadata, deadlineMs, listener) =>
          this.channel.open(rpcPath, metadata, deadlineMs, listener),
        random: () => 0.5,
        onHealth: (health, why) => this.log.push(why === "" ? health : `${health}: ${why}`),
        onUnsupported: () => this.log.push("unsupported"),
      },
    );
    this.check.start();
  }

  /** The call opened last. */
  get call(): FakeCall {
    const call = this.channel.calls.at(-1);
    if (call === undefined) throw new Error("nothing was asked");
    return call;
  }

  get asked(): readonly string[] {
    return this.channel.calls.map(({ rpcPath }) => rpcPath.slice(rpcPath.lastIndexOf("/") + 1));
  }

  says(answer: string): boolean {
    return this.call.listener.onMessage(ANSWERS[answer] ?? Buffer.alloc(0));
  }

  ends(status: Status): void {
    this.call.listener.onStatus(status, []);
  }

  /** A check's whole answer. */
  answers(answer: string): void {
    this.says(answer);
    this.ends(OK);
  }
}

const UNIMPLEMENTED: Status = upstreamStatus(Code.UNIMPLEMENTED, "unknown method");
const LOST: Status = gatewayStatus("UPSTREAM_UNREACHABLE", "the connection was lost");

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
});

describe("the question", () => {
  test("of a watch has no deadline, names the service and ends there", () => {
    const { call } = new Scene({ service: "a.B" });
    assert.equal(call.rpcPath, "/grpc.health.v1.Health/Watch");
    assert.equal(call.deadlineMs, Number.POSITIVE_INFINITY);
    assert.deepEqual(
      call.sent.map((message) => Buffer.from(message)),
      [Buffer.from("\x0a\x03a.B", "latin1")],
    );
    assert.ok(call.isHalfClosed);
  });

  test("of a check has the timeout for its deadline; no service is an empty message", () => {
    const { call } = new Scene({ mode: "check" });
    assert.equal(call.rpcPath, "/grpc.health.v1.Health/Check");
    assert.equal(call.deadlineMs, 1000);
    assert.deepEqual(
      call.sent.map((message) => Buffer.from(message)),
      [Buffer.alloc(0)],
    );
  });
});

describe("a watch", () => {
  test("is believed at once, whatever the thresholds, and only changes are told", () => {
    const scene = new Scene({ healthyAfter: 5, unhealthyAfter: 5 });
    for (const answer of ["SERVING", "SERVING", "NOT_SERVING", "NOT_SERVING", "SERVING"]) scene.says(answer);
    assert.deepEqual(scene.log, ["serving", 'not serving: its health service says "not serving"', "serving"]);
  });

  for (const answer of ["UNKNOWN", "SERVICE_UNKNOWN", "a status of tomorrow"]) {
    test(`that says ${answer} means not serving`, () => {
      const scene = new Scene({ service: "a.B" });
      scene.says(answer);
      const said = answer === "SERVICE_UNKNOWN" ? "service unknown" : "unknown";
      assert.deepEqual(scene.log, [`not serving: its health service of "a.B" says "${said}"`]);
    });
  }

  test("is read no faster than ten times a second", () => {
    const scene = new Scene();
    assert.equal(scene.says("SERVING"), false);
    mock.timers.tick(99);
    assert.equal(scene.call.resumed, 0);
    mock.timers.tick(1);
    assert.equal(scene.call.resumed, 1);
  });

  test("that stays silent is a failure after the timeout; afterwards it may be silent for ever", () => {
    const scene = new Scene({ unhealthyAfter: 1 });
    mock.timers.tick(1000);
    assert.deepEqual(scene.log, [
      "not serving: its health watch ended: DEADLINE_EXCEEDED, the health service did not answer in time",
    ]);
    mock.timers.tick(1000);
    scene.says("SERVING");
    mock.timers.tick(10_000_000);
    assert.deepEqual(scene.log.slice(1), ["serving"]);
    assert.deepEqual(scene.asked, ["Watch", "Watch"]);
  });

  test("that ends is tried again after growing pauses, up to the interval", () => {
    const scene = new Scene();
    const pauses = [1000, 2000, 4000, 8000, 10_000, 10_000];
    for (const [i, pause] of pauses.entries()) {
      scene.ends(i % 2 === 0 ? LOST : OK);
      mock.timers.tick(pause - 1);
      assert.equal(scene.channel.calls.length, i + 1);
      mock.timers.tick(1);
      assert.equal(scene.channel.calls.length, i + 2);
    }
  });

  test("that ends leaves what it said in force until it has failed often enough", () => {
    const scene = new Scene();
    scene.says("SERVING");
    scene.ends(LOST);
    assert.deepEqual(scene.log, ["serving"]);
    mock.timers.tick(1000);
    scene.ends(LOST);
    assert.deepEqual(scene.log, [
      "serving",
      "not serving: its health watch ended: UNAVAILABLE, the connection was lost",
    ]);
  });

  test("that answers again begins anew with short pauses and no failures", () => {
    const scene = new Scene();
    scene.ends(LOST);
    mock.timers.tick(1000);
    scene.says("SERVING");
    scene.ends(LOST);
    mock.timers.tick(1000);
    assert.equal(scene.channel.calls.length, 3);
    assert.deepEqual(scene.log, ["serving"]);
  });

  test("with garbage in it is ended and a failure", () => {
    const scene = new Scene({ unhealthyAfter: 1 });
    scene.says("garbage");
    assert.equal(scene.call.cancelledWith?.code, Code.INTERNAL);
    assert.deepEqual(scene.log, [
      "not serving: its health watch ended: INTERNAL, it sent what is no HealthCheckResponse",
    ]);
    mock.timers.tick(1000);
    assert.deepEqual(scene.asked, ["Watch", "Watch"]);
  });

  test("that the server does not have gives way to checks", () => {
    const scene = new Scene();
    scene.ends(UNIMPLEMENTED);
    assert.deepEqual(scene.asked, ["Watch", "Check"]);
    scene.answers("SERVING");
    mock.timers.tick(10_000);
    assert.deepEqual(scene.asked, ["Watch", "Check", "Check"]);
    assert.deepEqual(scene.log, ["serving"]);
  });

  test("answered by an HTTP 404 is a failure, not a missing method", () => {
    const scene = new Scene({ unhealthyAfter: 1 });
    scene.ends({ ...gatewayStatus("UPSTREAM_PROTOCOL", "HTTP 404"), code: Code.UNIMPLEMENTED });
    assert.deepEqual(scene.log, ["not serving: its health watch ended: UNIMPLEMENTED, HTTP 404"]);
  });
});

describe("checks", () => {
  test("come at the interval, from the end of the one before", () => {
    const scene = new Scene({ mode: "check" });
    mock.timers.tick(500);
    scene.answers("SERVING");
    mock.timers.tick(9999);
    assert.equal(scene.channel.calls.length, 1);
    mock.timers.tick(1);
    assert.equal(scene.channel.calls.length, 2);
    mock.timers.tick(100_000);
    assert.equal(scene.channel.calls.length, 2);
  });

  const FAILURES: Readonly<Record<string, (scene: Scene) => void>> = {
    "no answer": (scene) => scene.ends(gatewayStatus("DEADLINE", "")),
    UNAVAILABLE: (scene) => scene.ends(upstreamStatus(Code.UNAVAILABLE, "")),
    "OK without a message": (scene) => scene.ends(OK),
    garbage: (scene) => scene.answers("garbage"),
    "an answer with a failure": (scene) => {
      scene.says("SERVING");
      scene.ends(upstreamStatus(Code.INTERNAL, ""));
    },
  };
  for (const [what, fail] of Object.entries(FAILURES)) {
    test(`with ${what} take an endpoint out at the threshold`, () => {
      const scene = new Scene({ mode: "check", unhealthyAfter: 3 });
      scene.answers("SERVING");
      for (let i = 0; i < 3; i++) {
        assert.deepEqual(scene.log, ["serving"]);
        mock.timers.tick(10_000);
        fail(scene);
      }
      assert.equal(scene.log.length, 2);
      assert.match(scene.log[1] ?? "", /^not serving: its health check failed: [A-Z_]+/);
    });
  }

  test("count failures in a row only", () => {
    const scene = new Scene({ mode: "check" });
    for (let i = 0; i < 5; i++) {
      scene.answers("SERVING");
      mock.timers.tick(10_000);
      scene.ends(LOST);
      mock.timers.tick(10_000);
    }
    assert.deepEqual(scene.log, ["serving"]);
  });

  for (const [what, answer] of [
    ["NOT_SERVING", (scene: Scene) => scene.answers("NOT_SERVING")],
    ["NOT_FOUND", (scene: Scene) => scene.ends(upstreamStatus(Code.NOT_FOUND, ""))],
  ] as const) {
    test(`with ${what} take an endpoint out at once`, () => {
      const scene = new Scene({ mode: "check", unhealthyAfter: 9 });
      scene.answers("SERVING");
      mock.timers.tick(10_000);
      answer(scene);
      assert.equal(scene.log.length, 2);
      assert.match(scene.log[1] ?? "", /^not serving: its health service says/);
    });
  }

  test("bring an endpoint back when enough of them in a row are good", () => {
    const scene = new Scene({ mode: "check", healthyAfter: 3 });
    for (const answer of ["NOT_SERVING", "SERVING", "SERVING", "NOT_SERVING", "SERVING", "SERVING"]) {
      scene.answers(answer);
      mock.timers.tick(10_000);
    }
    assert.equal(scene.log.length, 1);
    scene.answers("SERVING");
    assert.equal(scene.log[1], "serving");
  });

  test("are believed by the first word of a new connection, whatever the threshold", () => {
    const scene = new Scene({ mode: "check", healthyAfter: 3 });
    scene.answers("SERVING");
    assert.deepEqual(scene.log, ["serving"]);
  });

  test("that the server does not have either leave it serving and in peace", () => {
    const scene = new Scene();
    scene.ends(UNIMPLEMENTED);
    scene.ends(UNIMPLEMENTED);
    assert.deepEqual(scene.log, ["unsupported", "serving"]);
    mock.timers.tick(1_000_000);
    assert.deepEqual(scene.asked, ["Watch", "Check"]);
  });
});

describe("without a connection", () => {
  test("nothing is asked, and nothing known", () => {
    const scene = new Scene();
    scene.says("SERVING");
    scene.check.stop();
    assert.equal(scene.call.cancelledWith?.reason, "CLIENT_GONE");
    mock.timers.tick(1_000_000);
    assert.deepEqual(scene.asked, ["Watch"]);
    assert.deepEqual(scene.log, ["serving", "unknown"]);
  });

  test("no pause goes on", () => {
    const scene = new Scene({ mode: "check" });
    scene.ends(LOST);
    scene.check.stop();
    mock.timers.tick(1_000_000);
    assert.deepEqual(scene.asked, ["Check"]);
  });

  test("what an earlier call says does not count", () => {
    const scene = new Scene();
    const { call } = scene;
    scene.check.stop();
    scene.check.start();
    call.listener.onMessage(Buffer.from([0x08, 2]));
    call.listener.onStatus(LOST, []);
    assert.deepEqual(scene.log, []);
    assert.deepEqual(scene.asked, ["Watch", "Watch"]);
  });

  test("a new one is asked by a watch again, even if the last had none", () => {
    const scene = new Scene();
    scene.ends(UNIMPLEMENTED);
    scene.check.stop();
    scene.check.start();
    assert.deepEqual(scene.asked, ["Watch", "Check", "Watch"]);
  });
});
