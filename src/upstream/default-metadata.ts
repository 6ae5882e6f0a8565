/**
 * Metadata that goes with every call of an upstream, read once.
 *
 * It wins over a call's own metadata of the same names: what an operator sets, such as a credential or a tenant, no
 * client can replace or add to.
 */
import { gatewayStatus, StatusError } from "../status/index.ts";
import type { Metadata } from "./channel.ts";
import { isBase64, isMetadataName, isMetadataText, TRANSPORT_FIELDS } from "./metadata-fields.ts";

/** Default metadata, sound. */
export interface DefaultMetadata {
  /** A call's own metadata of these names is left out. */
  readonly names: ReadonlySet<string>;
  /** As on the wire: binary values are base64 in the usual alphabet, unpadded, each a field of its own. */
  readonly fields: readonly (readonly [name: string, value: string])[];
}

/**
 * Reads the flat list of names and values.
 * @throws {StatusError} INVALID_ARGUMENT, reason HEADER_INVALID, naming a name that gRPC does not have or that belongs to
 * the transport, or the name of a value that cannot be sent; values may be secrets and are not shown.
 */
export function readDefaultMetadata(list: Metadata): DefaultMetadata {
  const names = new Set<string>();
  const fields: (readonly [string, string])[] = [];
  for (let i = 0; i + 1 < list.length; i += 2) {
    const name = list[i] ?? "";
    const value = list[i + 1] ?? "";
    if (!isMetadataName(name) || TRANSPORT_FIELDS.has(name)) throw invalid(name, "cannot be set");
    names.add(name);
    if (!name.endsWith("-bin")) {
      if (!isMetadataText(value)) throw invalid(name, "is not printable ASCII");
      fields.push([name, value]);
      continue;
    }
    for (const part of value.split(",")) {
      const encoded = part.trim();
      if (!isBase64(encoded)) throw invalid(name, "is not base64");
      fields.push([name, Buffer.from(encoded, "base64").toString("base64").replaceAll("=", "")]);
    }
  }
  return { names, fields };
}

function invalid(name: string, what: string): StatusError {
  return new StatusError(
    gatewayStatus("HEADER_INVALID", `the default metadata ${JSON.stringify(name)} ${what}`),
  );
}
