/** The resolver of an upstream's addresses: each address has one of its own, and their answers are joined. */
import { parseAddress, type WeightedAddress } from "../address.ts";
import type { ResolvedEndpoint, Resolver, ResolverListener } from "../resolver.ts";
import { DnsResolver, type DnsSurroundings } from "./dns-resolver.ts";
import { StaticResolver } from "./static-resolver.ts";

/**
 * Makes the resolver for the addresses of one upstream.
 * @throws {StatusError} UNAVAILABLE, reason UPSTREAM_UNREACHABLE, naming an address that is not of a known form.
 */
export function createResolver(
  addresses: readonly WeightedAddress[],
  surroundings: DnsSurroundings,
): Resolver {
  return new JoinedResolver(
    addresses.map(({ address, weight }) => {
      const parsed = parseAddress(address);
      return parsed.kind === "dns"
        ? new DnsResolver(parsed.host, parsed.port, weight, surroundings)
        : new StaticResolver(parsed, weight);
    }),
  );
}

/** Answers with the endpoints of all its parts, in their order, as soon as one has any. */
class JoinedResolver implements Resolver {
  readonly #parts: readonly Resolver[];
  readonly #found: (readonly ResolvedEndpoint[])[];
  #listener: ResolverListener | undefined;
  #isStarting = false;

  constructor(parts: readonly Resolver[]) {
    this.#parts = parts;
    this.#found = parts.map(() => []);
  }

  get isResolving(): boolean {
    return this.#parts.some((part) => part.isResolving);
  }

  start(listener: ResolverListener): void {
    this.#listener = listener;
    // What is known at once is told as one: the first address would otherwise be called alone for a moment.
    this.#isStarting = true;
    for (const [i, part] of this.#parts.entries()) {
      part.start({
        onEndpoints: (endpoints) => {
          this.#found[i] = endpoints;
          this.#tell();
        },
        onFault: (fault) => {
          if (this.#isUnknown) this.#listener?.onFault(fault);
          // That this part has no answer is news to those who wait for the first in order.
          else this.#tell();
        },
      });
    }
    this.#isStarting = false;
    this.#tell();
  }

  resolveNow(): void {
    for (const part of this.#parts) part.resolveNow();
  }

  stop(): void {
    this.#listener = undefined;
    for (const part of this.#parts) part.stop();
  }

  get #isUnknown(): boolean {
    return this.#found.every(({ length }) => length === 0);
  }

  #tell(): void {
    if (this.#isStarting || this.#isUnknown) return;
    this.#listener?.onEndpoints(this.#found.flat());
  }
}
