/**
 * What happened to the books, compacted: the last event of each name, in the order of revisions. So a watch can begin
 * anywhere, and what it costs does not grow with the number of changes.
 */
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type BookEvent, BookEventSchema } from "../gen/library/v1/library_pb.ts";

const MAX_REMOVALS = 1_000;

/** Hears of every change; must not throw. */
export type ChangeListener = (event: BookEvent) => void;

/** Counts changes, keeps the last one of each book and tells listeners. */
export class ChangeLog {
  readonly #now: () => number;
  /** By name of the book; a change moves its book to the end. */
  readonly #last: Map<string, BookEvent> = new Map();
  readonly #listeners: Set<ChangeListener> = new Set();
  #revision = 0n;
  #removals = 0;
  #forgotten = 0n;

  /** `now` gives epoch milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** The revision of the last change. */
  get revision(): bigint {
    return this.#revision;
  }

  /** Notes a change that happens now. */
  add(event: BookEvent["event"]): void {
    this.#revision++;
    const noted = create(BookEventSchema, {
      revision: this.#revision,
      time: timestampFromMs(this.#now()),
      event,
    });
    const name = bookNameOf(noted);
    if (this.#last.get(name)?.event.case === "deleted") this.#removals--;
    this.#last.delete(name);
    this.#last.set(name, noted);
    if (event.case === "deleted" && ++this.#removals > MAX_REMOVALS) this.#forgetARemoval();
    for (const listener of this.#listeners) listener(noted);
  }

  /**
   * What brings somebody up to date who knows everything up to `revision`: events in order, at most one a book. Behind
   * revision 0 these are the books that there are, as `current`. Undefined if nobody can have known that revision, or
   * if removals behind it are forgotten.
   */
  after(revision: bigint): readonly BookEvent[] | undefined {
    if (revision === 0n) return [...this.#last.values()].flatMap(asCurrent);
    if (revision > this.#revision || revision < this.#forgotten) return undefined;
    return [...this.#last.values()].filter((event) => event.revision > revision);
  }

  /** Calls `listener` at every change until the returned function is called. */
  subscribe(listener: ChangeListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #forgetARemoval(): void {
    for (const [name, { event, revision }] of this.#last) {
      if (event.case !== "deleted") continue;
      this.#last.delete(name);
      this.#removals--;
      this.#forgotten = revision;
      return;
    }
  }
}

/** The name of the book that something happened to. */
export function bookNameOf({ event }: BookEvent): string {
  switch (event.case) {
    case "deleted":
      return event.value;
    case "current":
    case "created":
    case "updated":
      return event.value.name;
    case undefined:
      return "";
  }
}

function asCurrent({ revision, time, event }: BookEvent): BookEvent[] {
  if (event.case === undefined || event.case === "deleted") return [];
  const current = { case: "current", value: event.value } as const;
  const init = { revision, event: current, ...(time === undefined ? {} : { time }) };
  return [create(BookEventSchema, init)];
}
