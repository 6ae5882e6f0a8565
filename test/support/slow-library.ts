/** The demo's library as an upstream whose slow method is as slow as a test wants it. */
import type { TestContext } from "node:test";
import { startDemoUpstream } from "../../src/demo/index.ts";

/** A library whose `Wait` answers when the test says so. */
export interface SlowLibrary {
  readonly address: string;
  /** Resolves when the n-th request waits. */
  waiting(count: number): Promise<void>;
  /** Lets all of them go on. */
  release(): void;
}

/** Starts one, which ends with the test. */
export async function slowLibrary(t: TestContext): Promise<SlowLibrary> {
  const sleepers: (() => void)[] = [];
  let notify = (): void => {};
  const upstream = await startDemoUpstream({
    address: "127.0.0.1:0",
    sleep: (_ms, signal) =>
      new Promise((wake, cancel) => {
        signal.addEventListener("abort", () => cancel(new Error("cancelled")));
        sleepers.push(wake);
        notify();
      }),
  });
  t.after(() => upstream.close());
  return {
    address: upstream.address,
    async waiting(count) {
      while (sleepers.length < count) {
        await new Promise<void>((wake) => {
          notify = wake;
        });
      }
    },
    release: () => {
      for (const wake of sleepers) wake();
    },
  };
}
