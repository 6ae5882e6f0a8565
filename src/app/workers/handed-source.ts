/**
 * A worker's schema sources: what the primary has found, instead of looking again.
 */
import { readDescriptorSet, type SchemaFiles, type SchemaSource } from "../../schema/index.ts";
import { refuse, type StatusError } from "../../status/index.ts";
import type { HandedSchema } from "./messages.ts";

/** Of each upstream the form that serves and the one that comes next; further ones as long as they are followed. */
const KEPT_FORMS = 2;

/** The schemas that the primary has handed over, by upstream and form. */
export class HandedSchemas {
  readonly #upstreams = new Map<string, Map<string, HandedSource>>();
  /** The number of the last one that was handed over, by upstream. */
  readonly #lastHanded = new Map<string, number>();
  #handed = 0;

  /** How many were handed over so far. */
  get handed(): number {
    return this.#handed;
  }

  /** The one source of this form of the upstream. */
  of(upstream: string, form: string): SchemaSource {
    return this.#sourceOf(upstream, form);
  }

  /** Takes a schema in place of an earlier one of the same form. */
  hand({ upstream, form, descriptorSet }: HandedSchema): void {
    this.#sourceOf(upstream, form).hand(descriptorSet);
    this.#lastHanded.set(upstream, ++this.#handed);
  }

  /**
   * Forgets all upstreams but these, and those of which something was handed over beyond the first `handed`: the schema of
   * a new upstream comes ahead of the config that names it.
   */
  keep(upstreams: ReadonlySet<string>, handed: number): void {
    for (const upstream of this.#upstreams.keys()) {
      if (upstreams.has(upstream) || (this.#lastHanded.get(upstream) ?? 0) > handed) continue;
      this.#upstreams.delete(upstream);
      this.#lastHanded.delete(upstream);
    }
  }

  #sourceOf(upstream: string, form: string): HandedSource {
    const forms = this.#upstreams.get(upstream) ?? new Map<string, HandedSource>();
    this.#upstreams.set(upstream, forms);
    const source = forms.get(form) ?? new HandedSource(upstream);
    // The last that was asked for comes last.
    forms.delete(form);
    forms.set(form, source);
    for (const [earlier, { isFollowed }] of forms) {
      if (forms.size <= KEPT_FORMS) break;
      if (earlier !== form && !isFollowed) forms.delete(earlier);
    }
    return source;
  }
}

class HandedSource implements SchemaSource {
  readonly name: string;
  #descriptorSet: Uint8Array | undefined;
  #version = 0;
  /** Of whoever reads it: aborted once they do not any more. */
  #reader: AbortSignal | undefined;
  readonly #waiting = new Set<() => void>();

  constructor(upstream: string) {
    this.name = `${upstream}, from the primary`;
  }

  /** Whether it will be read again. */
  get isFollowed(): boolean {
    return this.#reader?.aborted === false;
  }

  hand(descriptorSet: Uint8Array): void {
    this.#descriptorSet = descriptorSet;
    this.#version++;
    for (const wake of this.#waiting) wake();
  }

  /**
   * Fails the first time if there is nothing yet, so that the start does not wait for an upstream that the primary knows
   * to be away; from then on it waits for the primary, which tries on.
   */
  async load(signal: AbortSignal): Promise<SchemaFiles> {
    const isFirst = this.#reader === undefined;
    this.#reader = signal;
    if (this.#descriptorSet === undefined) {
      if (isFirst) throw notYet();
      await this.#handed(signal);
    }
    // Set by whoever woke us.
    const descriptorSet = this.#descriptorSet;
    if (descriptorSet === undefined) throw notYet();
    return { files: readDescriptorSet(descriptorSet), problems: [] };
  }

  fingerprint(): Promise<string> {
    return Promise.resolve(String(this.#version));
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
