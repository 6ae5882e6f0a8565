/** What the command prints: figures, progress, and the mismatches that make it fail. */

const SHOWN = 20;

/** Collects mismatches and prints as it goes. */
export class Report {
  #mismatches = 0;

  get hasFailed(): boolean {
    return this.#mismatches > 0;
  }

  heading(text: string): void {
    process.stdout.write(`\n${text}\n`);
  }

  figure(what: string, value: string): void {
    process.stdout.write(`  ${what.padEnd(46)} ${value}\n`);
  }

  /** A figure with a goal; a goal that is missed is told, and fails nothing: machines differ. */
  measured(what: string, value: number, unit: string, goal: number): void {
    const digits = value < 10 ? 2 : 0;
    const verdict = value <= goal ? "met" : "MISSED";
    this.figure(what, `${value.toFixed(digits)} ${unit} (goal: at most ${goal} ${unit}, ${verdict})`);
  }

  /** Says how far a long step has got, ten times. */
  progress(what: string, done: number, all: number): void {
    const step = Math.max(1, Math.floor(all / 10));
    if (done % step === 0) process.stdout.write(`  … ${what} ${done} of ${all}\n`);
  }

  mismatch(text: string): void {
    this.#mismatches++;
    if (this.#mismatches <= SHOWN) process.stdout.write(`  MISMATCH ${text}\n`);
    if (this.#mismatches === SHOWN) process.stdout.write("  further mismatches are only counted\n");
  }

  /** The last line. */
  verdict(): void {
    const count = this.#mismatches;
    process.stdout.write(`\n${count === 0 ? "ok: no mismatch" : `FAILED: ${count} mismatches`}\n`);
  }
}

/** Bytes as megabytes of a million. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}
