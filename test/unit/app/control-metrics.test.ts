/** The metrics of the control plane, and docs/reloading.md, which lists them. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { controlReadings } from "../../../src/app/control-metrics.ts";

test("the metrics of the control plane are all in docs/reloading.md, with their labels", () => {
  const rows = readFileSync("docs/reloading.md", "utf8").matchAll(/^\| `(sluice_\w+)` \|([^|]*)\|/gm);
  const documented = [...rows].map(([, name = "", labels = ""]) => [name, labels.replaceAll("`", "").trim()]);
  const nothing = {
    footing: undefined,
    held: new Map(),
    revision: 3,
    retiring: 0,
    schemaChanges: new Map([
      ["a", { counts: { added: 1, removed: 2, changed: 0 }, last: { at: 0, changes: [] } }],
    ]),
  };
  const readings = controlReadings(nothing, { counts: { applied: 1, unchanged: 0, refused: 2 } });
  assert.deepEqual(
    documented,
    readings.map(({ name, labels }) => [name, labels.join(", ")]),
  );
  const samples = Object.fromEntries(readings.map(({ name, read }) => [name, [...read()]]));
  assert.deepEqual(samples.sluice_config_revision, [[[], 3]]);
  assert.deepEqual(samples.sluice_schema_changes_total, [
    [["a", "added"], 1],
    [["a", "removed"], 2],
    [["a", "changed"], 0],
  ]);
  assert.deepEqual(samples.sluice_reloads_total, [
    [["applied"], 1],
    [["unchanged"], 0],
    [["refused"], 2],
  ]);
});
