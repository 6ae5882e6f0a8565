/** Faults while a document is read: complaints with a path, before they become problems with a line. */
import type { Complaint } from "./reading.ts";
import type { ConfigPath } from "./types.ts";

/** One fault of a document. */
export interface Fault extends Complaint {
  readonly path: ConfigPath;
  /** Offset in the text where it is exact; otherwise the place of `path`. */
  readonly offset?: number;
  /** Whether the key itself is at fault, rather than its value. */
  readonly at?: "key";
}

/** `upstreams.library.address[1]`; keys that are not plain words are quoted. */
export function formatPath(path: ConfigPath): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else {
      const key = /^[\w$-]+$/.test(part) ? part : JSON.stringify(part.slice(0, 80));
      text += text === "" ? key : `.${key}`;
    }
  }
  return text;
}

/** Whether `path` is `ancestor` or lies below it. */
export function isWithin(path: ConfigPath, ancestor: ConfigPath): boolean {
  return ancestor.length <= path.length && ancestor.every((part, i) => part === path[i]);
}
