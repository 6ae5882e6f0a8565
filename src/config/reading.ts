/** The outcome of reading one value: the value, or what is wrong with it. */

/** What is wrong with a value, and what to do about it. */
export interface Complaint {
  /** A phrase that follows the value's path: `"5 days" is not a duration`. */
  readonly what: string;
  readonly hint: string;
}

/** A value read, or a complaint. */
export type Reading<T> =
  | { readonly value: T; readonly complaint?: undefined }
  | { readonly value?: undefined; readonly complaint: Complaint };

/** A failed reading. */
export function complain(what: string, hint: string): { readonly complaint: Complaint } {
  return { complaint: { what, hint } };
}

/** A value as a problem shows it: JSON, cut to 80 characters, collections by kind. */
export function show(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (isMapping(value)) return "a mapping";
  // Scalars of YAML: text, boolean, null, or a number, where JSON has no word for .nan and .inf.
  const text = typeof value === "number" ? String(value) : JSON.stringify(value);
  return text.length <= 80 ? text : `${text.slice(0, 77)}...`;
}

/** Whether `value` is a mapping, among the plain values that a document is made of. */
export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value at `path` of plain values, or undefined. */
export function valueAt(value: unknown, path: readonly (string | number)[]): unknown {
  let found = value;
  for (const part of path) {
    if (typeof part === "number") found = Array.isArray(found) ? found[part] : undefined;
    else found = isMapping(found) && Object.hasOwn(found, part) ? found[part] : undefined;
  }
  return found;
}
