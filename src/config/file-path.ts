/** Files that the config names. */
import { isAbsolute, resolve } from "node:path";
import type * as z from "zod";
import { parsePlainText, text } from "./fields.ts";
import type { Reading } from "./reading.ts";
import type { FilePath } from "./types.ts";

/** A file; relative paths are taken from `directory`, which must be absolute. */
export function filePath(directory: string, description: string): z.ZodType<FilePath> {
  return text(
    "path",
    `${description} Relative paths start at the config file.`,
    (value): Reading<FilePath> => {
      const path = parsePlainText(value);
      if (path.complaint !== undefined) return path;
      const resolved = isAbsolute(path.value) ? path.value : resolve(directory, path.value);
      return { value: { text: path.value, resolved } };
    },
  );
}
