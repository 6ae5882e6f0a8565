import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { FromWorker, ToWorker } from "../../../../src/app/workers/messages.ts";
import { type PrimaryChannel, runWorker } from "../../../../src/app/workers/worker.ts";
import { LineBuffer } from "../../../../src/telemetry/index.ts";

/** The primary's end, in this process. */
class Primary implements PrimaryChannel {
  readonly reports: FromWorker[] = [];
  #take: (message: unknown) => void = () => assert.fail("nobody listens");

  async send(report: FromWorker): Promise<void> {
    this.reports.push(report);
  }

  onMessage(take: (message: unknown) => void): void {
    this.#take = take;
  }

  order(message: ToWorker): void {
    this.#take(message);
  }
}

const START: ToWorker = {
  kind: "start",
  worker: 1,
  document: { kind: "file", path: "a.yaml", bytes: Buffer.from("listeners: 1") },
  addresses: [],
  schemas: [],
  logLevel: "info",
};

function start(): { primary: Primary; exited: Promise<number> } {
  const primary = new Primary();
  const logLines = { dropped: 0, write: () => assert.fail("nothing is logged") };
  const standardOutput = new LineBuffer(
    { write: (_chunk, done) => done(undefined), reopen: async () => undefined, close: () => undefined },
    (error) => assert.fail(error),
  );
  const exited = runWorker(primary, "1.2.3", { standardOutput, logLines });
  assert.deepEqual(primary.reports, [{ kind: "hello" }]);
  return { primary, exited };
}

describe("a worker", () => {
  test("that is let go before it has anything to do ends", async () => {
    const { primary, exited } = start();
    primary.order({ kind: "drain" });
    assert.equal(await exited, 0);
  });

  test("that cannot start says why, and ends", async () => {
    const { primary, exited } = start();
    primary.order(START);
    assert.equal(await exited, 1);
    const [, failed] = primary.reports;
    assert.ok(failed?.kind === "failed");
    assert.match(failed.why, /a\.yaml:1:\d+/);
  });
});
