/**
 * A call's own metadata as header fields, checked and encoded in one pass.
 *
 * The fields are HPACK literals without indexing, so the block is the same on every connection: a call that waits for
 * one, or is sent again, needs no other. Source: gRPC over HTTP/2, "Requests"; RFC 7541 section 6.2.
 */
import { gatewayStatus, type Status } from "../../../status/index.ts";
import type { Metadata } from "../../channel.ts";
import type { DefaultMetadata } from "../../default-metadata.ts";
import {
  invalidBase64,
  invalidName,
  invalidText,
  isBase64,
  SENSITIVE_FIELDS,
  SINGLE_FIELDS,
  TRANSPORT_FIELDS,
} from "../../metadata-fields.ts";
import {
  MAX_INTEGER_BYTES,
  type Prefix,
  Representation,
  writeInteger,
  writeName,
  writeString,
} from "./hpack/literals.ts";
import { entrySize, STATIC_NAME_INDEX } from "./hpack/static-table.ts";

/** Refused because servers in JavaScript might make a prototype of it; every client of ours agrees. */
const SPECIAL_NAME = "__proto__";

/** How one known name is treated: one look-up a field. */
interface Treatment {
  readonly isDropped: boolean;
  readonly isJoined: boolean;
  readonly prefix: Prefix;
  readonly nameIndex: number;
}

const ORDINARY: Treatment = treatmentOf("");

const TREATMENTS: ReadonlyMap<string, Treatment> = new Map(
  [...TRANSPORT_FIELDS, ...SINGLE_FIELDS, ...SENSITIVE_FIELDS, ...STATIC_NAME_INDEX.keys()].map(
    (name) => [name, treatmentOf(name)] as const,
  ),
);

function treatmentOf(name: string): Treatment {
  return {
    isDropped: TRANSPORT_FIELDS.has(name) || name.startsWith(":"),
    isJoined: SINGLE_FIELDS.has(name),
    prefix: SENSITIVE_FIELDS.has(name) ? Representation.NEVER_INDEXED : Representation.WITHOUT_INDEXING,
    nameIndex: STATIC_NAME_INDEX.get(name) ?? 0,
  };
}

/** Encodes the metadata of one call at a time into a buffer that it reuses. */
export class MetadataEncoder {
  readonly #treatments: ReadonlyMap<string, Treatment>;
  readonly #sharedBytes: number;
  #target: Buffer = Buffer.allocUnsafe(4096);
  #length = 0;
  #listBytes = 0;

  /** Fields in `defaults` are the connection's to send: a call's own of these names are left out. */
  constructor({ names, fields }: DefaultMetadata) {
    const replaced = [...names].map((name) => [name, { ...treatmentOf(name), isDropped: true }] as const);
    this.#treatments = new Map([...TREATMENTS, ...replaced]);
    this.#sharedBytes = fields.reduce((sum, [name, value]) => sum + entrySize(name, value), 0);
  }

  /** Begins with the block of the last call; valid until the next `encode`. */
  get block(): Buffer {
    return this.#target;
  }

  /** The length of that block. */
  get blockBytes(): number {
    return this.#length;
  }

  /** What the last call's metadata, default and own, counts for under SETTINGS_MAX_HEADER_LIST_SIZE. */
  get listBytes(): number {
    return this.#listBytes;
  }

  /**
   * Encodes `metadata`, and `grpc-timeout` and `grpc-encoding` unless they are "". Gives the status (HEADER_INVALID) that refuses a
   * field which HTTP/2 or gRPC does not allow. Fields of the transport are left out.
   */
  encode(metadata: Metadata, timeout: string, encoding: string): Status | undefined {
    this.#length = 0;
    this.#listBytes = this.#sharedBytes;
    if (timeout !== "") this.#write(ORDINARY, "grpc-timeout", timeout);
    if (encoding !== "") this.#write(ORDINARY, "grpc-encoding", encoding);
    for (let i = 0; i + 1 < metadata.length; i += 2) {
      const name = metadata[i] ?? "";
      const value = metadata[i + 1] ?? "";
      const treatment = this.#treatments.get(name) ?? ORDINARY;
      if (treatment.isDropped || name.startsWith(":")) continue;
      if (name.endsWith("-bin")) {
        const refusal = this.#writeBinary(name, value);
        if (refusal !== undefined) return refusal;
        continue;
      }
      let text = value;
      if (treatment.isJoined) {
        if (hasBefore(metadata, name, i)) continue;
        text = joinValues(metadata, name, i);
      }
      const fault = this.#write(treatment, name, text);
      if (fault === "name") return invalidName(name);
      if (fault === "value") return invalidText(name, text);
    }
    return undefined;
  }

  /** Several values may be joined by commas; on the wire each is its own field, in the usual alphabet, unpadded. */
  #writeBinary(name: string, value: string): Status | undefined {
    for (const part of value.split(",")) {
      const encoded = part.trim();
      if (!isBase64(encoded)) return invalidBase64(name, value);
      const plain = Buffer.from(encoded, "base64").toString("base64");
      if (this.#write(ORDINARY, name, plain.replaceAll("=", "")) !== undefined) return invalidName(name);
    }
    return undefined;
  }

  #write({ prefix, nameIndex }: Treatment, name: string, value: string): "name" | "value" | undefined {
    this.#reserve(name.length + value.length + 3 * MAX_INTEGER_BYTES);
    let at = writeInteger(this.#target, this.#length, prefix, nameIndex);
    if (nameIndex === 0) at = name === SPECIAL_NAME ? -1 : writeName(this.#target, at, name);
    if (at < 0) return "name";
    at = writeString(this.#target, at, value);
    if (at < 0) return "value";
    this.#length = at;
    this.#listBytes += entrySize(name, value);
    return undefined;
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#target.length) return;
    const larger = Buffer.allocUnsafe((this.#length + bytes) * 2);
    this.#target.copy(larger, 0, 0, this.#length);
    this.#target = larger;
  }
}

function hasBefore(metadata: Metadata, name: string, index: number): boolean {
  for (let i = 0; i < index; i += 2) if (metadata[i] === name) return true;
  return false;
}

function joinValues(metadata: Metadata, name: string, from: number): string {
  let joined = metadata[from + 1] ?? "";
  for (let i = from + 2; i + 1 < metadata.length; i += 2) {
    if (metadata[i] === name) joined += `, ${metadata[i + 1]}`;
  }
  return joined;
}

/**
 * `grpc-timeout` for the time that is left, in milliseconds, or in seconds where those have more than eight digits; ""
 * for a time that has no end. Source: gRPC over HTTP/2, "Timeout".
 */
export function timeoutField(remainingMs: number): string {
  if (remainingMs < 1e8) return `${Math.max(1, Math.floor(remainingMs))}m`;
  const seconds = Math.floor(remainingMs / 1000);
  return seconds < 1e8 ? `${seconds}S` : "";
}

/** The refusal of metadata that is larger than the upstream says it takes. */
export function metadataTooLarge(address: string, limitBytes: number): Status {
  const what = `the metadata is larger than the ${limitBytes} bytes that upstream ${address} takes`;
  return gatewayStatus("HEADERS_TOO_LARGE", what);
}
