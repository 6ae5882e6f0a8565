/**
 * Loaded into a gateway process with `--import`, for tests that change what a name stands for: `lookup` of
 * node:dns/promises answers from the JSON file that SLUICE_TEST_HOSTS names, `{ "name": ["address", …] }`, read anew each
 * time. Names that are not in it are looked up as usual.
 */
import type { LookupAddress } from "node:dns";
import dns from "node:dns/promises";
import { readFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { isIP } from "node:net";

const file = process.env.SLUICE_TEST_HOSTS ?? "";
const systemLookup = dns.lookup;

async function lookup(name: string): Promise<LookupAddress[]> {
  // Written by a test, of this form.
  const hosts = JSON.parse(readFileSync(file, "utf8")) as Readonly<Record<string, readonly string[]>>;
  const addresses = hosts[name];
  if (addresses === undefined) return systemLookup(name, { all: true });
  return addresses.map((address) => ({ address, family: isIP(address) }));
}

Object.assign(dns, { lookup });
syncBuiltinESMExports();
