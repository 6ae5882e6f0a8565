import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Code, gatewayStatus, OK, upstreamStatus } from "../../../../src/status/index.ts";
import type { HedgingPolicy, UpstreamRetriesOptions } from "../../../../src/upstream/index.ts";
import { CLIENT_GONE, HEDGING, PLENTY, Stage, UNAVAILABLE, UNREACHABLE } from "./stage.ts";

interface Row {
  readonly policy?: Partial<HedgingPolicy>;
  readonly options?: Partial<UpstreamRetriesOptions>;
  readonly deadlineMs?: number;
  readonly play: (stage: Stage) => void;
  /** When each copy was sent, in milliseconds from the start. */
  readonly sentAt: readonly number[];
  /** The copies that were cancelled. */
  readonly cancelled: readonly number[];
  readonly heard: readonly string[];
}

const FATAL = upstreamStatus(Code.NOT_FOUND, "no");
const pushback = (value: string): readonly string[] => ["grpc-retry-pushback-ms", value];

const ROWS: Readonly<Record<string, Row>> = {
  "a call that is answered in time is sent once": {
    play: (stage) => {
      stage.clock.advance(49);
      stage.answer(0);
      stage.clock.advance(1000);
    },
    sentAt: [0],
    cancelled: [],
    heard: ["headers n=0", "message pong", "status 0"],
  },
  "copies go out while nothing comes": {
    play: (stage) => stage.clock.advance(1000),
    sentAt: [0, 50, 100],
    cancelled: [],
    heard: [],
  },
  "the first message is the answer, whoever sends it, and the others are cancelled": {
    play: (stage) => {
      stage.clock.advance(120);
      stage.answer(1);
    },
    sentAt: [0, 50, 100],
    cancelled: [0, 2],
    heard: ["headers n=1", "message pong", "status 0"],
  },
  "headers are no answer yet": {
    play: (stage) => {
      stage.attempt(0).listener.onHeaders(["n", "0"]);
      stage.clock.advance(50);
      stage.answer(1);
    },
    sentAt: [0, 50],
    cancelled: [0],
    heard: ["headers n=1", "message pong", "status 0"],
  },
  "an OK without a message is an answer": {
    play: (stage) => {
      stage.clock.advance(50);
      stage.fail(1, OK);
    },
    sentAt: [0, 50],
    cancelled: [0],
    heard: ["status 0"],
  },
  "after the answer no copy goes out": {
    play: (stage) => {
      stage.attempt(0).listener.onMessage(Buffer.from("a"));
      stage.clock.advance(1000);
    },
    sentAt: [0],
    cancelled: [],
    heard: ["message a"],
  },
  "a failure after the answer is the call's": {
    play: (stage) => {
      stage.attempt(0).listener.onMessage(Buffer.from("a"));
      stage.fail(0);
      stage.clock.advance(1000);
    },
    sentAt: [0],
    cancelled: [],
    heard: ["message a", "status 14"],
  },
  "a fatal failure is the call's, and the others are cancelled": {
    play: (stage) => {
      stage.clock.advance(50);
      stage.fail(0, FATAL);
      stage.clock.advance(1000);
    },
    sentAt: [0, 50],
    cancelled: [1],
    heard: ["status 5"],
  },
  "what the gateway itself refuses is fatal, whatever its code": {
    policy: { codes: -1 },
    play: (stage) => stage.fail(0, gatewayStatus("UPSTREAM_OVERLOADED", "")),
    sentAt: [0],
    cancelled: [],
    heard: ["status UPSTREAM_OVERLOADED"],
  },
  "another failure sends the next copy at once, and the delay counts from there": {
    play: (stage) => {
      stage.clock.advance(30);
      stage.fail(0);
      stage.clock.advance(1000);
    },
    sentAt: [0, 30, 80],
    cancelled: [],
    heard: [],
  },
  "the call fails with the last of its copies, and is not retried": {
    play: (stage) => {
      stage.clock.advance(100);
      stage.fail(1);
      stage.fail(0);
      stage.fail(2, UNREACHABLE);
      stage.clock.advance(10_000);
    },
    sentAt: [0, 50, 100],
    cancelled: [],
    heard: ["status UPSTREAM_UNREACHABLE"],
  },
  "a copy that fails leaves the others alone": {
    play: (stage) => {
      stage.clock.advance(100);
      stage.fail(0);
      stage.fail(2);
      stage.answer(1);
    },
    sentAt: [0, 50, 100],
    cancelled: [],
    heard: ["headers n=1", "message pong", "status 0"],
  },
  "copies that all fail at once are sent at once": {
    play: (stage) => {
      for (const n of [0, 1, 2]) stage.fail(n);
    },
    sentAt: [0, 0, 0],
    cancelled: [],
    heard: ["status 14"],
  },
  "a pushback sets the time of the next copy, and the delay counts from there": {
    play: (stage) => {
      stage.clock.advance(10);
      stage.fail(0, UNAVAILABLE, pushback("300"));
      stage.clock.advance(1000);
    },
    sentAt: [0, 310, 360],
    cancelled: [],
    heard: [],
  },
  "a pushback that forbids it stops further copies, not those under way": {
    play: (stage) => {
      stage.clock.advance(60);
      stage.fail(0, UNAVAILABLE, pushback("-1"));
      stage.clock.advance(1000);
      stage.answer(1);
    },
    sentAt: [0, 50],
    cancelled: [],
    heard: ["headers n=1", "message pong", "status 0"],
  },
  "a pushback that forbids it ends a call that has no copy left": {
    play: (stage) => stage.fail(0, UNAVAILABLE, pushback("-1")),
    sentAt: [0],
    cancelled: [],
    heard: ["status 14"],
  },
  "a pushback beyond the deadline is not waited for": {
    deadlineMs: 200,
    play: (stage) => stage.fail(0, UNAVAILABLE, pushback("200")),
    sentAt: [0],
    cancelled: [],
    heard: ["status 14"],
  },
  "copies whose time is past the deadline are not sent": {
    deadlineMs: 100,
    play: (stage) => stage.clock.advance(1000),
    sentAt: [0, 50],
    cancelled: [],
    heard: [],
  },
  "the budget bounds copies": {
    options: { percent: 100, minPerSecond: 0 },
    play: (stage) => stage.clock.advance(1000),
    sentAt: [0],
    cancelled: [],
    heard: [],
  },
  "a call whose next copy finds no budget ends with the failure that it has": {
    options: { percent: 0, minPerSecond: 0 },
    play: (stage) => {
      stage.fail(0, UNAVAILABLE, pushback("100"));
      assert.deepEqual(stage.heard.words, []);
      stage.clock.advance(100);
    },
    sentAt: [0],
    cancelled: [],
    heard: ["status 14"],
  },
  "headers of the failure that is the call's are handed on": {
    policy: { attempts: 2 },
    play: (stage) => {
      stage.fail(0);
      stage.answer(1, UNAVAILABLE, []);
    },
    sentAt: [0, 0],
    cancelled: [],
    heard: ["headers n=1", "status 14"],
  },
};

describe("hedging", () => {
  for (const [name, { policy, options, deadlineMs, play, sentAt, cancelled, heard }] of Object.entries(
    ROWS,
  )) {
    test(name, () => {
      const stage = new Stage({ ...HEDGING, ...policy }, { ...PLENTY, ...options });
      const from = stage.clock.now;
      const times: number[] = [];
      const open = stage.upstream.open.bind(stage.upstream);
      stage.upstream.open = (...call) => {
        times.push(stage.clock.now - from);
        return open(...call);
      };
      const call = stage.call(deadlineMs);
      play(stage);
      assert.deepEqual(stage.heard.words, heard);
      assert.deepEqual(times, sentAt);
      const gone = stage.attempts.flatMap(({ cancelledWith }, n) => (cancelledWith === undefined ? [] : [n]));
      assert.deepEqual(gone, cancelled);
      for (const attempt of stage.attempts) {
        assert.deepEqual([Buffer.concat(attempt.sent).toString(), attempt.isHalfClosed], ["ping", true]);
      }
      call.cancel(CLIENT_GONE);
      assert.equal(stage.heard.words.filter((word) => word.startsWith("status")).length, 1);
      assert.equal(stage.clock.pending, 0);
      assert.equal(stage.retries.keptBytes, 0);
    });
  }

  test("tells the upstream how many copies there were before, and how much time remains", () => {
    const stage = new Stage(HEDGING);
    stage.call(1000);
    stage.clock.advance(100);
    assert.deepEqual(
      stage.attempts.map(({ metadata, deadlineMs }) => [metadata.slice(2), deadlineMs]),
      [
        [[], 1000],
        [["grpc-previous-rpc-attempts", "1"], 950],
        [["grpc-previous-rpc-attempts", "2"], 900],
      ],
    );
  });

  test("tells its caller of each further copy, and of the failure that it follows", () => {
    const stage = new Stage(HEDGING);
    stage.call();
    stage.clock.advance(50);
    stage.fail(0);
    stage.answer(1);
    assert.deepEqual(stage.heard.repeats, [
      [1, Code.OK],
      [2, Code.UNAVAILABLE],
    ]);
  });

  test("cancels every copy with the call, and tells its end once", () => {
    const stage = new Stage(HEDGING);
    const call = stage.call();
    stage.clock.advance(100);
    call.cancel(CLIENT_GONE);
    call.cancel(UNAVAILABLE);
    assert.deepEqual(stage.heard.words, ["status CLIENT_GONE"]);
    assert.equal(stage.attempts.filter(({ cancelledWith }) => cancelledWith !== undefined).length, 3);
    assert.equal(stage.clock.pending, 0);
  });

  test("hears nothing more of copies that lost", () => {
    const stage = new Stage(HEDGING);
    stage.call();
    stage.clock.advance(50);
    stage.answer(1);
    const { listener } = stage.attempt(0);
    listener.onHeaders(["late", "1"]);
    assert.equal(listener.onMessage(Buffer.from("late")), true);
    listener.onDrain();
    assert.deepEqual(stage.heard.words, ["headers n=1", "message pong", "status 0"]);
  });

  test("hands back-pressure of the reply to the copy that won", () => {
    const stage = new Stage(HEDGING);
    const call = stage.call();
    stage.clock.advance(50);
    stage.heard.mayGoOn = false;
    assert.equal(stage.attempt(1).listener.onMessage(Buffer.from("a")), false);
    call.resume();
    assert.deepEqual([stage.attempt(0).resumed, stage.attempt(1).resumed], [0, 1]);
  });

  test("sends no copy of a request that is not whole", () => {
    const stage = new Stage(HEDGING);
    stage.open().send(Buffer.from("a"));
    stage.clock.advance(1000);
    stage.fail(0, UNAVAILABLE, pushback("10"));
    assert.deepEqual([stage.attempts.length, stage.heard.words], [1, ["status 14"]]);
    assert.equal(stage.clock.pending, 0);
  });

  test("a call cancelled from within its headers leaves its message unsaid", () => {
    const stage = new Stage(HEDGING);
    const call = stage.call();
    stage.heard.react = (word) => {
      if (word.startsWith("headers")) call.cancel(CLIENT_GONE);
    };
    stage.answer(0);
    assert.deepEqual(stage.heard.words, ["headers n=0", "status CLIENT_GONE"]);
  });

  test("is counted", () => {
    // Enough for two, at the start.
    const stage = new Stage(HEDGING, { percent: 0, minPerSecond: 0.2, keptBytes: 1024 });
    stage.call();
    stage.clock.advance(100);
    stage.answer(1);
    stage.call();
    stage.clock.advance(100);
    const { hedges, refusals, recovered, lost } = stage.retries.stats;
    assert.deepEqual(
      { hedges, refusals, recovered, lost },
      { hedges: 2, refusals: 1, recovered: 1, lost: 0 },
    );
  });
});
