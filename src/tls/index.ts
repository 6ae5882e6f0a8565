export { hasErrors, inspectAuthorities, inspectIdentity, openContext, type PemPair } from "./inspect-pem.ts";
export type { TlsFault, TlsPart, TlsVersion } from "./tls-fault.ts";
