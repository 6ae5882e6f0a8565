/**
 * A list of changes for people: what came (`+`), went (`-`) and is otherwise (`~`), a line each.
 *
 * Schemas come from outside and may differ in any number of things, so the list keeps as many as a person may want to
 * read, breaking ones before others, and counts all.
 */

/** What happened to a thing. */
export type ChangeKind = "added" | "removed" | "changed";

/** One change. */
export interface Change {
  readonly kind: ChangeKind;
  /** Whether a client of the HTTP API that did right before may do wrong now. */
  readonly isBreaking: boolean;
  /** `- method library.v1.LibraryService.GetBook`: one line, beginning with `+`, `-` or `~`. */
  readonly text: string;
}

/** What two versions of something differ in. */
export interface Diff {
  /** In the order of what was compared; of a long list the first breaking ones and the first others. */
  readonly changes: readonly Change[];
  /** All changes, those that `changes` has no room for among them. */
  readonly counts: Readonly<Record<ChangeKind, number>>;
  /** How many of all are breaking. */
  readonly breaking: number;
}

/** Changes that are kept of each kind, breaking or not. */
const MAX_KEPT = 1000;

/** No text is longer: names come from outside. */
const MAX_TEXT_LENGTH = 400;

const SIGNS: Readonly<Record<ChangeKind, string>> = { added: "+", removed: "-", changed: "~" };

/** Collects changes. */
export class ChangeList {
  readonly #changes: Change[] = [];
  readonly #counts: Record<ChangeKind, number> = { added: 0, removed: 0, changed: 0 };
  #breaking = 0;
  #kept = { breaking: 0, others: 0 };

  /** A change that breaks clients; `what` is the line without its sign. */
  breaking(kind: ChangeKind, what: string): void {
    this.#breaking++;
    this.#counts[kind]++;
    if (this.#kept.breaking++ < MAX_KEPT) this.#changes.push(change(kind, what, true));
  }

  /** A change that clients can live with. */
  harmless(kind: ChangeKind, what: string): void {
    this.#counts[kind]++;
    if (this.#kept.others++ < MAX_KEPT) this.#changes.push(change(kind, what, false));
  }

  /** What was collected so far. */
  get diff(): Diff {
    return { changes: [...this.#changes], counts: { ...this.#counts }, breaking: this.#breaking };
  }
}

/** Whether nothing that is compared has changed. */
export function isEmptyDiff({ counts }: Diff): boolean {
  return counts.added + counts.removed + counts.changed === 0;
}

/**
 * The changes as lines, breaking ones first and marked, `maxLines` at most; what is left out is counted on one more
 * line: `... and 1,234 more`. No line for no change.
 */
export function formatDiff(diff: Diff, maxLines: number): readonly string[] {
  const breaking = diff.changes.filter((each) => each.isBreaking).map(({ text }) => `${text} (breaking)`);
  const others = diff.changes.filter((each) => !each.isBreaking).map(({ text }) => text);
  const lines = [...breaking, ...others].slice(0, maxLines);
  const { added, removed, changed } = diff.counts;
  const left = added + removed + changed - lines.length;
  return left === 0 ? lines : [...lines, `... and ${left.toLocaleString("en-US")} more`];
}

function change(kind: ChangeKind, what: string, isBreaking: boolean): Change {
  const cut = what.length > MAX_TEXT_LENGTH ? `${what.slice(0, MAX_TEXT_LENGTH)}…` : what;
  return { kind, isBreaking, text: `${SIGNS[kind]} ${cut.replace(/\p{C}/gu, "?")}` };
}
