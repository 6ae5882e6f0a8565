/**
 * A client's certificate in the words of Envoy's `x-forwarded-client-cert`, which meshes and upstreams read already.
 *
 *     element = "Hash=" sha256 ";Subject=" quoted *(";URI=" value) *(";DNS=" value)
 *
 * Keys come in this order; a value with `,`, `;`, `=` or `"` is quoted, with `\` before quotes and backslashes. Source:
 * Envoy's documentation of HTTP headers, "x-forwarded-client-cert".
 */
import type { X509Certificate } from "node:crypto";

/** How many names of one kind are passed on; a certificate can hold any number. */
const MAX_NAMES = 16;
/** Longest element; a longer one is cut down to hash and subject, or to the hash. */
const MAX_LENGTH = 4096;

/** What is read of the certificate. */
export type CertificateFacts = Pick<X509Certificate, "fingerprint256" | "subject" | "subjectAltName">;

/**
 * The element for a verified certificate, of printable ASCII. The subject is in the order and with the escapes of
 * RFC 2253, last part of the certificate's name first; characters beyond ASCII are written `?`.
 */
export function clientCertificateElement(certificate: CertificateFacts): string {
  const hash = `Hash=${certificate.fingerprint256.replaceAll(":", "").toLowerCase()}`;
  const subject = `${hash};Subject=${quoted(subjectText(certificate.subject))}`;
  const names = alternativeNames(certificate.subjectAltName ?? "");
  let whole = subject;
  for (const uri of names.uris.slice(0, MAX_NAMES)) whole += `;URI=${value(uri)}`;
  for (const dns of names.hosts.slice(0, MAX_NAMES)) whole += `;DNS=${value(dns)}`;
  if (whole.length <= MAX_LENGTH) return whole;
  return subject.length <= MAX_LENGTH ? subject : hash;
}

/** Node writes one `CN=name` a line in the certificate's order, with the escapes of RFC 2253 in each. */
function subjectText(subject: string | undefined): string {
  return (subject ?? "").split("\n").reverse().join(",");
}

/**
 * Node writes `DNS:a, URI:spiffe://b`; a name that could be taken for two comes as a JSON string, `DNS:"a, DNS:b"`.
 */
function alternativeNames(text: string): {
  readonly uris: readonly string[];
  readonly hosts: readonly string[];
} {
  const uris: string[] = [];
  const hosts: string[] = [];
  for (const [, kind, name = ""] of text.matchAll(/(?:^|, )(DNS|URI):("(?:[^"\\]|\\.)*"|[^",]*)(?=, |$)/g)) {
    const plain = name.startsWith('"') ? unquoted(name) : name;
    if (kind === "URI") uris.push(plain);
    else hosts.push(plain);
  }
  return { uris, hosts };
}

function unquoted(json: string): string {
  try {
    return String(JSON.parse(json));
  } catch {
    return "";
  }
}

function value(text: string): string {
  return /[,;="]/.test(text) ? quoted(text) : printable(text);
}

function quoted(text: string): string {
  return `"${printable(text).replaceAll(/["\\]/g, "\\$&")}"`;
}

function printable(text: string): string {
  return text.replaceAll(/[^ -~]/g, "?");
}
