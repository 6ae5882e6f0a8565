/** Suggestions for misspelled names, at a bounded cost: names come from clients, candidates from schemas. */

const MAX_NAME = 64;
const MAX_CANDIDATES = 300;

/** ` (did you mean "x"?)`, or "" where nothing is near. */
export function suggestion(name: string, candidates: Iterable<string>): string {
  const nearest = nearestName(name, candidates);
  return nearest === undefined ? "" : ` (did you mean "${nearest}"?)`;
}

/**
 * The candidate with the fewest edits from `name`, case ignored, if that is at most a third of its length, rounded up (at most 3);
 * the first of equals. Undefined if none is that near.
 */
export function nearestName(name: string, candidates: Iterable<string>): string | undefined {
  if (name.length > MAX_NAME) return undefined;
  const wanted = name.toLowerCase();
  let limit = name.length < 2 ? 0 : Math.min(3, Math.ceil(name.length / 3));
  let nearest: string | undefined;
  let tried = 0;
  for (const candidate of candidates) {
    if (++tried > MAX_CANDIDATES) break;
    if (candidate.length > MAX_NAME || Math.abs(candidate.length - name.length) > limit) continue;
    const distance = editDistance(wanted, candidate.toLowerCase());
    if (distance > limit || candidate === "") continue;
    nearest = candidate;
    if (distance === 0) break;
    limit = distance - 1;
  }
  return nearest;
}

/** Levenshtein's distance in one row of memory. */
function editDistance(a: string, b: string): number {
  const row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    let diagonal = row[0] ?? 0;
    row[0] = i;
    for (let j = 1; j <= b.length; j++) {
      const above = row[j] ?? 0;
      const left = row[j - 1] ?? 0;
      const same = a.charCodeAt(i - 1) === b.charCodeAt(j - 1);
      row[j] = Math.min(above + 1, left + 1, diagonal + (same ? 0 : 1));
      diagonal = above;
    }
  }
  return row[b.length] ?? 0;
}
