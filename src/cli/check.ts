/** `sluice check`: every problem of config, schemas and rules, one a line, without listening. */
import { builtins, compileOnce } from "../app/index.ts";
import { formatProblem } from "../status/index.ts";
import { type ConfigOptions, loadConfigOf } from "./load-config.ts";

/** Prints `file:line:col: what (hint)` for every problem; 1 if there is any. */
export async function check(options: ConfigOptions): Promise<number> {
  const loaded = await loadConfigOf(options);
  const onePass =
    loaded.config === undefined ? undefined : await compileOnce(loaded.config, builtins(loaded.config));
  const problems = [...loaded.problems, ...(onePass?.problems ?? [])];
  for (const problem of problems) process.stderr.write(`${formatProblem(problem)}\n`);
  if (problems.length > 0) return 1;
  const routes = onePass?.snapshot.routes.length ?? 0;
  process.stdout.write(`ok: ${routes} ${routes === 1 ? "route" : "routes"}\n`);
  return 0;
}
