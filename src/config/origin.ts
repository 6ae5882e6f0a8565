/** What a config was made of, so that another process can make the same of it without looking at files again. */
import type { Environment } from "./environment.ts";
import { type ConfigFlags, type ConfigResult, configFromFlags, loadConfig } from "./load.ts";

/** A file's name and content as they were read, or flags and the working directory. */
export type ConfigOrigin =
  | { readonly kind: "file"; readonly path: string; readonly bytes: Uint8Array }
  | { readonly kind: "flags"; readonly flags: ConfigFlags; readonly directory: string };

/** The config of `origin`. The same origin and environment give the same config. Never rejects. */
export async function configOf(origin: ConfigOrigin, environment: Environment): Promise<ConfigResult> {
  if (origin.kind === "flags") return configFromFlags(origin.flags, origin.directory);
  const { path, bytes } = origin;
  return await loadConfig({ path, readFile: () => Promise.resolve(bytes), environment });
}
