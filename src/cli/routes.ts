/** `sluice routes`: the route table that a config gives now. */
import { builtins, compileOnce } from "../app/index.ts";
import { formatRouteTable, routeRows } from "../control/index.ts";
import { type ConfigOptions, loadConfigOf, printProblems } from "./load-config.ts";
import { productVersion } from "./product-version.ts";

/** Prints the table; problems go to standard error. 1 if there is no config, or no route. */
export async function routes(options: ConfigOptions & { readonly json?: true }): Promise<number> {
  const { config, problems } = await loadConfigOf(options);
  printProblems(problems, process.stderr);
  if (config === undefined) return 1;
  const onePass = await compileOnce(config, builtins(config, productVersion()));
  printProblems(onePass.problems, process.stderr);
  const rows = routeRows(onePass.snapshot);
  const text = options.json ? JSON.stringify({ routes: rows }, undefined, 2) : formatRouteTable(rows);
  process.stdout.write(`${text}\n`);
  return rows.length === 0 ? 1 : 0;
}
