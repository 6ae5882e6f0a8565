/**
 * HPACK, the encoding half: the fields that all calls of a method share, as one block that is copied for each call.
 *
 * Those fields go into the peer's dynamic table as long as it has room, and nothing is ever evicted from it. So a block
 * stays valid until the next insertion, and after the first calls of every method there are none.
 * What differs from call to call is written without indexing, by `metadata-encoder.ts`. Source: RFC 7541.
 */
import { SENSITIVE_FIELDS } from "../../../metadata-fields.ts";
import { DEFAULT_TABLE_BYTES } from "./decoder.ts";
import { MAX_INTEGER_BYTES, Representation, writeInteger, writeString } from "./literals.ts";
import { entrySize, FIRST_DYNAMIC_INDEX, STATIC_NAME_INDEX, STATIC_TABLE } from "./static-table.ts";

/** More methods than an upstream has; a bound all the same. */
const MAX_CACHED_BLOCKS = 10_000;

/** Encodes the first part of each call's header block, for one connection, in the order in which calls open. */
export class RequestEncoder {
  readonly #shared: readonly (readonly [name: string, value: string])[];
  readonly #blocks = new Map<string, Buffer>();
  /** By name, NUL, value: which insertion it was, counted from 0. */
  readonly #inserted = new Map<string, number>();
  #tableBytes = 0;
  #maxTableBytes = DEFAULT_TABLE_BYTES;
  #mustResize = false;

  /** `shared` are the fields of every call besides `:path`, pseudo-header fields first; printable ASCII. */
  constructor(shared: readonly (readonly [name: string, value: string])[]) {
    this.#shared = shared;
  }

  /** Obeys the peer's SETTINGS_HEADER_TABLE_SIZE. */
  setMaxTableBytes(peerBytes: number): void {
    const bytes = Math.min(peerBytes, DEFAULT_TABLE_BYTES);
    if (bytes === this.#maxTableBytes) return;
    this.#maxTableBytes = bytes;
    this.#tableBytes = 0;
    this.#inserted.clear();
    this.#blocks.clear();
    this.#mustResize = true;
  }

  /** The block of the method at `path`, valid for the next HEADERS frame only. `path` is printable ASCII. */
  blockOf(path: string): Buffer {
    return this.#blocks.get(path) ?? this.#encode(path);
  }

  #encode(path: string): Buffer {
    const fields = [...this.#shared.slice(0, 3), [":path", path] as const, ...this.#shared.slice(3)];
    const most = fields.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
    const target = Buffer.allocUnsafe(most + fields.length * 3 * MAX_INTEGER_BYTES + 2 * MAX_INTEGER_BYTES);
    const insertions = this.#inserted.size;
    let isOnce = this.#mustResize;
    let at = 0;
    if (this.#mustResize) {
      // To nothing first: that empties the peer's table as ours is empty (RFC 7541 section 4.2).
      at = writeInteger(target, at, Representation.TABLE_SIZE, 0);
      at = writeInteger(target, at, Representation.TABLE_SIZE, this.#maxTableBytes);
      this.#mustResize = false;
    }
    for (const [name, value] of fields) at = this.#writeField(target, at, name, value);
    isOnce ||= this.#inserted.size !== insertions;
    if (this.#inserted.size !== insertions || this.#blocks.size >= MAX_CACHED_BLOCKS) this.#blocks.clear();
    const block = target.subarray(0, at);
    if (!isOnce) this.#blocks.set(path, block);
    return block;
  }

  #writeField(target: Buffer, at: number, name: string, value: string): number {
    const inStatic = STATIC_TABLE.findIndex((entry) => entry[0] === name && entry[1] === value);
    if (inStatic >= 0) return writeInteger(target, at, Representation.INDEXED, inStatic + 1);
    const key = `${name}\0${value}`;
    const insertion = this.#inserted.get(key);
    if (insertion !== undefined) {
      const age = this.#inserted.size - 1 - insertion;
      return writeInteger(target, at, Representation.INDEXED, FIRST_DYNAMIC_INDEX + age);
    }
    const size = entrySize(name, value);
    const isSensitive = SENSITIVE_FIELDS.has(name);
    const hasRoom = !isSensitive && this.#tableBytes + size <= this.#maxTableBytes;
    const otherwise = isSensitive ? Representation.NEVER_INDEXED : Representation.WITHOUT_INDEXING;
    const representation = hasRoom ? Representation.WITH_INDEXING : otherwise;
    const nameIndex = STATIC_NAME_INDEX.get(name) ?? 0;
    let position = writeInteger(target, at, representation, nameIndex);
    if (nameIndex === 0) position = writeString(target, position, name);
    if (hasRoom) {
      this.#tableBytes += size;
      this.#inserted.set(key, this.#inserted.size);
    }
    return writeString(target, position, value);
  }
}
