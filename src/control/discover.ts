/**
 * Reads an upstream's schema from all of its sources, in two steps: the files, whose digest says whether anything has
 * changed, and what they are linked into.
 */
import { createHash } from "node:crypto";
import {
  buildSchemaInSteps,
  type SchemaFiles,
  type SchemaSet,
  type SchemaSource,
  type SourceFiles,
} from "../schema/index.ts";
import type { Problem } from "../status/index.ts";
import type { TimeSlices } from "./time-slices.ts";

/** What was found. `schema` is undefined where no file was usable. */
export interface Discovery {
  readonly schema: SchemaSet | undefined;
  readonly problems: readonly Problem[];
}

/** The files of all sources of one upstream, as they came. */
export interface LoadedFiles {
  readonly sources: readonly (SchemaFiles & { readonly origin: string })[];
  /** Hex SHA-256 over the bytes of the files, in whatever order they came. */
  readonly digest: string;
}

/**
 * Loads the files of all sources of one upstream.
 * @throws {StatusError} if a source cannot be read now and a later try may succeed.
 */
export async function loadFiles(
  sources: readonly SchemaSource[],
  signal: AbortSignal,
  slices: TimeSlices,
): Promise<LoadedFiles> {
  const loaded = await Promise.all(
    sources.map(async (source) => ({ origin: source.name, ...(await source.load(signal)) })),
  );
  return { sources: loaded, digest: await digestOfFiles(loaded, slices) };
}

/** Hex SHA-256 over the bytes of all files, in whatever order they come. */
export async function digestOfFiles(sources: readonly SourceFiles[], slices: TimeSlices): Promise<string> {
  const digests: string[] = [];
  for (const { files } of sources) {
    for (const { bytes } of files) {
      digests.push(createHash("sha256").update(bytes).digest("hex"));
      if (slices.isOver) await slices.rest();
    }
  }
  // One file that two sources give, or one source twice, says no more than once.
  const distinct = [...new Set(digests)].sort();
  return createHash("sha256").update(distinct.join("\n")).digest("hex");
}

/** Links loaded files into a schema, and takes them over. */
export async function linkLoaded({ sources }: LoadedFiles, slices: TimeSlices): Promise<Discovery> {
  const problemsOfSources = sources.flatMap((source) => source.problems);
  // Why there is nothing has been said; that nothing has a service in it need not be.
  const isNothing = sources.every(({ files }) => files.length === 0);
  if (isNothing && problemsOfSources.length > 0) return { schema: undefined, problems: problemsOfSources };
  const { schema, problems } = await slices.run(buildSchemaInSteps(sources));
  return { schema, problems: [...problemsOfSources, ...problems] };
}

/**
 * Loads and merges the sources of one upstream, once.
 * @throws {StatusError} if a source cannot be read now and a later try may succeed.
 */
export async function discover(
  sources: readonly SchemaSource[],
  signal: AbortSignal,
  slices: TimeSlices,
): Promise<Discovery> {
  return linkLoaded(await loadFiles(sources, signal, slices), slices);
}
