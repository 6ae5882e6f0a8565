/**
 * The files of TLS towards an upstream: PEM files to material, and what is wrong with them as problems.
 */
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import type { Config, FilePath, TlsConfig } from "../config/index.ts";
import type { Problem } from "../status/index.ts";
import type { TlsFault, TlsMaterial, TlsPart } from "../upstream/index.ts";

/** Bundles of every public authority have a quarter of it. */
const MAX_FILE_BYTES: number = 1024 * 1024;

/** What the files of one upstream hold now. */
export interface TlsFiles {
  /** Undefined where one of them cannot be read. */
  readonly material: TlsMaterial | undefined;
  readonly faults: readonly TlsFault[];
  /** Changes with what is in the files, or with why they cannot be read; tells nothing of it. */
  readonly digest: string;
}

/** Reads the files that `tls` names. Never rejects. */
export async function readTlsFiles(tls: TlsConfig): Promise<TlsFiles> {
  const { ca, identity } = tls;
  const [caPem, certificatePem, keyPem] = await Promise.all([
    readPem("ca", ca),
    readPem("certificate", identity?.certificate),
    readPem("key", identity?.key),
  ]);
  const readings = [caPem, certificatePem, keyPem];
  const hash = createHash("sha256");
  for (const { text, fault } of readings) hash.update(`${text?.length} ${text} ${fault?.what}\n`);
  const digest = hash.digest("base64");
  const faults = readings.flatMap(({ fault }) => (fault === undefined ? [] : [fault]));
  if (faults.length > 0) return { material: undefined, faults, digest };
  const isWhole = certificatePem.text !== undefined && keyPem.text !== undefined;
  const pair = isWhole ? { certificatePem: certificatePem.text, keyPem: keyPem.text } : undefined;
  return { material: { caPem: caPem.text, identity: pair }, faults: [], digest };
}

/** A fault as a problem of `upstream`, at the place of the file's name in the config. */
export function tlsProblem(
  config: Pick<Config, "locate">,
  upstream: string,
  tls: TlsConfig,
  fault: TlsFault,
): Problem {
  const { part, severity, what, hint } = fault;
  return {
    severity,
    where: config.locate(["upstreams", upstream, "tls", part]),
    what: `upstream ${upstream}: ${nameOf(tls, part)} ${what}`,
    hint,
  };
}

function nameOf({ ca, identity }: TlsConfig, part: TlsPart): string {
  const file = part === "ca" ? ca : identity?.[part];
  return file?.text ?? part;
}

interface PemReading {
  readonly text?: string;
  readonly fault?: TlsFault;
}

async function readPem(part: TlsPart, file: FilePath | undefined): Promise<PemReading> {
  if (file === undefined) return {};
  try {
    const handle = await open(file.resolved);
    try {
      const { size } = await handle.stat();
      if (size <= MAX_FILE_BYTES) return { text: await handle.readFile("utf8") };
      const what = `has ${size} bytes, which no PEM file of certificates has`;
      return { fault: { part, severity: "error", what, hint: `at most ${MAX_FILE_BYTES}` } };
    } finally {
      await handle.close();
    }
  } catch (error) {
    // ENOENT and the like; the whole text of the error would repeat the path.
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    const hint = "give a PEM file that the gateway may read";
    return { fault: { part, severity: "error", what: `cannot be read: ${code}`, hint } };
  }
}
