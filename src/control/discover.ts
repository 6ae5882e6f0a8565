/**
 * Reads an upstream's schema from all of its sources, once.
 */
import { buildSchema, type SchemaSet, type SchemaSource } from "../schema/index.ts";
import type { Problem } from "../status/index.ts";

/** What was found. `schema` is undefined where no file was usable. */
export interface Discovery {
  readonly schema: SchemaSet | undefined;
  readonly problems: readonly Problem[];
}

/**
 * Loads and merges the sources of one upstream.
 * @throws {StatusError} if a source cannot be read now and a later try may succeed.
 */
export async function discover(sources: readonly SchemaSource[], signal: AbortSignal): Promise<Discovery> {
  const loaded = await Promise.all(
    sources.map(async (source) => ({ origin: source.name, ...(await source.load(signal)) })),
  );
  const problemsOfSources = loaded.flatMap((source) => source.problems);
  // Why there is nothing has been said; that nothing has a service in it need not be.
  const isNothing = loaded.every(({ files }) => files.length === 0);
  if (isNothing && problemsOfSources.length > 0) return { schema: undefined, problems: problemsOfSources };
  const { schema, problems } = buildSchema(loaded);
  return { schema, problems: [...problemsOfSources, ...problems] };
}
