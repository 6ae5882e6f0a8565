/**
 * Whatever an upstream does and whenever its caller leaves, the listener's contract holds, and nothing is left behind.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Code, gatewayStatus, OK, type Status, upstreamStatus } from "../../../../src/status/index.ts";
import { type Call, codeSet, type RepeatPolicy } from "../../../../src/upstream/index.ts";
import { CLIENT_GONE, HEDGING, RETRY, Stage, UNAVAILABLE, UNREACHABLE } from "./stage.ts";

/** One thing that happens; `at` picks an attempt among those under way. */
type Step =
  | { readonly kind: "headers" | "message" | "drain"; readonly at: number }
  | {
      readonly kind: "end";
      readonly at: number;
      readonly status: Status;
      readonly pushback: string | undefined;
    }
  | { readonly kind: "wait"; readonly ms: number }
  | { readonly kind: "cancel" | "resume" };

const at = fc.nat({ max: 4 });

const STATUSES: readonly Status[] = [
  OK,
  UNAVAILABLE,
  UNAVAILABLE,
  UNREACHABLE,
  upstreamStatus(Code.ABORTED, ""),
  upstreamStatus(Code.NOT_FOUND, ""),
  gatewayStatus("UPSTREAM_OVERLOADED", ""),
  gatewayStatus("DEADLINE", ""),
];

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom("headers", "message", "drain"), at }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("end"),
      at,
      status: fc.constantFrom(...STATUSES),
      pushback: fc.constantFrom(undefined, undefined, undefined, "-1", "0", "75", "x"),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("wait"), ms: fc.integer({ min: 1, max: 200 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("cancel", "resume") }) },
);

/** Plays the upstream as a sound client would tell it: nothing after an end, headers once and before messages. */
class Upstream {
  readonly #stage: Stage;
  readonly #hasBegun = new Set<number>();
  readonly #ended = new Set<number>();

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  play(step: Step, call: Call): void {
    if (step.kind === "wait") this.#stage.clock.advance(step.ms);
    else if (step.kind === "cancel") call.cancel(CLIENT_GONE);
    else if (step.kind === "resume") call.resume();
    else if ("at" in step) this.#tell(step);
  }

  /** Ends whatever is under way. */
  finish(): void {
    for (const n of this.#open()) this.#tell({ kind: "end", at: n, status: OK, pushback: undefined });
  }

  #open(): readonly number[] {
    return this.#stage.attempts.flatMap(({ cancelledWith }, n) =>
      cancelledWith !== undefined || this.#ended.has(n) ? [] : [n],
    );
  }

  #tell(step: Extract<Step, { at: number }>): void {
    const open = this.#open();
    const n = open[step.at % Math.max(1, open.length)];
    if (n === undefined) return;
    const { listener } = this.#stage.attempt(n);
    if (step.kind === "drain") {
      listener.onDrain();
    } else if (step.kind === "end") {
      this.#ended.add(n);
      listener.onStatus(
        step.status,
        step.pushback === undefined ? [] : ["grpc-retry-pushback-ms", step.pushback],
      );
    } else {
      if (!this.#hasBegun.has(n)) listener.onHeaders(["n", String(n)]);
      this.#hasBegun.add(n);
      if (step.kind === "message") listener.onMessage(Buffer.from(String(n)));
    }
  }
}

const POLICIES: Readonly<Record<string, RepeatPolicy>> = {
  retries: { ...RETRY, attempts: 4, codes: codeSet([Code.UNAVAILABLE, Code.ABORTED]) },
  hedging: { ...HEDGING, attempts: 4, codes: codeSet([Code.UNAVAILABLE, Code.ABORTED]) },
};

describe("under any course of events", () => {
  for (const [name, policy] of Object.entries(POLICIES)) {
    test(`${name} keep the listener's contract and leave nothing behind`, () => {
      fc.assert(
        fc.property(
          fc.array(step, { maxLength: 25 }),
          fc.constantFrom(50, 300, Number.POSITIVE_INFINITY),
          fc.constantFrom(0, 20, 100),
          (steps, deadlineMs, percent) => {
            const stage = new Stage(policy, { percent, minPerSecond: 1, keptBytes: 8 });
            const upstream = new Upstream(stage);
            const call = stage.call(deadlineMs);
            for (const each of steps) upstream.play(each, call);
            // An attempt ends in a pause, or another one starts; there are four.
            for (let i = 0; i < 5; i++) {
              upstream.finish();
              stage.clock.advance(1000);
            }
            assertContract(stage.heard.words);
            assert.ok(stage.attempts.length <= policy.attempts);
            assert.equal(stage.clock.pending, 0);
            assert.equal(stage.retries.keptBytes, 0);
            for (const { sent, isHalfClosed } of stage.attempts) {
              assert.deepEqual([sent.length, isHalfClosed], [1, true]);
            }
            const { retries, hedges, recovered, lost } = stage.retries.stats;
            const repeats = [...retries.values()].reduce((sum, count) => sum + count, hedges);
            assert.equal(repeats, stage.attempts.length - 1);
            assert.equal(recovered + lost, stage.attempts.length > 1 ? 1 : 0);
          },
        ),
        { numRuns: 2000 },
      );
    });
  }
});

function assertContract(words: readonly string[]): void {
  const heard = words.filter((word) => word !== "drain");
  const statuses = heard.filter((word) => word.startsWith("status"));
  assert.equal(statuses.length, 1, words.join(", "));
  assert.ok(words.at(-1)?.startsWith("status"), words.join(", "));
  const headers = heard.flatMap((word, i) => (word.startsWith("headers") ? [i] : []));
  assert.ok(headers.length === 0 || (headers.length === 1 && headers[0] === 0), words.join(", "));
  const sources = new Set(
    heard
      .filter((word) => !word.startsWith("status"))
      .map((word) => word.replace(/^headers n=|^message /, "")),
  );
  assert.ok(sources.size <= 1, `headers and messages are of one attempt: ${words.join(", ")}`);
}
