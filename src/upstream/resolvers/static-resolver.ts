/** What needs no look-up: IP addresses, `localhost`, unix sockets. */
import type { SocketAddress } from "../address.ts";
import type { Resolver, ResolverListener } from "../resolver.ts";

/** One address that never changes. */
export class StaticResolver implements Resolver {
  readonly #address: SocketAddress;
  readonly #weight: number;
  readonly isResolving = false;

  constructor(address: SocketAddress, weight: number) {
    this.#address = address;
    this.#weight = weight;
  }

  start(listener: ResolverListener): void {
    const address = this.#address;
    const host = address.kind === "unix" ? "localhost" : address.host;
    listener.onEndpoints([{ address, host, weight: this.#weight }]);
  }

  resolveNow(): void {
    // There is nothing new to find.
  }

  stop(): void {
    // Nothing runs.
  }
}
