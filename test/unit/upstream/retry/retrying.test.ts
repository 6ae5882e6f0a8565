import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Code, gatewayStatus, OK, type Status, upstreamStatus } from "../../../../src/status/index.ts";
import { codeSet, type Metadata, type RetryPolicy } from "../../../../src/upstream/index.ts";
import { CLIENT_GONE, Heard, PLENTY, RETRY, Stage, UNAVAILABLE, UNREACHABLE } from "./stage.ts";

/** How one attempt ends. */
interface Outcome {
  readonly status: Status;
  readonly trailers?: Metadata;
  /** Whether headers come first. */
  readonly headers?: "first";
  readonly messages?: readonly string[];
  /** How long it takes. */
  readonly tookMs?: number;
}

interface Row {
  readonly policy?: Partial<RetryPolicy>;
  readonly deadlineMs?: number;
  readonly outcomes: readonly Outcome[];
  /** What the caller hears at the end. */
  readonly heard: readonly string[];
  /** The pauses before the second attempt and those that follow; random is 0.5. */
  readonly pauses: readonly number[];
}

const DOWN: Outcome = { status: UNAVAILABLE };
const FINE: Outcome = { status: OK, headers: "first", messages: ["pong"] };
const pushback = (value: string): Outcome => ({
  status: UNAVAILABLE,
  trailers: ["grpc-retry-pushback-ms", value],
});
const ANSWERED = (n: number): readonly string[] => [`headers n=${n}`, "message pong", "status 0"];

const ROWS: Readonly<Record<string, Row>> = {
  "a call that succeeds is sent once": { outcomes: [FINE], heard: ANSWERED(0), pauses: [] },
  "a failure of the list is retried after a random pause": {
    outcomes: [DOWN, FINE],
    heard: ANSWERED(1),
    pauses: [20],
  },
  "pauses double": { outcomes: [DOWN, DOWN, FINE], heard: ANSWERED(2), pauses: [20, 40] },
  "pauses grow no further than their limit": {
    policy: { attempts: 5, maxBackoffMs: 100 },
    outcomes: [DOWN, DOWN, DOWN, DOWN, FINE],
    heard: ANSWERED(4),
    pauses: [20, 40, 50, 50],
  },
  "the last attempt's failure is the call's": {
    outcomes: [DOWN, DOWN, { status: UNREACHABLE }, FINE],
    heard: ["status UPSTREAM_UNREACHABLE"],
    pauses: [20, 40],
  },
  "two attempts are two": {
    policy: { attempts: 2 },
    outcomes: [DOWN, DOWN, FINE],
    heard: ["status 14"],
    pauses: [20],
  },
  "a connection that cannot be had, or is lost, is retried": {
    outcomes: [{ status: UNREACHABLE }, FINE],
    heard: ANSWERED(1),
    pauses: [20],
  },
  "an HTTP answer that stands for UNAVAILABLE is retried": {
    outcomes: [{ status: gatewayStatus("UPSTREAM_PROTOCOL", "503") }, FINE],
    heard: ANSWERED(1),
    pauses: [20],
  },
  "a failure that is not of the list is the call's": {
    outcomes: [{ status: upstreamStatus(Code.NOT_FOUND, "") }, FINE],
    heard: ["status 5"],
    pauses: [],
  },
  "a failure that is not of the list ends the retries": {
    outcomes: [DOWN, { status: upstreamStatus(Code.INTERNAL, "") }, FINE],
    heard: ["status 13"],
    pauses: [20],
  },
  "another list has other failures": {
    policy: { codes: codeSet([Code.ABORTED]) },
    outcomes: [{ status: upstreamStatus(Code.ABORTED, "") }, DOWN, FINE],
    heard: ["status 14"],
    pauses: [20],
  },
  "OK without a message is no failure": { outcomes: [{ status: OK }], heard: ["status 0"], pauses: [] },
  "headers of a failed attempt are nobody's": {
    outcomes: [{ status: UNAVAILABLE, headers: "first" }, FINE],
    heard: ANSWERED(1),
    pauses: [20],
  },
  "headers of a failed attempt do not go with another's failure": {
    outcomes: [{ status: UNAVAILABLE, headers: "first" }, { status: upstreamStatus(Code.NOT_FOUND, "") }],
    heard: ["status 5"],
    pauses: [20],
  },
  "headers of the last failed attempt are the call's": {
    outcomes: [DOWN, DOWN, { status: UNAVAILABLE, headers: "first" }],
    heard: ["headers n=2", "status 14"],
    pauses: [20, 40],
  },
  "a failure after a message is the call's: a stream is not begun again": {
    outcomes: [{ status: UNAVAILABLE, headers: "first", messages: ["a", "b"] }, FINE],
    heard: ["headers n=0", "message a", "message b", "status 14"],
    pauses: [],
  },
  "a message without headers commits a call too": {
    outcomes: [{ status: UNAVAILABLE, messages: ["a"] }, FINE],
    heard: ["message a", "status 14"],
    pauses: [],
  },
  "the upstream's pushback is the pause": {
    outcomes: [pushback("700"), FINE],
    heard: ANSWERED(1),
    pauses: [700],
  },
  "after a pushback the backoff starts anew": {
    policy: { attempts: 5 },
    outcomes: [DOWN, DOWN, pushback("700"), DOWN, FINE],
    heard: ANSWERED(4),
    pauses: [20, 40, 700, 20],
  },
  "a pushback of 0 is hardly a pause": { outcomes: [pushback("0"), FINE], heard: ANSWERED(1), pauses: [1] },
  "a negative pushback forbids retries": {
    outcomes: [pushback("-1"), FINE],
    heard: ["status 14"],
    pauses: [],
  },
  "a pushback that is no number forbids retries": {
    outcomes: [pushback("soon"), FINE],
    heard: ["status 14"],
    pauses: [],
  },
  "a pushback makes no failure retriable": {
    outcomes: [
      { status: upstreamStatus(Code.INTERNAL, ""), trailers: ["grpc-retry-pushback-ms", "1"] },
      FINE,
    ],
    heard: ["status 13"],
    pauses: [],
  },
  "a pause that would pass the deadline is not begun": {
    deadlineMs: 40,
    outcomes: [{ ...DOWN, tookMs: 20 }, FINE],
    heard: ["status 14"],
    pauses: [],
  },
  "a pause that ends before the deadline is": {
    deadlineMs: 41,
    outcomes: [{ ...DOWN, tookMs: 20 }, FINE],
    heard: ANSWERED(1),
    pauses: [20],
  },
  "a pushback beyond the deadline is not waited for": {
    deadlineMs: 500,
    outcomes: [pushback("500"), FINE],
    heard: ["status 14"],
    pauses: [],
  },
  ...Object.fromEntries(
    (
      [
        "UPSTREAM_OVERLOADED",
        "HEADER_INVALID",
        "BODY_TOO_LARGE",
        "DEADLINE",
        "UPSTREAM_REPLY_TOO_LARGE",
        "UPSTREAM_REPLY_INVALID",
        "INTERNAL",
      ] as const
    ).map((reason): [string, Row] => [
      `what the gateway itself refuses is never retried: ${reason}`,
      {
        policy: { codes: codeSet(Object.values(Code)) },
        outcomes: [{ status: gatewayStatus(reason, "") }, FINE],
        heard: [`status ${reason}`],
        pauses: [],
      },
    ]),
  ),
};

describe("retries", () => {
  for (const [name, { policy, deadlineMs, outcomes, heard, pauses }] of Object.entries(ROWS)) {
    test(name, () => {
      const stage = new Stage({ ...RETRY, ...policy });
      const { clock } = stage;
      stage.call(deadlineMs);
      const paused: number[] = [];
      for (const [n, { status, trailers, headers, messages = [], tookMs = 0 }] of outcomes.entries()) {
        if (stage.attempts.length <= n) break;
        clock.advance(tookMs);
        const { listener } = stage.attempt(n);
        if (headers !== undefined) listener.onHeaders(["n", String(n)]);
        for (const message of messages) listener.onMessage(Buffer.from(message));
        listener.onStatus(status, trailers ?? []);
        if (clock.nextInMs === undefined) break;
        paused.push(clock.nextInMs);
        assert.deepEqual(stage.heard.words, [], "a call that will be retried says nothing yet");
        clock.advance(clock.nextInMs);
      }
      assert.deepEqual(stage.heard.words, heard);
      assert.deepEqual(paused, pauses);
      assert.equal(stage.attempts.length, pauses.length + 1);
      assert.equal(clock.pending, 0);
      assert.equal(stage.retries.keptBytes, 0);
      for (const attempt of stage.attempts) {
        assert.deepEqual([Buffer.concat(attempt.sent).toString(), attempt.isHalfClosed], ["ping", true]);
        assert.equal(attempt.rpcPath, "/t.S/Get");
      }
    });
  }

  test("tell their caller of each, and of the failure before it", () => {
    const stage = new Stage(RETRY);
    stage.call();
    stage.fail(0);
    stage.clock.advance(stage.clock.nextInMs ?? 0);
    stage.fail(1, UNREACHABLE);
    stage.clock.advance(stage.clock.nextInMs ?? 0);
    stage.answer(2);
    assert.deepEqual(stage.heard.repeats, [
      [1, Code.UNAVAILABLE],
      [2, UNREACHABLE.code],
    ]);
  });

  test("tell the upstream how many there were before, and how much time remains", () => {
    const stage = new Stage(RETRY);
    stage.call(1000);
    stage.clock.advance(100);
    stage.fail(0);
    stage.clock.advance(20);
    stage.clock.advance(200);
    stage.fail(1);
    stage.clock.advance(40);
    assert.deepEqual(
      stage.attempts.map(({ metadata, deadlineMs }) => [metadata, deadlineMs]),
      [
        [["a", "b"], 1000],
        [["a", "b", "grpc-previous-rpc-attempts", "1"], 880],
        [["a", "b", "grpc-previous-rpc-attempts", "2"], 640],
      ],
    );
  });

  test("have no deadline where the call has none", () => {
    const stage = new Stage(RETRY);
    stage.call();
    stage.fail(0);
    stage.clock.advance(20);
    assert.equal(stage.attempt(1).deadlineMs, Number.POSITIVE_INFINITY);
  });

  test("keep the trailers of the attempt that is the call's end", () => {
    const stage = new Stage(RETRY);
    stage.call();
    stage.fail(0, UNAVAILABLE, ["x", "first"]);
    stage.clock.advance(20);
    stage.fail(1, upstreamStatus(Code.ABORTED, "no"), ["x", "second"]);
    assert.equal(stage.heard.status?.message, "no");
    assert.deepEqual(stage.heard.trailers, ["x", "second"]);
  });

  test("are never without a pause, since an attempt is not opened from within another's end", () => {
    const stage = new Stage(RETRY, PLENTY, 0);
    stage.call();
    stage.fail(0);
    assert.equal(stage.attempts.length, 1);
    assert.equal(stage.clock.nextInMs, 1);
  });
});

describe("only a whole request is sent again", () => {
  const failAfter = (play: (stage: Stage) => void, options = PLENTY): Stage => {
    const stage = new Stage(RETRY, options);
    play(stage);
    stage.fail(0);
    stage.clock.advance(10_000);
    if (stage.attempts.length > 1) stage.answer(1);
    assert.equal(stage.retries.keptBytes, 0);
    return stage;
  };

  test("one that has not ended is not", () => {
    const stage = failAfter((stage) => stage.open().send(Buffer.from("a")));
    assert.deepEqual([stage.attempts.length, stage.heard.words], [1, ["status 14"]]);
  });

  test("one of two messages is not, and both go out", () => {
    const stage = failAfter((stage) => {
      const call = stage.open();
      call.send(Buffer.from("a"));
      call.send(Buffer.from("b"));
      call.halfClose();
    });
    assert.equal(Buffer.concat(stage.attempt(0).sent).toString(), "ab");
    assert.equal(stage.attempts.length, 1);
  });

  test("one without a message is not", () => {
    const stage = failAfter((stage) => stage.open().halfClose());
    assert.equal(stage.attempts.length, 1);
  });

  test("what is sent after the end does not change it", () => {
    const stage = failAfter((stage) => stage.call().send(Buffer.from("more")));
    assert.equal(Buffer.concat(stage.attempt(1).sent).toString(), "ping");
  });

  test("one longer than may be kept is not, but goes out", () => {
    const stage = failAfter((stage) => void stage.call(undefined, "x".repeat(1025)));
    assert.equal(stage.attempt(0).sent[0]?.length, 1025);
    assert.equal(stage.attempts.length, 1);
  });

  test("what may be kept is counted over all calls, until their replies begin", () => {
    const stage = new Stage(RETRY, { ...PLENTY, keptBytes: 10 });
    for (let i = 0; i < 3; i++) stage.call(undefined, "12345", new Heard());
    assert.equal(stage.retries.keptBytes, 10);
    for (let i = 0; i < 3; i++) stage.fail(i);
    stage.clock.advance(20);
    assert.equal(stage.attempts.length, 5, "the third did not fit in");
    stage.attempt(3).listener.onMessage(Buffer.from("a"));
    assert.equal(stage.retries.keptBytes, 5);
    stage.answer(4);
    assert.equal(stage.retries.keptBytes, 0);
  });
});

describe("cancelling a call", () => {
  test("while an attempt is under way cancels that, for good", () => {
    const stage = new Stage(RETRY);
    const call = stage.call();
    stage.fail(0);
    stage.clock.advance(20);
    call.cancel(UNAVAILABLE);
    assert.equal(stage.attempt(1).cancelledWith, UNAVAILABLE);
    assert.deepEqual(
      stage.heard.words,
      ["status 14"],
      "a status that would be retried, were it the upstream's",
    );
    stage.clock.advance(10_000);
    assert.equal(stage.attempts.length, 2);
  });

  test("during a pause ends it at once", () => {
    const stage = new Stage(RETRY);
    const call = stage.call();
    stage.fail(0);
    call.cancel(CLIENT_GONE);
    assert.deepEqual(stage.heard.words, ["status CLIENT_GONE"]);
    assert.equal(stage.clock.pending, 0);
    assert.equal(stage.retries.keptBytes, 0);
    call.cancel(UNAVAILABLE);
    stage.clock.advance(10_000);
    assert.equal(stage.attempts.length, 1);
    assert.deepEqual(stage.heard.words, ["status CLIENT_GONE"]);
  });

  test("from within its headers leaves its message unsaid", () => {
    const stage = new Stage(RETRY);
    const call = stage.call();
    stage.heard.react = (word) => {
      if (word.startsWith("headers")) call.cancel(CLIENT_GONE);
    };
    stage.attempt(0).listener.onHeaders([]);
    stage.attempt(0).listener.onMessage(Buffer.from("a"));
    assert.deepEqual(stage.heard.words, ["headers ", "status CLIENT_GONE"]);
  });
});

describe("a retried call hands through", () => {
  test("back-pressure of the reply", () => {
    const stage = new Stage(RETRY);
    const call = stage.call();
    stage.heard.mayGoOn = false;
    assert.equal(stage.attempt(0).listener.onMessage(Buffer.from("a")), false);
    call.resume();
    assert.equal(stage.attempt(0).resumed, 1);
  });

  test("back-pressure of the request", () => {
    const stage = new Stage(RETRY);
    stage.open();
    stage.attempt(0).listener.onDrain();
    assert.deepEqual(stage.heard.words, ["drain"]);
  });

  test("its end, even if the listener throws at the headers that were held", async () => {
    const warned = new Promise((resolve) => process.once("warning", resolve));
    const stage = new Stage(RETRY);
    stage.call();
    stage.heard.react = (word) => {
      if (word.startsWith("headers")) throw new Error("a fault of the listener");
    };
    stage.answer(0, OK, []);
    assert.equal(stage.heard.words.at(-1), "status INTERNAL");
    assert.match(String(await warned), /a fault of the listener/);
  });
});

describe("the budget", () => {
  test("bounds what an outage costs: 200 calls make 240", () => {
    const stage = new Stage({ ...RETRY, attempts: 5 }, { percent: 20, minPerSecond: 0, keptBytes: 1024 });
    const heard = Array.from({ length: 200 }, () => new Heard());
    let answered = 0;
    for (const listener of heard) {
      stage.call(undefined, "ping", listener);
      for (; answered < stage.attempts.length; answered++) stage.fail(answered);
      // So little that nothing of the budget gets lost.
      stage.clock.advance(0.001);
    }
    while (stage.clock.nextInMs !== undefined) {
      stage.clock.advance(stage.clock.nextInMs);
      for (; answered < stage.attempts.length; answered++) stage.fail(answered);
    }
    assert.ok(stage.attempts.length >= 238 && stage.attempts.length <= 240, `${stage.attempts.length}`);
    for (const { words } of heard) assert.deepEqual(words, ["status 14"]);
    const { retries, refusals, lost } = stage.retries.stats;
    assert.equal(retries.get(Code.UNAVAILABLE), stage.attempts.length - 200);
    assert.equal(refusals, 200);
    assert.ok(lost > 0 && lost <= 40);
  });

  test("is not charged for failures that would not be retried anyway", () => {
    const stage = new Stage(RETRY, { percent: 0, minPerSecond: 0, keptBytes: 1024 });
    stage.call();
    stage.fail(0, upstreamStatus(Code.NOT_FOUND, ""));
    stage.call(10);
    stage.fail(1);
    assert.equal(stage.retries.stats.refusals, 0);
    stage.call();
    stage.fail(2);
    assert.equal(stage.retries.stats.refusals, 1);
    assert.equal(stage.attempts.length, 3);
  });
});

test("retries are counted by the failure before them, and calls by how they end", () => {
  const stage = new Stage({ ...RETRY, codes: codeSet([Code.UNAVAILABLE, Code.ABORTED]) });
  const play = (outcomes: readonly Status[]): void => {
    stage.call(undefined, "ping", new Heard());
    for (const status of outcomes) {
      stage.fail(stage.attempts.length - 1, status);
      stage.clock.advance(1000);
    }
  };
  play([OK]);
  play([UNAVAILABLE, OK]);
  play([UNAVAILABLE, upstreamStatus(Code.ABORTED, ""), OK]);
  play([UNREACHABLE, UNREACHABLE, UNREACHABLE]);
  const { retries, recovered, lost, hedges, refusals } = stage.retries.stats;
  assert.deepEqual(
    [...retries],
    [
      [Code.UNAVAILABLE, 4],
      [Code.ABORTED, 1],
    ],
  );
  assert.deepEqual({ recovered, lost, hedges, refusals }, { recovered: 2, lost: 1, hedges: 0, refusals: 0 });
});
