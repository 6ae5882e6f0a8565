/** Suggests what a misspelt name was meant to be. For error texts alone, so plain code is fast enough. */

const LONGEST = 64;
const MOST_NAMES = 500;

/** `; did you mean "x"?` for the candidate nearest to `name`, or "" if none is near. */
export function nearestName(name: string, candidates: readonly string[]): string {
  if (name.length > LONGEST) return "";
  const wanted = fold(name);
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of candidates.slice(0, MOST_NAMES)) {
    if (Math.abs(candidate.length - name.length) > bestDistance + 4 || candidate.length > LONGEST) continue;
    const distance = editDistance(wanted, fold(candidate));
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best === undefined ? "" : `; did you mean ${JSON.stringify(best)}?`;
}

/** Case and underscores are what people get wrong first. */
function fold(name: string): string {
  return name.toLowerCase().replaceAll("_", "");
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_unused, index) => index);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const substitution = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(substitution, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
