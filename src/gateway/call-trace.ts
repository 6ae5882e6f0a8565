/** What spans tell of an upstream call, gathered while it is under way. Only requests that are recorded have one. */
import type { Code } from "../status/index.ts";
import type { CallFigures, RepeatedCall } from "../telemetry/index.ts";
import type { UpstreamTarget } from "../upstream/index.ts";

/** One call, from its opening to its first end. */
export class CallTrace {
  readonly #fromMs: number;
  readonly #target: UpstreamTarget | undefined;
  readonly #repeats: RepeatedCall[] = [];
  #end: { readonly toMs: number; readonly code: Code } | undefined;

  constructor(fromMs: number, target: UpstreamTarget | undefined) {
    this.#fromMs = fromMs;
    this.#target = target;
  }

  /** It was sent again; policies limit how often. */
  repeated(previousAttempts: number, afterCode: Code): void {
    this.#repeats.push({ atMs: performance.now(), previousAttempts, afterCode });
  }

  /** It has ended, or nobody waits for it any more; only the first time counts. */
  ended(code: Code): void {
    this.#end ??= { toMs: performance.now(), code };
  }

  /** All of it; only after `ended`. */
  get figures(): CallFigures | undefined {
    if (this.#end === undefined) return undefined;
    return { fromMs: this.#fromMs, ...this.#end, repeats: this.#repeats, target: this.#target };
  }
}
