/** Collecting garbage on purpose, for tests of what is kept. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Collects all that can be collected, what WeakRefs were made of included. */
export async function collectGarbage(): Promise<void> {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  if (typeof collect !== "function") throw new Error("V8 has no gc()");
  // What a WeakRef was made of lives until the turn of the event loop is over.
  await new Promise((resolve) => setImmediate(resolve));
  collect();
}
