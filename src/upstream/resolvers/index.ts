export { createResolver } from "./create-resolver.ts";
export { DnsResolver, type LookUp, lookUp } from "./dns-resolver.ts";
export { StaticResolver } from "./static-resolver.ts";
