/**
 * One of a primary's workers, by its number: the process that is it now, and the ones that follow when that ends.
 *
 *   starting --hello, serving--> serving --drain--> leaving --exit--> gone
 *      |  ^                         |
 *     exit|                       exit
 *      v  |                         v
 *      resting <--------------------+            (no longer than the backoff says)
 */
import type { Logger } from "../../telemetry/index.ts";
import {
  type FromWorker,
  readReport,
  type StartOrder,
  type Topic,
  type ToWorker,
  type WorkerAnswer,
  type WorkerListening,
} from "./messages.ts";
import { RestartBackoff } from "./restart-backoff.ts";
import type { StartProcess, WorkerProcess } from "./worker-process.ts";

/** From so many short lives in a row on the log says that this is no accident. */
const CRASH_LOOP = 3;

/** Checks in a row between which nothing is heard of a process, after which it is taken for stuck. */
const MAX_SILENT_CHECKS = 6;

/** Where a worker stands. */
export type WorkerState = "starting" | "serving" | "resting" | "leaving" | "gone";

/** What the supervisor and its slots work with. */
export interface SlotParts {
  readonly startProcess: StartProcess;
  /** The start message of the worker of this number, as things are now. */
  readonly startOrder: (worker: number) => StartOrder;
  readonly log: Logger;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
  readonly random: () => number;
  /** Calls back once, after `ms`, unless the function that it gives is called before. */
  readonly after: (ms: number, callback: () => void) => () => void;
}

/** Is told of a worker. */
export interface SlotObserver {
  serving(listening: readonly WorkerListening[]): void;
  /** Its process could not start serving; it ends by itself. */
  failed(why: string): void;
  /** Its process has ended; whether another follows, `WorkerSlot.state` says. */
  ended(how: string): void;
}

interface Question {
  readonly id: number;
  readonly answered: Promise<WorkerAnswer | undefined>;
  readonly settle: (answer: WorkerAnswer | undefined) => void;
}

/** One worker. */
export class WorkerSlot {
  readonly worker: number;
  readonly #parts: SlotParts;
  readonly #observer: SlotObserver;
  readonly #backoff: RestartBackoff;
  /** One at a time about each topic: whoever asks meanwhile gets the same answer. */
  readonly #questions = new Map<Topic, Question>();
  #state: WorkerState = "gone";
  #process: WorkerProcess | undefined;
  /** Whether the process has its start message; it hears nothing before. */
  #isOrdered = false;
  #startedAt = 0;
  #lastQuestion = 0;
  #silentChecks = 0;
  #cancelRest: () => void = () => {};
  /** Its metrics when it told them last; "" before. */
  lastMetrics = "";

  constructor(worker: number, parts: SlotParts, observer: SlotObserver) {
    this.worker = worker;
    this.#parts = parts;
    this.#observer = observer;
    this.#backoff = new RestartBackoff(parts.random);
  }

  get state(): WorkerState {
    return this.#state;
  }

  start(): void {
    const { startProcess, now } = this.#parts;
    this.#state = "starting";
    this.#isOrdered = false;
    this.#startedAt = now();
    this.#silentChecks = 0;
    this.#process = startProcess({
      onMessage: (message) => this.#take(message),
      onExit: (how) => this.#onExit(how),
    });
  }

  /** Sends, to a process that has had its start message; the others get theirs as things are then. */
  send(message: ToWorker): void {
    if (this.#isOrdered) this.#process?.send(message);
  }

  /** Undefined if it does not answer within `timeoutMs`, or ends. */
  ask(about: Topic, timeoutMs: number): Promise<WorkerAnswer | undefined> {
    if (this.#process === undefined || !this.#isOrdered) return Promise.resolve(undefined);
    const open = this.#questions.get(about);
    if (open !== undefined) return open.answered;
    const id = ++this.#lastQuestion;
    let resolve: (answer: WorkerAnswer | undefined) => void = () => {};
    const answered = new Promise<WorkerAnswer | undefined>((settled) => {
      resolve = settled;
    });
    const cancel = this.#parts.after(timeoutMs, () => settle(undefined));
    const settle = (answer: WorkerAnswer | undefined): void => {
      cancel();
      this.#questions.delete(about);
      resolve(answer);
    };
    this.#questions.set(about, { id, answered, settle });
    this.#process.send({ kind: "ask", id, about });
    return answered;
  }

  /**
   * To be called every few seconds, with a question for it to answer in between. Ends a process of which nothing is heard
   * for several of these: it would go on being given connections. Counted in checks, not in time, so that a machine that
   * was asleep does not end all of them.
   */
  check(): void {
    const process = this.#process;
    if (process === undefined || this.#state === "leaving") return;
    if (this.#silentChecks < MAX_SILENT_CHECKS) {
      this.#silentChecks++;
      return;
    }
    this.#silentChecks = 0;
    this.#parts.log.error({ worker: this.worker, pid: process.pid }, "worker does not answer; ending it");
    process.kill();
  }

  /** Lets it finish its requests and go; one that does not serve yet goes at once. Nobody follows it. */
  drain(): void {
    if (this.#state === "leaving") return;
    this.#cancelRest();
    if (this.#process === undefined) {
      this.#state = "gone";
      return;
    }
    const wasServing = this.#state === "serving";
    this.#state = "leaving";
    if (wasServing) this.#process.send({ kind: "drain" });
    else this.#process.kill();
  }

  /** Ends it at once. Nobody follows it. */
  close(): void {
    this.#cancelRest();
    this.#state = this.#process === undefined ? "gone" : "leaving";
    this.#process?.kill();
  }

  #take(message: unknown): void {
    let report: FromWorker;
    try {
      report = readReport(message);
    } catch (error) {
      this.#parts.log.error({ err: error, worker: this.worker }, "ending the worker");
      this.#process?.kill();
      return;
    }
    this.#silentChecks = 0;
    switch (report.kind) {
      case "hello":
        this.#isOrdered = true;
        this.#process?.send(this.#parts.startOrder(this.worker));
        return;
      case "serving":
        if (this.#state !== "starting") return;
        this.#state = "serving";
        this.#observer.serving(report.listening);
        return;
      case "failed":
        this.#observer.failed(report.why);
        return;
      case "answer":
        this.#answered(report);
        return;
      default:
        report satisfies never;
    }
  }

  #answered({ id, about, ready, text }: Extract<FromWorker, { readonly kind: "answer" }>): void {
    if (about === "metrics") this.lastMetrics = text;
    const question = this.#questions.get(about);
    // It may have come too late.
    if (question?.id === id) question.settle({ ready, text });
  }

  #onExit(how: string): void {
    const pid = this.#process?.pid;
    this.#process = undefined;
    for (const { settle } of this.#questions.values()) settle(undefined);
    if (this.#state === "leaving") {
      this.#state = "gone";
      this.#observer.ended(how);
      return;
    }
    const { log, now, after } = this.#parts;
    const { worker } = this;
    const pauseMs = Math.round(this.#backoff.pauseAfter(now() - this.#startedAt));
    this.#state = "resting";
    log.error({ worker, pid, how, restartInMs: pauseMs }, "worker ended; another takes its place");
    const { shortLives } = this.#backoff;
    if (shortLives >= CRASH_LOOP) {
      log.error({ worker, inARow: shortLives }, "worker keeps ending soon after its start");
    }
    this.#cancelRest = after(pauseMs, () => this.start());
    this.#observer.ended(how);
  }
}
