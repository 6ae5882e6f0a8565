/**
 * What a parsed path template is. `parse-template.ts` makes one, `path-matcher-builder.ts` takes it.
 */

/** One segment: text to be met exactly (percent-decoded), `*` for one that is not empty, `**` for any number. */
export type TemplateSegment =
  | { readonly kind: "literal"; readonly text: string }
  | { readonly kind: "*" }
  | { readonly kind: "**" };

/** A variable and the segments `start` to `end` (exclusive) of its template that it captures. */
export interface TemplateVariable {
  /** Proto field names, dotted: `book.name`. */
  readonly fieldPath: string;
  readonly start: number;
  readonly end: number;
  /** Whether it captures exactly one segment, or several (`**` too): the two are decoded differently. */
  readonly span: "segment" | "segments";
}

/** A path template of `google.api.HttpRule`, parsed. */
export interface PathTemplate {
  /** As it was written. */
  readonly text: string;
  /** Empty for `/`; at most one of them is `**`. */
  readonly segments: readonly TemplateSegment[];
  /** Without its colon, percent-decoded; "" for none. */
  readonly verb: string;
  /** In the order of the text; no two overlap. */
  readonly variables: readonly TemplateVariable[];
}

/** Where the template has its `**`, or -1. */
export function multiIndexOf(template: PathTemplate): number {
  return template.segments.findIndex((segment) => segment.kind === "**");
}

/** How one segment reads in a message for people: `books`, `*`, `**`. */
export function segmentText(segment: TemplateSegment): string {
  return segment.kind === "literal" ? segment.text : segment.kind;
}
