/**
 * A schema source that config names: what is wrong with it as a whole is told where config names it.
 */
import type { SchemaSource } from "../schema/index.ts";

/** `source`, with `where` (`file:line:col`) as the place of problems that concern all of it. */
export function placedSource(source: SchemaSource, where: string): SchemaSource {
  const { name } = source;
  const placed: SchemaSource = {
    name,
    async load(signal) {
      const { files, problems } = await source.load(signal);
      const told = problems.map((problem) =>
        problem.where === name ? { ...problem, where, what: `${name}: ${problem.what}` } : problem,
      );
      return { files, problems: told };
    },
  };
  if (source.fingerprint === undefined) return placed;
  return { ...placed, fingerprint: source.fingerprint.bind(source) };
}
