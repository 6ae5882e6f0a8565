/**
 * Puts files into an order in which each comes after those that it imports.
 */
import type { Problem } from "../status/index.ts";
import { printable } from "./check-file.ts";
import type { LinkedFile } from "./link-files.ts";
import { whereOf } from "./merge-files.ts";

/**
 * The files, dependencies first, otherwise by name. Files in a circle, and those that need them, are left out with a
 * problem. Imports of files that are not among `files` count as met.
 */
export function orderFiles(
  files: ReadonlyMap<string, LinkedFile>,
  problems: Problem[],
): readonly LinkedFile[] {
  const open = new Map<string, number>();
  const importers = new Map<string, string[]>();
  for (const file of files.values()) {
    const imports = new Set(file.outline.dependency.filter((name) => files.has(name)));
    open.set(file.name, imports.size);
    for (const name of imports) {
      const list = importers.get(name);
      if (list === undefined) importers.set(name, [file.name]);
      else list.push(file.name);
    }
  }
  const ordered: LinkedFile[] = [];
  const ready = [...files.keys()].filter((name) => open.get(name) === 0).sort();
  for (let at = 0; at < ready.length; at++) {
    const file = files.get(ready[at] ?? "");
    if (file === undefined) continue;
    ordered.push(file);
    open.delete(file.name);
    for (const importer of importers.get(file.name) ?? []) {
      const left = (open.get(importer) ?? 0) - 1;
      open.set(importer, left);
      if (left === 0) ready.push(importer);
    }
  }
  reportCircles(files, open, problems);
  return ordered;
}

function reportCircles(
  files: ReadonlyMap<string, LinkedFile>,
  left: ReadonlyMap<string, number>,
  problems: Problem[],
): void {
  for (const name of left.keys()) {
    const file = files.get(name);
    if (file === undefined) continue;
    const others = file.outline.dependency.filter((each) => left.has(each)).slice(0, 5);
    problems.push({
      severity: "error",
      where: whereOf(file.origin, name),
      what: printable(`imports ${others.join(", ")} in a circle, or needs a file that does`),
      hint: "descriptor files must not import each other; compile them with protoc or buf",
    });
  }
}
