/** What the proofs found: figures, most of them with a goal. */

/** One figure. */
export interface Figure {
  /** What was measured. */
  readonly what: string;
  readonly engine: string;
  readonly value: string;
  /** What it has to be; empty for a figure without a goal. */
  readonly goal: string;
  readonly isMet: boolean;
  /** Whether a second try may tell more: memory grows while V8's marking waits for a processor that others use. */
  readonly isNoisy: boolean;
}

/** A number with the highest that it may be. */
export function atMost(what: string, engine: string, value: number, limit: number, unit: string): Figure {
  const goal = `<= ${limit} ${unit}`;
  return { what, engine, value: `${value.toFixed(1)} ${unit}`, goal, isMet: value <= limit, isNoisy: false };
}

/** Memory of the gateway, with the most that it may be. */
export function growth(what: string, engine: string, value: number, limit: number, unit: string): Figure {
  return { ...atMost(what, engine, value, limit, unit), isNoisy: true };
}

/** Something that holds or does not. */
export function holds(what: string, engine: string, isMet: boolean, otherwise = "no"): Figure {
  return { what, engine, value: isMet ? "yes" : otherwise, goal: "yes", isMet, isNoisy: false };
}

/** A figure that is only told. */
export function told(what: string, engine: string, value: number, unit: string): Figure {
  return { what, engine, value: `${value.toFixed(2)} ${unit}`, goal: "", isMet: true, isNoisy: false };
}

/** The figures as lines of text. */
export function table(figures: readonly Figure[]): string {
  const rows = [
    ["", "engine", "figure", "goal", ""],
    ...figures.map(({ what, engine, value, goal, isMet }) => [
      what,
      engine,
      value,
      goal,
      isMet ? "" : "MISSED",
    ]),
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
