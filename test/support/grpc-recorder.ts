/** A CallListener for tests that records what it hears, with promises for the moments that tests wait for. */

import type { Status } from "../../src/status/index.ts";
import type { CallListener, Metadata } from "../../src/upstream/index.ts";

export interface Outcome {
  readonly status: Status;
  readonly trailers: Metadata;
}

export class CallRecorder implements CallListener {
  /** `headers`, `message`, `drain`, `status`, in the order heard. */
  readonly events: string[] = [];
  readonly messages: Uint8Array[] = [];
  readonly headers: Metadata[] = [];
  readonly outcomes: Outcome[] = [];
  /** Settles with the first status. */
  readonly ended: Promise<Outcome>;
  /** What `onMessage` answers. */
  flowing: boolean;
  #resolveEnded: (outcome: Outcome) => void = () => undefined;
  #waiters: { readonly event: string; readonly count: number; readonly resolve: () => void }[] = [];

  constructor(flowing: "flowing" | "held" = "flowing") {
    this.flowing = flowing === "flowing";
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
  }

  onHeaders(metadata: Metadata): void {
    this.headers.push(metadata);
    this.#heard("headers");
  }

  onMessage(message: Uint8Array): boolean {
    this.messages.push(message);
    this.#heard("message");
    return this.flowing;
  }

  onDrain(): void {
    this.#heard("drain");
  }

  onStatus(status: Status, trailers: Metadata): void {
    const outcome = { status, trailers };
    this.outcomes.push(outcome);
    this.#heard("status");
    this.#resolveEnded(outcome);
  }

  /** Waits until `event` has been heard `count` times. */
  heard(event: string, count = 1): Promise<void> {
    if (this.#countOf(event) >= count) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiters.push({ event, count, resolve });
    });
  }

  #countOf(event: string): number {
    return this.events.filter((each) => each === event).length;
  }

  #heard(event: string): void {
    this.events.push(event);
    this.#waiters = this.#waiters.filter((waiter) => {
      if (this.#countOf(waiter.event) < waiter.count) return true;
      waiter.resolve();
      return false;
    });
  }
}

/** All values of `name` in a flat list. */
export function valuesOf(metadata: Metadata, name: string): readonly string[] {
  return metadata.filter((_, i) => i % 2 === 1 && metadata[i - 1] === name);
}
