/** Names: selectors of methods, header names, and the nearest known name to a misspelt one. */
import { complain, type Reading, show } from "./reading.ts";

const SELECTOR = /^(?:\*|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*(?:\.\*)?)$/;
const NAME_PATTERN = /^[!#$%&'+.^_`|~0-9A-Za-z-]*\*?$/;
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const METADATA_NAME = /^[0-9a-z_.-]+$/;

/** Reads a selector: `package.Service.Method`, `package.*` or `*`. Source: google/api/http.proto, `HttpRule.selector`. */
export function parseSelector(value: unknown): Reading<string> {
  if (typeof value === "string" && value.length <= 1024 && SELECTOR.test(value)) return { value };
  const slashes = typeof value === "string" && value.includes("/");
  const hint = slashes
    ? "write dots: package.Service.Method"
    : "write package.Service.Method, package.* or * (a * only stands at the end)";
  return complain(`${show(value)} is not a selector`, hint);
}

/** Whether `selector` selects the method `package.Service.Method`. `a.b.*` selects everything below `a.b`. */
export function selectorMatches(selector: string, fullMethodName: string): boolean {
  if (selector === "*") return true;
  if (selector.endsWith(".*")) return fullMethodName.startsWith(selector.slice(0, -1));
  return selector === fullMethodName;
}

/** Reads a header name, or one ending in `*`; lower-cased. Source: RFC 9110 section 5.1. */
export function parseHeaderPattern(value: unknown): Reading<string> {
  if (typeof value === "string" && value !== "" && NAME_PATTERN.test(value)) {
    return { value: value.toLowerCase() };
  }
  return complain(
    `${show(value)} is not a header name`,
    "write a name such as x-request-id; a * may stand at the end",
  );
}

/** Reads one header name, lower-cased. Source: RFC 9110 section 5.1. */
export function parseHeaderName(value: unknown): Reading<string> {
  if (typeof value === "string" && HEADER_NAME.test(value)) return { value: value.toLowerCase() };
  return complain(`${show(value)} is not a header name`, "write a name such as x-request-id");
}

/** Reads a metadata name, lower-cased. Source: gRPC over HTTP/2, "Custom-Metadata"; `grpc-` is reserved there. */
export function parseMetadataName(value: unknown): Reading<string> {
  const name = typeof value === "string" ? value.toLowerCase() : "";
  if (!METADATA_NAME.test(name)) {
    return complain(`${show(value)} is not a metadata name`, "use letters, digits, - _ and . only");
  }
  if (name.startsWith("grpc-"))
    return complain(`${show(value)} is reserved by gRPC`, "choose a name without grpc-");
  return { value: name };
}

/** The known name nearest to `name`, or undefined if none is near: at most a third of the letters differ. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  // Whoever hands in a very long name made no typing error, and the distance is quadratic.
  if (name.length > 64) return undefined;
  const folded = fold(name);
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(folded, fold(candidate));
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Spellings that people take for one another: max_depth, maxDepth, max-depth. */
function fold(name: string): string {
  return name.toLowerCase().replaceAll(/[_-]/g, "");
}

/** Edit distance where two swapped neighbours count once (optimal string alignment), three rows at a time. */
function editDistance(a: string, b: string): number {
  let before: readonly number[] = [];
  let row: readonly number[] = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const viaSwap = swapped ? (before[j - 2] ?? 0) + 1 : replaced;
      next.push(Math.min(replaced, viaSwap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}
