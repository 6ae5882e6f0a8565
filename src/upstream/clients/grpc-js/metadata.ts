/**
 * Metadata between the flat list of the port and grpc-js's `Metadata`.
 *
 * A header that HTTP/2 refuses makes grpc-js drop the connection and try the call again without end. So every field is
 * checked here first.
 */
import { Metadata as GrpcMetadata } from "@grpc/grpc-js";
import type { Status } from "../../../status/index.ts";
import type { Metadata } from "../../channel.ts";
import type { DefaultMetadata } from "../../default-metadata.ts";
import {
  invalidBase64,
  invalidName,
  invalidText,
  isBase64,
  isMetadataName,
  isMetadataText,
  REPLY_FRAMING,
  SINGLE_FIELDS,
  TRANSPORT_FIELDS,
} from "../../metadata-fields.ts";

/**
 * Metadata for a call, the default fields last, or the status (HEADER_INVALID) that refuses it.
 *
 * Fields of the transport are left out. A `-bin` value is base64 in either alphabet, padded or not, perhaps several
 * joined by commas; text values are printable ASCII.
 */
export function toGrpcMetadata(
  list: Metadata,
  defaults: DefaultMetadata,
): { readonly metadata: GrpcMetadata } | { readonly refusal: Status } {
  const metadata = new GrpcMetadata();
  for (let i = 0; i + 1 < list.length; i += 2) {
    const name = list[i] ?? "";
    const value = list[i + 1] ?? "";
    if (TRANSPORT_FIELDS.has(name) || name.startsWith(":") || defaults.names.has(name)) continue;
    if (!isMetadataName(name)) return { refusal: invalidName(name) };
    if (name.endsWith("-bin")) {
      for (const part of value.split(",")) {
        const encoded = part.trim();
        if (!isBase64(encoded)) return { refusal: invalidBase64(name, value) };
        metadata.add(name, Buffer.from(encoded, "base64"));
      }
      continue;
    }
    if (!isMetadataText(value)) return { refusal: invalidText(name, value) };
    const earlier = SINGLE_FIELDS.has(name) ? metadata.get(name)[0] : undefined;
    if (earlier === undefined) metadata.add(name, value);
    else metadata.set(name, `${earlier.toString()}, ${value}`);
  }
  for (const [name, value] of defaults.fields) {
    metadata.add(name, name.endsWith("-bin") ? Buffer.from(value, "base64") : value);
  }
  return { metadata };
}

/** The custom metadata of a reply's headers or trailers as a flat list; binary values as padded base64. */
export function fromGrpcMetadata(metadata: GrpcMetadata): Metadata {
  const list: string[] = [];
  const headers = metadata.toHttp2Headers();
  for (const name of Object.keys(headers)) {
    if (REPLY_FRAMING.has(name)) continue;
    const value = headers[name];
    if (Array.isArray(value)) for (const each of value) list.push(name, each);
    else if (value !== undefined) list.push(name, String(value));
  }
  return list;
}
