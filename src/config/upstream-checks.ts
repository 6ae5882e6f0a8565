/** Checks across the keys of one upstream, on the plain values as those of checks.ts. */
import type { Fault } from "./faults.ts";
import { isMapping, show, valueAt } from "./reading.ts";
import type { ConfigPath } from "./types.ts";

/** What `client: grpc-js` cannot do: keys below an upstream, and for some the values that it can. */
const HTTP2_ONLY: readonly { readonly key: ConfigPath; readonly except?: readonly unknown[] }[] = [
  { key: ["loadBalancing"], except: ["round_robin", "pick_first"] },
  { key: ["connections", "perEndpoint"] },
  { key: ["connections", "connectTimeout"] },
  { key: ["connections", "maxAge"] },
  { key: ["connections", "resolveInterval"] },
  { key: ["limits", "maxPending"] },
  { key: ["limits", "maxPendingBytes"] },
  { key: ["healthCheck"], except: [false] },
  { key: ["outlierEjection"], except: [false] },
];

/** Keys that the upstream's client cannot honour, and weights that nothing reads. */
export function checkUpstreams(value: unknown): readonly Fault[] {
  const upstreams = valueAt(value, ["upstreams"]);
  if (!isMapping(upstreams)) return [];
  return Object.entries(upstreams).flatMap(([name, upstream]) => {
    const base = ["upstreams", name];
    const client = valueAt(upstream, ["client"]) === "grpc-js" ? clientFaults(upstream, base) : [];
    return [...client, ...weightFaults(upstream, base)];
  });
}

function clientFaults(upstream: unknown, base: ConfigPath): readonly Fault[] {
  return HTTP2_ONLY.flatMap(({ key, except = [] }) => {
    const given = valueAt(upstream, key);
    if (given === undefined || except.includes(given)) return [];
    const hint =
      except.length === 0
        ? "remove it, or take client: http2"
        : `write ${except.join(" or ")}, or take client: http2`;
    const what = `${except.length === 0 ? "" : `${show(given)} `}cannot be had with client: grpc-js`;
    return [{ path: [...base, ...key], what, hint }];
  });
}

function weightFaults(upstream: unknown, base: ConfigPath): readonly Fault[] {
  const addresses = valueAt(upstream, ["address"]);
  if (valueAt(upstream, ["loadBalancing"]) === "weighted") return [];
  return (Array.isArray(addresses) ? addresses : []).flatMap((address: unknown, i) => {
    if (valueAt(address, ["weight"]) === undefined) return [];
    const path = [...base, "address", i, "weight"];
    return [{ path, what: "only loadBalancing: weighted reads weights", hint: "set it, or remove weight" }];
  });
}
