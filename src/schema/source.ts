/**
 * The port for where schemas come from: `sources/descriptor-file`, `sources/reflection`, later `sources/proto-files`.
 */
import type { Problem } from "../status/index.ts";
import type { DescriptorFile } from "./file-outline.ts";

/** What a source found. `files` may be unordered and hold a file more than once; they are the caller's own. */
export interface SchemaFiles {
  readonly files: readonly DescriptorFile[];
  readonly problems: readonly Problem[];
}

/** One place that a schema is read from. */
export interface SchemaSource {
  /** For people: `descriptors/library.binpb`, `reflection at localhost:50051`. */
  readonly name: string;
  /**
   * Reads the schema afresh. Faults in what was read are problems in the result.
   * @throws {StatusError} UNAVAILABLE and the like where nothing could be read now and a later try may succeed.
   */
  load(signal: AbortSignal): Promise<SchemaFiles>;
  /**
   * A text that stays equal while `load` would read the same, at a fraction of its cost; sources that can tell only by
   * loading have none. Faults are part of it. A text taken before a `load` that differs from one taken later asks for
   * another `load`. Rejects on abort alone.
   */
  fingerprint?(signal: AbortSignal): Promise<string>;
}
