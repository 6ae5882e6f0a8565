/**
 * Puts files into an order in which each comes after those that it imports.
 */
import type { ProtoUnit } from "./compile-protos.ts";
import { ProtoFault } from "./proto-fault.ts";

/** The units, what they import first. Those that import each other in a circle get a fault. */
export function orderByImports(units: ReadonlyMap<string, ProtoUnit>): readonly ProtoUnit[] {
  const ordered: ProtoUnit[] = [];
  const state = new Map<string, "open" | "done">();
  for (const root of units.values()) {
    // Depth first, by hand: imports may be chained deeper than calls can be.
    const open: { readonly unit: ProtoUnit; next: number }[] = [];
    const enter = (unit: ProtoUnit): void => {
      state.set(unit.name, "open");
      open.push({ unit, next: 0 });
    };
    if (state.get(root.name) === undefined) enter(root);
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      const { unit } = top;
      const name = importsOf(unit)[top.next++];
      if (name === undefined) {
        state.set(unit.name, "done");
        ordered.push(unit);
        open.pop();
        continue;
      }
      const imported = units.get(name);
      if (imported === undefined) continue;
      if (state.get(name) === undefined) enter(imported);
      else if (state.get(name) === "open") reportCircle(unit, name);
    }
  }
  return ordered;
}

function importsOf({ proto }: ProtoUnit): readonly string[] {
  return proto.optionDependency.length === 0
    ? proto.dependency
    : [...proto.dependency, ...proto.optionDependency];
}

function reportCircle(unit: ProtoUnit, name: string): void {
  const at = unit.parsed?.imports.find((each) => each.name === name)?.at ?? { line: 1, column: 1 };
  const what =
    name === unit.name ? "the file imports itself" : `imports ${name}, which imports this file in a circle`;
  unit.faults.push(new ProtoFault(at, what, "move what both need into a third file"));
}
