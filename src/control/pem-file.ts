/** One PEM file: its text, or why it cannot be read. */
import { createHash } from "node:crypto";
import type { FilePath } from "../config/index.ts";
import type { TlsFault, TlsPart } from "../tls/index.ts";
import { readRegularFile } from "./regular-file.ts";

/** Bundles of every public authority have a quarter of it. */
const MAX_FILE_BYTES: number = 1024 * 1024;

/** Neither of the two where the config names no file. */
export interface PemReading {
  readonly text?: string;
  readonly fault?: TlsFault;
}

/** Reads `file`, which is to hold `part`. Never rejects. */
export async function readPem(part: TlsPart, file: FilePath | undefined): Promise<PemReading> {
  if (file === undefined) return {};
  try {
    const bytes = await readRegularFile(file.resolved);
    if (bytes.byteLength <= MAX_FILE_BYTES) return { text: bytes.toString("utf8") };
    const what = `has ${bytes.byteLength} bytes, which no PEM file of certificates has`;
    return { fault: { part, severity: "error", what, hint: `at most ${MAX_FILE_BYTES}` } };
  } catch (error) {
    // ENOENT and the like; the whole text of the error would repeat the path.
    const reason = error instanceof Error ? error.message : String(error);
    const code = error instanceof Error && "code" in error ? String(error.code) : reason;
    const hint = "give a PEM file that the gateway may read";
    return { fault: { part, severity: "error", what: `cannot be read: ${code}`, hint } };
  }
}

/** Changes with what is in the files, or with why they cannot be read; tells nothing of it. */
export function digestOf(readings: readonly PemReading[]): string {
  const hash = createHash("sha256");
  for (const { text, fault } of readings) hash.update(`${text?.length} ${text} ${fault?.what}\n`);
  return hash.digest("base64");
}
