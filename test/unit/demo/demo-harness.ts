/**
 * A demo upstream with a clock that stands still, ids that count and sleeps that tests end.
 */
import type { TestContext } from "node:test";
import { type DemoUpstream, startDemoUpstream } from "../../../src/demo/index.ts";
import { LibraryService } from "../../../src/gen/library/v1/library_pb.ts";
import { TestClient } from "../../support/grpc-client.ts";

/** 2026-01-02T03:04:05Z. */
export const START_MS: number = Date.UTC(2026, 0, 2, 3, 4, 5);

/** A client, and the strings that move the server's surroundings. */
export interface DemoHarness {
  readonly client: TestClient<(typeof LibraryService)["method"]>;
  readonly upstream: DemoUpstream;
  /** Epoch milliseconds of the server; tests set it. */
  readonly clock: { nowMs: number };
  /** Sleeps that were asked for: how long, and whether the call was aborted. They end at once, moving the clock. */
  readonly sleeps: { readonly ms: number; readonly signal: AbortSignal }[];
}

/** Starts a fresh library; it is closed after the test. */
export async function startDemo(context: TestContext): Promise<DemoHarness> {
  const clock = { nowMs: START_MS };
  const sleeps: DemoHarness["sleeps"] = [];
  let ids = 0;
  const upstream = await startDemoUpstream({
    address: "127.0.0.1:0",
    now: () => clock.nowMs,
    newId: () => `id-${++ids}`,
    sleep: async (ms, signal) => {
      sleeps.push({ ms, signal });
      clock.nowMs += ms;
    },
  });
  const client = new TestClient(upstream.address, LibraryService);
  context.after(async () => {
    client.close();
    await upstream.close();
  });
  return { client, upstream, clock, sleeps };
}
