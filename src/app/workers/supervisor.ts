/**
 * Keeps a number of workers running: starts them, replaces those that end, asks them, lets them go.
 */
import type { Reading } from "../../telemetry/index.ts";
import type { ToWorker, WorkerListening } from "./messages.ts";
import { MetricsSum } from "./metrics-sum.ts";
import { type SlotParts, WorkerSlot, type WorkerState } from "./worker-slot.ts";

/** How often workers are asked for their metrics, besides scrapes: what one has counted since goes with it when it dies. */
const COLLECT_MS = 5000;
/** A worker that is this late has its last metrics counted, or does not count as ready. */
const ANSWER_MS = 1000;

/** What a supervisor works with. */
export interface SupervisorParts extends SlotParts {
  /** How many workers there are to be. */
  readonly count: number;
}

/** The upstreams as one worker sees them: `UpstreamRow[]` as JSON. */
export interface WorkerUpstreams {
  readonly worker: number;
  readonly json: string;
}

/** The workers. */
export class Supervisor {
  readonly #slots: readonly WorkerSlot[];
  readonly #parts: SupervisorParts;
  readonly #sum = new MetricsSum();
  readonly #restarts: number[];
  #listening: readonly WorkerListening[] = [];
  /** Settles the start; does nothing once that is over. */
  #onStart: { readonly serving: () => void; readonly failed: (why: string) => void } | undefined;
  #onGone: (() => void)[] = [];
  #isLeaving = false;
  #cancelCollecting: () => void = () => {};

  constructor(parts: SupervisorParts) {
    this.#parts = parts;
    this.#restarts = Array.from({ length: parts.count }, () => 0);
    this.#slots = this.#restarts.map((_, index) => {
      const worker = index + 1;
      const slot: WorkerSlot = new WorkerSlot(worker, parts, {
        serving: (listening) => {
          this.#listening = listening;
          parts.log.info({ worker }, "worker serves");
          this.#onStart?.serving();
        },
        failed: (why) => {
          if (this.#onStart === undefined) parts.log.error({ worker, why }, "worker cannot start");
          this.#onStart?.failed(why);
        },
        ended: (how) => this.#ended(slot, how),
      });
      return slot;
    });
  }

  /** What the workers listen on, as the last one that started said. */
  get listening(): readonly WorkerListening[] {
    return this.#listening;
  }

  /** Metrics about the workers. */
  get readings(): readonly Reading[] {
    return [
      {
        name: "sluice_workers",
        help: "Worker processes by state: starting, serving, resting before a restart, leaving.",
        kind: "gauge",
        labels: ["state"],
        read: () => [...this.#countByState()].map(([state, count]) => [[state], count]),
      },
      {
        name: "sluice_worker_restarts_total",
        help: "Worker processes that ended and were replaced.",
        kind: "counter",
        labels: ["worker"],
        read: () => this.#restarts.map((count, index) => [[String(index + 1)], count]),
      },
    ];
  }

  /**
   * Starts them all; resolves when every one of them serves.
   * @throws {Error} if one cannot, with its reason; then all of them are ended.
   */
  async start(): Promise<void> {
    try {
      await new Promise<void>((resolve, reject) => {
        this.#onStart = {
          serving: () => {
            if (this.#slots.every(({ state }) => state === "serving")) resolve();
          },
          failed: (why) => reject(new Error(why)),
        };
        for (const slot of this.#slots) slot.start();
      });
    } catch (error) {
      this.close();
      throw error;
    } finally {
      this.#onStart = undefined;
    }
    this.#collectLater();
  }

  /** Sends to every worker that has started; the others are told with their start. */
  send(message: ToWorker): void {
    for (const slot of this.#slots) slot.send(message);
  }

  /** How many workers serve and say that they are ready, and why the others are not. */
  async readiness(): Promise<{ readonly ready: number; readonly detail: string }> {
    const answers = await Promise.all(
      this.#slots.map(async (slot) => {
        if (slot.state !== "serving") return { ready: false, text: slot.state };
        return (await slot.ask("readiness", ANSWER_MS)) ?? { ready: false, text: "does not answer" };
      }),
    );
    const ready = answers.filter((answer) => answer.ready).length;
    const reasons = new Set(answers.filter((answer) => !answer.ready).map(({ text }) => text));
    const why = reasons.size === 0 ? "" : `; the others: ${[...reasons].join(", ")}`;
    return { ready, detail: `${ready} of ${answers.length} workers are ready${why}` };
  }

  /** What each worker says of upstreams, those left out that do not answer. */
  async upstreams(): Promise<readonly WorkerUpstreams[]> {
    const asked = this.#slots
      .filter(({ state }) => state === "serving")
      .map(async (slot) => ({ worker: slot.worker, answer: await slot.ask("upstreams", ANSWER_MS) }));
    const answered = await Promise.all(asked);
    return answered.flatMap(({ worker, answer }) =>
      answer === undefined || answer.text === "" ? [] : [{ worker, json: answer.text }],
    );
  }

  /** The metrics of the whole gateway; `own` are the primary's. */
  async metrics(own: string): Promise<string> {
    await this.#collect();
    return this.#sum.render(
      own,
      this.#slots.map(({ lastMetrics }) => lastMetrics),
    );
  }

  /** Lets all of them finish their requests. Resolves when they have gone. */
  drain(): Promise<void> {
    this.#leave();
    for (const slot of this.#slots) slot.drain();
    return this.#allGone();
  }

  /** Ends all of them at once. */
  close(): void {
    this.#leave();
    for (const slot of this.#slots) slot.close();
    this.#tellIfGone();
  }

  #leave(): void {
    this.#isLeaving = true;
    this.#cancelCollecting();
  }

  #allGone(): Promise<void> {
    return new Promise((resolve) => {
      this.#onGone.push(resolve);
      this.#tellIfGone();
    });
  }

  #tellIfGone(): void {
    if (!this.#slots.every(({ state }) => state === "gone")) return;
    for (const resolve of this.#onGone.splice(0)) resolve();
  }

  #ended(slot: WorkerSlot, how: string): void {
    this.#sum.retire(slot.lastMetrics);
    slot.lastMetrics = "";
    if (slot.state === "resting")
      this.#restarts[slot.worker - 1] = (this.#restarts[slot.worker - 1] ?? 0) + 1;
    this.#onStart?.failed(`worker ${slot.worker} ended: ${how}`);
    this.#tellIfGone();
  }

  #countByState(): Map<WorkerState, number> {
    const counts = new Map<WorkerState, number>([
      ["starting", 0],
      ["serving", 0],
      ["resting", 0],
      ["leaving", 0],
    ]);
    for (const { state } of this.#slots) counts.set(state, (counts.get(state) ?? 0) + 1);
    return counts;
  }

  async #collect(): Promise<void> {
    await Promise.all(this.#slots.map((slot) => slot.ask("metrics", ANSWER_MS)));
  }

  #collectLater(): void {
    if (this.#isLeaving) return;
    this.#cancelCollecting = this.#parts.after(COLLECT_MS, () => {
      for (const slot of this.#slots) slot.check();
      void this.#collect().then(() => this.#collectLater());
    });
  }
}
