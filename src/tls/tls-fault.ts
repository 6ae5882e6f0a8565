/**
 * What can be wrong with the files of TLS, on either side of the gateway.
 *
 * The texts of the files hold keys: no fault, error or log line ever quotes from them.
 */

/** Versions of TLS that can be the least one. */
export type TlsVersion = "TLSv1.2" | "TLSv1.3";

/** The part of the material that a fault concerns. */
export type TlsPart = "ca" | "certificate" | "key";

/** Something wrong with one part; with an `error` the material cannot be used. */
export interface TlsFault {
  readonly part: TlsPart;
  readonly severity: "error" | "warning";
  /** A phrase that follows the name of the file: `holds no PEM certificate`. */
  readonly what: string;
  readonly hint: string;
}
