/** What content codings have done so far, for metrics. */
import type { ReplyCoding, RequestCoding } from "./content-coding.ts";

/** Bodies of one coding in one direction. */
export interface CodingTotal {
  readonly direction: "request" | "reply";
  readonly coding: RequestCoding | ReplyCoding;
  /** As the client sees them. */
  codedBytes: number;
  plainBytes: number;
}

/** Adds up bytes. */
export class CodingTotals {
  readonly #totals: CodingTotal[] = [];

  /** One record for each direction and coding that has been seen. */
  get all(): readonly Readonly<CodingTotal>[] {
    return this.#totals;
  }

  /** Adds one body, or a part of one. */
  add(
    direction: CodingTotal["direction"],
    coding: CodingTotal["coding"],
    codedBytes: number,
    plainBytes: number,
  ): void {
    // Six at most.
    let total = this.#totals.find((known) => known.direction === direction && known.coding === coding);
    if (total === undefined) {
      total = { direction, coding, codedBytes: 0, plainBytes: 0 };
      this.#totals.push(total);
    }
    total.codedBytes += codedBytes;
    total.plainBytes += plainBytes;
  }
}
