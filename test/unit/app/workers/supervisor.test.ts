import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { FromWorker, ToWorker } from "../../../../src/app/workers/messages.ts";
import { Supervisor } from "../../../../src/app/workers/supervisor.ts";
import type { WorkerEvents } from "../../../../src/app/workers/worker-process.ts";
import { createLogger } from "../../../../src/telemetry/index.ts";
import { FakeClock } from "../../../support/fake-clock.ts";

const LISTENING = [{ address: { host: "127.0.0.1", port: 8080 }, engine: "uws" }];

/** A process that does what the test says. */
class FakeProcess {
  readonly pid: number;
  readonly received: ToWorker[] = [];
  readonly #events: WorkerEvents;
  wasKilled = false;

  constructor(pid: number, events: WorkerEvents) {
    this.pid = pid;
    this.#events = events;
  }

  send(message: ToWorker): void {
    this.received.push(message);
  }

  kill(): void {
    this.wasKilled = true;
  }

  say(message: FromWorker): void {
    this.#events.onMessage(message);
  }

  babble(message: unknown): void {
    this.#events.onMessage(message);
  }

  exit(how = "SIGKILL"): void {
    this.#events.onExit(how);
  }

  serve(): void {
    this.say({ kind: "hello" });
    this.say({ kind: "serving", listening: LISTENING });
  }

  /** Answers what it was asked last about `about`. */
  answer(about: "metrics" | "readiness", text: string, ready: boolean): void {
    const question = this.received.findLast((message) => message.kind === "ask" && message.about === about);
    assert.ok(question?.kind === "ask", `nobody asked about ${about}`);
    this.say({ kind: "answer", id: question.id, about, ready, text });
  }

  get kinds(): readonly string[] {
    return this.received.map(({ kind }) => kind);
  }
}

interface Bench {
  readonly supervisor: Supervisor;
  readonly processes: readonly FakeProcess[];
  readonly clock: FakeClock;
  /** The sentences of the log. */
  readonly log: readonly string[];
  /** The n-th process that was started, from 0. */
  readonly process: (n: number) => FakeProcess;
}

function benchOf(count: number): Bench {
  const clock = new FakeClock();
  const processes: FakeProcess[] = [];
  const log: string[] = [];
  const supervisor = new Supervisor({
    count,
    startProcess: (events) => {
      const process = new FakeProcess(100 + processes.length, events);
      processes.push(process);
      return process;
    },
    startOrder: (worker) => ({
      kind: "start",
      worker,
      document: { kind: "flags", flags: {}, directory: "/" },
      addresses: [],
      schemas: [],
      logLevel: "info",
    }),
    log: createLogger("info", { write: (line) => void log.push(String(JSON.parse(line).msg)) }),
    now: () => clock.now,
    random: () => 1,
    after: (ms, onExpired) => {
      const timer = { expiresAt: clock.now + ms, wheelIndex: 0, onExpired };
      clock.add(timer);
      return () => clock.remove(timer);
    },
  });
  return {
    supervisor,
    processes,
    clock,
    log,
    process: (n) => {
      const process = processes[n];
      assert.ok(process !== undefined, `there is no process ${n}`);
      return process;
    },
  };
}

/** A bench whose workers all serve. */
async function servingBench(count: number): Promise<Bench> {
  const bench = benchOf(count);
  const started = bench.supervisor.start();
  for (const process of bench.processes) process.serve();
  await started;
  return bench;
}

/** Lets promises that are settled run on. */
async function settled(): Promise<void> {
  for (let i = 0; i < 5; i++) await Promise.resolve();
}

async function restarts(supervisor: Supervisor): Promise<readonly number[]> {
  const reading = supervisor.readings.find(({ name }) => name === "sluice_worker_restarts_total");
  return [...(reading?.read() ?? [])].map(([, value]) => value);
}

describe("the start", () => {
  test("is over when every worker serves; each is told its number once it has said hello", async () => {
    const { supervisor, processes, process } = benchOf(2);
    let isOver = false;
    const started = supervisor.start().then(() => {
      isOver = true;
    });
    assert.equal(processes.length, 2);
    assert.deepEqual(process(0).kinds, []);
    process(0).serve();
    await settled();
    assert.equal(isOver, false);
    process(1).serve();
    await started;
    assert.deepEqual(
      processes.map(({ received }) => received.map((message) => message.kind === "start" && message.worker)),
      [[1], [2]],
    );
    assert.deepEqual(supervisor.listening, LISTENING);
  });

  test("fails with the reason of a worker that cannot start, and ends the others", async () => {
    const { supervisor, process, clock } = benchOf(2);
    const started = supervisor.start();
    process(0).serve();
    process(1).say({ kind: "failed", why: "the port is taken" });
    await assert.rejects(started, /^Error: the port is taken$/);
    assert.ok(process(0).wasKilled && process(1).wasKilled);
    process(0).exit();
    process(1).exit();
    assert.equal(clock.pending, 0, "nothing is left to be started");
  });

  test("fails where a worker ends without a word", async () => {
    const { supervisor, process } = benchOf(1);
    const started = supervisor.start();
    process(0).exit("exit code 1");
    await assert.rejects(started, /worker 1 ended: exit code 1/);
  });
});

describe("a worker that ends", () => {
  test("is replaced at once, under its number, and the others are left alone", async () => {
    const { supervisor, processes, process, clock, log } = await servingBench(2);
    clock.advance(60_000);
    process(1).exit();
    clock.advance(0);
    assert.equal(processes.length, 3);
    process(2).serve();
    const [order] = process(2).received;
    assert.ok(order?.kind === "start" && order.worker === 2);
    assert.ok(!process(0).wasKilled);
    assert.deepEqual(await restarts(supervisor), [0, 1]);
    assert.ok(log.includes("worker ended; another takes its place"));
    supervisor.close();
  });

  test("again and again is replaced ever later, up to 10 s, and the log says so", async () => {
    const { supervisor, processes, process, clock, log } = await servingBench(1);
    const pauses: number[] = [];
    for (let i = 0; i < 10; i++) {
      process(i).exit("exit code 134");
      const from = clock.now;
      while (processes.length === i + 1) clock.advance(100);
      pauses.push(clock.now - from);
    }
    assert.deepEqual(pauses, [100, 100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
    assert.equal(log.filter((line) => line === "worker keeps ending soon after its start").length, 8);
    process(10).serve();
    clock.advance(20_000);
    process(10).exit();
    clock.advance(0);
    assert.equal(processes.length, 12, "a sound life clears its name");
    supervisor.close();
  });

  test("leaves what it had counted in the sum", async () => {
    const { supervisor, process, clock } = await servingBench(1);
    const text = (count: number): string =>
      `# HELP sluice_requests_total Requests.\n# TYPE sluice_requests_total counter\nsluice_requests_total ${count}\n`;
    const scrape = async (n: number, count: number): Promise<string> => {
      const metrics = supervisor.metrics("");
      process(n).answer("metrics", text(count), true);
      return await metrics;
    };
    assert.equal(await scrape(0, 41), text(41));
    process(0).exit();
    clock.advance(0);
    process(1).serve();
    assert.equal(await scrape(1, 1), text(42));
    supervisor.close();
  });

  test("settles what it was asked", async () => {
    const { supervisor, process } = await servingBench(1);
    const readiness = supervisor.readiness();
    process(0).exit();
    assert.deepEqual(await readiness, {
      ready: 0,
      detail: "0 of 1 workers are ready; the others: does not answer",
    });
    supervisor.close();
  });
});

describe("readiness", () => {
  test("counts the workers that say they are ready, and tells why the others are not", async () => {
    const { supervisor, process, clock } = await servingBench(4);
    process(3).exit();
    const readiness = supervisor.readiness();
    process(0).answer("readiness", "ready", true);
    process(1).answer("readiness", "draining", false);
    clock.advance(1000);
    assert.deepEqual(await readiness, {
      ready: 1,
      detail: "1 of 4 workers are ready; the others: draining, does not answer, resting",
    });
    supervisor.close();
  });

  test("asked twice at a time is one question", async () => {
    const { supervisor, process } = await servingBench(1);
    const both = [supervisor.readiness(), supervisor.readiness()];
    assert.deepEqual(process(0).kinds, ["start", "ask"]);
    process(0).answer("readiness", "ready", true);
    for (const readiness of both) assert.equal((await readiness).ready, 1);
    supervisor.close();
  });
});

describe("a worker that is stuck", () => {
  test("is ended after half a minute of silence", async () => {
    const { supervisor, process, clock, log } = await servingBench(2);
    for (let checks = 0; checks < 7; checks++) {
      assert.ok(!process(1).wasKilled, `${checks} checks`);
      clock.advance(5000);
      process(0).answer("metrics", "", true);
      clock.advance(1000);
      await settled();
    }
    assert.ok(process(1).wasKilled);
    assert.ok(!process(0).wasKilled, "one that answers is not");
    assert.ok(log.includes("worker does not answer; ending it"));
    supervisor.close();
  });

  test("has its last metrics counted meanwhile", async () => {
    const { supervisor, process, clock } = await servingBench(1);
    const text = "# HELP sluice_x_total X.\n# TYPE sluice_x_total counter\nsluice_x_total 5\n";
    clock.advance(5000);
    process(0).answer("metrics", text, true);
    await settled();
    const metrics = supervisor.metrics("");
    clock.advance(1000);
    assert.equal(await metrics, text);
    supervisor.close();
  });
});

for (const message of [
  undefined,
  "hello",
  { kind: "answer", id: "1" },
  { kind: "serving", listening: [{}] },
]) {
  test(`a worker that says ${JSON.stringify(message)} is ended, and the primary goes on`, async () => {
    const { supervisor, process, log } = await servingBench(1);
    process(0).babble(message);
    assert.ok(process(0).wasKilled);
    assert.ok(log.includes("ending the worker"));
    supervisor.close();
  });
}

describe("draining", () => {
  test("tells each worker once, however often it is asked for, and is over when they have gone", async () => {
    const { supervisor, process, clock } = await servingBench(2);
    let isOver = false;
    const drained = Promise.all([supervisor.drain(), supervisor.drain()]).then(() => {
      isOver = true;
    });
    assert.deepEqual(process(0).kinds, ["start", "drain"]);
    process(0).exit("exit code 0");
    await settled();
    assert.equal(isOver, false);
    process(1).exit("exit code 0");
    await drained;
    assert.ok(!process(0).wasKilled && !process(1).wasKilled);
    assert.equal(clock.pending, 0, "no timer is left");
  });

  test("ends a worker that does not serve yet, and starts none that was to follow", async () => {
    const { supervisor, processes, process, clock } = await servingBench(2);
    process(0).exit();
    clock.advance(0);
    process(2).say({ kind: "hello" });
    process(1).exit();
    clock.advance(0);
    process(3).exit();
    const drained = supervisor.drain();
    assert.ok(process(2).wasKilled);
    process(2).exit();
    await drained;
    clock.advance(60_000);
    assert.equal(processes.length, 4);
  });

  test("can be cut short", async () => {
    const { supervisor, process } = await servingBench(1);
    const drained = supervisor.drain();
    supervisor.close();
    assert.ok(process(0).wasKilled);
    process(0).exit();
    await drained;
  });
});
