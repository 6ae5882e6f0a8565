/**
 * Environment variables in text:
 *
 *     "${NAME}"              the value; a problem if NAME is not set
 *     "${NAME:-default}"     the value, or the default if NAME is not set or empty; the default ends at the first "}"
 *     "$${"                  a literal "${"
 *
 * Substitution works on scalars of the parsed document, so a value cannot add keys or change the structure; what it
 * gives is not substituted again.
 */
import type { Complaint } from "./reading.ts";

/** Variables by name, `process.env` or a table of a test. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What opens a reference, spelt so that it does not look like a template string gone wrong. */
const OPENING = "$" + "{";
const REFERENCE_HINT = `write \${NAME} or \${NAME:-default}; a literal \${ is written $\${`;
const REFERENCE = /\$\$\{|\$\{([^}]*)(\}?)/g;
const INNER = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s;

/** The text with its references replaced, and a complaint for each that cannot be. */
export function substitute(
  text: string,
  environment: Environment,
): { readonly text: string; readonly complaints: readonly Complaint[] } {
  if (!text.includes(OPENING)) return { text, complaints: [] };
  const complaints: Complaint[] = [];
  const replaced = text.replace(REFERENCE, (whole: string, inner: string | undefined, close: string) => {
    if (inner === undefined) return OPENING;
    const match = close === "" ? null : INNER.exec(inner);
    const name = match?.[1];
    if (name === undefined) {
      const what = `${JSON.stringify(whole)} is not a reference to a variable`;
      complaints.push({ what, hint: REFERENCE_HINT });
      return "";
    }
    const found = Object.hasOwn(environment, name) ? environment[name] : undefined;
    const fallback = match?.[2];
    if (fallback !== undefined) return found === undefined || found === "" ? fallback : found;
    if (found !== undefined) return found;
    const hint = `set ${name}, or give a default: \${${name}:-default}`;
    complaints.push({ what: `the environment variable ${name} is not set`, hint });
    return "";
  });
  return { text: replaced, complaints };
}
