/**
 * `export` and `local` before messages and enums, as of edition 2024.
 */
import { SymbolVisibility } from "@bufbuild/protobuf/wkt";
import type { FileDraft } from "./parsed-file.ts";

const WORDS: ReadonlyMap<string, SymbolVisibility> = new Map([
  ["export", SymbolVisibility.VISIBILITY_EXPORT],
  ["local", SymbolVisibility.VISIBILITY_LOCAL],
]);

/** Takes the word if a message or an enum comes after it; else it is a name like any other. */
export function parseVisibility({ reader, syntax }: FileDraft): SymbolVisibility | undefined {
  if (syntax !== "editions") return undefined;
  const visibility = WORDS.get(reader.current.text);
  if (visibility === undefined || !["message", "enum"].includes(reader.following.text)) return undefined;
  reader.take();
  return visibility;
}
