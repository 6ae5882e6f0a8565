/** What a config was made of, so that another process can make the same of it without looking at files again. */
import type { Environment } from "./environment.ts";
import { type ConfigFlags, type ConfigResult, configFromFlags, loadConfig } from "./load.ts";

/** A file's name and content as they were read, or flags and the working directory. */
export type ConfigDocument =
  | { readonly kind: "file"; readonly path: string; readonly bytes: Uint8Array }
  | { readonly kind: "flags"; readonly flags: ConfigFlags; readonly directory: string };

/** The config of `document`. The same document and environment give the same config. Never rejects. */
export async function configOf(document: ConfigDocument, environment: Environment): Promise<ConfigResult> {
  if (document.kind === "flags") return configFromFlags(document.flags, document.directory);
  const { path, bytes } = document;
  return await loadConfig({ path, readFile: () => Promise.resolve(bytes), environment });
}
