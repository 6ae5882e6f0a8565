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
   * A text that changes when what `load` would read may have changed, for less than a `load`; absent where there is none.
   * @throws {Error} if that cannot be told now.
   */
  fingerprint?(signal: AbortSignal): Promise<string>;
}
