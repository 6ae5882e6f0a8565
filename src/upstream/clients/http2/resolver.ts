/** Names to socket addresses, through the system's resolver: both address families, in its order. */
import { lookup } from "node:dns/promises";
import type { Address } from "./address.ts";

/** Gives the endpoints behind an address; rejects with the resolver's error. */
export type Resolve = (address: Address) => Promise<readonly Address[]>;

/** Every IP address of a name is an endpoint of its own. */
export async function resolveName(address: Address): Promise<readonly Address[]> {
  if (address.kind === "unix") return [address];
  const found = await lookup(address.host, { all: true });
  return found.map(({ address: host }) => ({ kind: "tcp", host, port: address.port }));
}
