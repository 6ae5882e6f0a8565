/** Waiting in the control plane: between two looks at something, and for work that may take too long. */
import { once } from "node:events";

/** Resolves after `ms`; rejects once `signal` is aborted. */
export type Pause = (ms: number, signal: AbortSignal) => Promise<void>;

/** Pauses, and says whether the time passed before `signal` was aborted. */
export async function passes(pause: Pause, ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await pause(ms, signal);
    return true;
  } catch {
    return false;
  }
}

/** Waits for all of `work`, `ms` at most (Infinity is no limit), and no longer than until `stop` is aborted. */
export async function atMost(
  work: readonly Promise<void>[],
  pause: Pause,
  ms: number,
  stop: AbortSignal,
): Promise<void> {
  if (work.length === 0 || stop.aborted) return;
  const isOver = new AbortController();
  // AbortSignal.any would keep something of each round for as long as `stop` lives (Node 20).
  const end = (): void => isOver.abort();
  stop.addEventListener("abort", end);
  const expired = Number.isFinite(ms)
    ? [pause(ms, isOver.signal).catch(() => undefined)]
    : [once(isOver.signal, "abort")];
  await Promise.race([Promise.all(work), ...expired]);
  end();
  stop.removeEventListener("abort", end);
}
