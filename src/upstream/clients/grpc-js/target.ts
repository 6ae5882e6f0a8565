/**
 * Addresses of an upstream as grpc-js targets: `host:port`, `[ipv6]:port`, `unix:/path`, one or several.
 *
 * Several become one target of a scheme of our own, whose resolver joins the results of grpc-js's own resolvers.
 * One channel then balances over all of them: calls wait while any endpoint is still connecting, and a dead endpoint
 * fails nothing while another is alive. One client per address could do neither.
 */
import { experimental } from "@grpc/grpc-js";
import { refuse } from "../../../status/index.ts";
import { type Address, authorityOf, parseAddress } from "../../address.ts";

/** The scheme of a target that holds several addresses, each percent-encoded, separated by commas. */
const LIST_SCHEME = "sluice-list";

/** How a target spreads its calls: `round_robin` keeps a connection to every endpoint, `pick_first` one in all. */
export type Balancing = "pick_first" | "round_robin";

/** What grpc-js needs to know of the addresses. */
export interface Target {
  /** A target URI as grpc-js reads it. */
  readonly uri: string;
  readonly balancing: Balancing;
}

/**
 * The target for `addresses`. A DNS name that resolves to several addresses counts as several endpoints.
 * @throws {StatusError} UNAVAILABLE, reason UPSTREAM_UNREACHABLE, naming an address that is not of a known form.
 */
export function targetOf(addresses: readonly string[]): Target {
  const parsed = addresses.map(parseAddress);
  const [first] = parsed;
  if (first === undefined) throw refuse("UPSTREAM_UNREACHABLE", "the upstream has no address");
  if (parsed.length === 1) {
    return {
      uri: experimental.uriToString(uriOf(first)),
      balancing: first.kind === "dns" ? "round_robin" : "pick_first",
    };
  }
  return { uri: `${LIST_SCHEME}:${addresses.map(encodeURIComponent).join(",")}`, balancing: "round_robin" };
}

/** Makes grpc-js understand targets of several addresses. May be called any number of times. */
export function registerListResolver(): void {
  experimental.registerResolver(LIST_SCHEME, ListResolver);
}

function uriOf(address: Address): experimental.GrpcUri {
  if (address.kind === "unix") return { scheme: "unix", path: address.path };
  return { scheme: "dns", path: authorityOf(address) };
}

/** Joins the endpoints of several resolvers; reports once each of them has answered, and again on every change. */
class ListResolver implements experimental.Resolver {
  static getDefaultAuthority(target: experimental.GrpcUri): string {
    const [first] = addressesOf(target);
    return first === undefined ? "localhost" : authorityOf(first);
  }

  readonly #listener: experimental.ResolverListener;
  readonly #children: readonly experimental.Resolver[];
  readonly #results: (experimental.StatusOr<experimental.Endpoint[]> | undefined)[];

  constructor(
    target: experimental.GrpcUri,
    listener: experimental.ResolverListener,
    options: Parameters<typeof experimental.createResolver>[2],
  ) {
    const addresses = addressesOf(target);
    this.#listener = listener;
    this.#results = addresses.map(() => undefined);
    this.#children = addresses.map((address, index) =>
      experimental.createResolver(uriOf(address), (result) => this.#onResult(index, result), options),
    );
  }

  updateResolution(): void {
    for (const child of this.#children) child.updateResolution();
  }

  destroy(): void {
    for (const child of this.#children) child.destroy();
    this.#results.fill(undefined);
  }

  #onResult(index: number, result: experimental.StatusOr<experimental.Endpoint[]>): boolean {
    this.#results[index] = result;
    const endpoints: experimental.Endpoint[] = [];
    let failure: experimental.StatusOr<experimental.Endpoint[]> | undefined;
    for (const each of this.#results) {
      if (each === undefined) return true;
      if (each.ok) endpoints.push(...each.value);
      else failure = each;
    }
    const joined = endpoints.length > 0 ? experimental.statusOrFromValue(endpoints) : failure;
    return joined === undefined ? true : this.#listener(joined, {}, null, "");
  }
}

function addressesOf(target: experimental.GrpcUri): readonly Address[] {
  return target.path.split(",").map((part) => parseAddress(decodeURIComponent(part)));
}
