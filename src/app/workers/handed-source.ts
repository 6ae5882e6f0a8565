/**
 * A worker's schema source: what the primary has found, instead of looking again.
 */
import { readDescriptorSet, type SchemaFiles, type SchemaSource } from "../../schema/index.ts";
import { refuse, type StatusError } from "../../status/index.ts";

/** The schemas that the primary has handed over, by upstream. */
export class HandedSchemas {
  readonly #sources = new Map<string, HandedSource>();

  /** The one source of this upstream. */
  of(upstream: string): SchemaSource {
    return this.#sourceOf(upstream);
  }

  /** Takes the schema of `upstream`, a serialized FileDescriptorSet, in place of an earlier one. */
  hand(upstream: string, descriptorSet: Uint8Array): void {
    this.#sourceOf(upstream).hand(descriptorSet);
  }

  #sourceOf(upstream: string): HandedSource {
    const known = this.#sources.get(upstream);
    if (known !== undefined) return known;
    const source = new HandedSource(upstream);
    this.#sources.set(upstream, source);
    return source;
  }
}

class HandedSource implements SchemaSource {
  readonly name: string;
  #descriptorSet: Uint8Array | undefined;
  #wasAsked = false;
  readonly #waiting = new Set<() => void>();

  constructor(upstream: string) {
    this.name = `${upstream}, from the primary`;
  }

  hand(descriptorSet: Uint8Array): void {
    this.#descriptorSet = descriptorSet;
    for (const wake of this.#waiting) wake();
  }

  /**
   * Fails the first time if there is nothing yet, so that the start does not wait for an upstream that the primary knows
   * to be away; from then on it waits for the primary, which tries on.
   */
  async load(signal: AbortSignal): Promise<SchemaFiles> {
    if (this.#descriptorSet === undefined) {
      const isFirst = !this.#wasAsked;
      this.#wasAsked = true;
      if (isFirst) throw notYet();
      await this.#handed(signal);
    }
    // Set by whoever woke us.
    const descriptorSet = this.#descriptorSet;
    if (descriptorSet === undefined) throw notYet();
    return { files: readDescriptorSet(descriptorSet), problems: [] };
  }

  #handed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener("abort", wake);
      if (signal.aborted) wake();
    });
  }
}

function notYet(): StatusError {
  return refuse("UPSTREAM_UNREACHABLE", "the primary has not found it yet");
}
