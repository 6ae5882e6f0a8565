/** What a config was made of, so that another process can make the same of it without looking at files again. */
import type { Environment } from "./environment.ts";
import { type ConfigFlags, type ConfigResult, configFromFlags, configLoader } from "./load.ts";

/** A file's name and content as they were read, or flags and the working directory. */
export type ConfigDocument =
  | { readonly kind: "file"; readonly path: string; readonly bytes: Uint8Array }
  | { readonly kind: "flags"; readonly flags: ConfigFlags; readonly directory: string };

/**
 * Reads the document that `current` gives, again at each call; the kind and the path are those of the first one. The same
 * document and environment give the same config. What it gives never rejects.
 */
export function documentReader(
  current: () => ConfigDocument,
  environment: Environment,
): () => Promise<ConfigResult> {
  const first = current();
  if (first.kind === "flags") return async () => configFromFlags(first.flags, first.directory);
  const readFile = async (): Promise<Uint8Array> => {
    const document = current();
    return document.kind === "file" ? document.bytes : first.bytes;
  };
  return configLoader({ path: first.path, readFile, environment });
}
