/**
 * HPACK, the decoding half: header blocks to flat lists, with the dynamic table. Source: RFC 7541.
 */
import { ErrorCode, Http2Error } from "../http2-error.ts";
import { decodeHuffman } from "./huffman.ts";
import { ENTRY_OVERHEAD, FIRST_DYNAMIC_INDEX, STATIC_TABLE } from "./static-table.ts";

/** The table size that every decoder starts with, and that this client keeps to (RFC 7541 section 4.2). */
export const DEFAULT_TABLE_BYTES = 4096;

/** An entry is at least this large, so the table never holds more of them than this. */
const MAX_ENTRIES = DEFAULT_TABLE_BYTES / ENTRY_OVERHEAD;

/** Decodes the header blocks of one connection, in their order. */
export class HeaderDecoder {
  readonly #maxListBytes: number;
  /** A ring of names and values: entry `i` counted from the newest one is at `(#newest - i) mod MAX_ENTRIES`. */
  readonly #names: string[] = Array.from({ length: MAX_ENTRIES }, () => "");
  readonly #values: string[] = Array.from({ length: MAX_ENTRIES }, () => "");
  #newest = 0;
  #count = 0;
  #tableBytes = 0;
  #maxTableBytes = DEFAULT_TABLE_BYTES;
  #scratch: Buffer = Buffer.allocUnsafe(256);
  readonly #list: string[] = [];
  #listBytes = 0;
  #isTooLong = false;
  // The block under way.
  #bytes: Buffer = this.#scratch;
  #at = 0;
  #end = 0;

  /** `maxListBytes` counts as SETTINGS_MAX_HEADER_LIST_SIZE does: names, values and 32 bytes a field. */
  constructor(maxListBytes: number) {
    this.#maxListBytes = maxListBytes;
  }

  /** Whether the last list was longer than the limit; what exceeds it was decoded and dropped. */
  get isTooLong(): boolean {
    return this.#isTooLong;
  }

  /**
   * Decodes the block `bytes[start, end)`. The list is reused by the next call; the strings are not.
   * @throws {Http2Error} COMPRESSION_ERROR; the connection cannot go on then.
   */
  decode(bytes: Buffer, start: number, end: number): readonly string[] {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    this.#list.length = 0;
    this.#listBytes = 0;
    this.#isTooLong = false;
    while (this.#at < end) this.#decodeField(bytes[this.#at++] ?? 0);
    return this.#list;
  }

  #decodeField(first: number): void {
    if (first >= 0x80) {
      const index = this.#integer(first, 0x7f);
      this.#emit(this.#nameAt(index), this.#valueAt(index));
      return;
    }
    if (first >= 0x40) {
      const name = this.#name(this.#integer(first, 0x3f));
      const value = this.#string();
      this.#emit(name, value);
      this.#insert(name, value);
      return;
    }
    if (first >= 0x20) {
      this.#resize(this.#integer(first, 0x1f));
      return;
    }
    // Without indexing, or never indexed: the same to a receiver that forwards nothing in HPACK.
    const name = this.#name(this.#integer(first, 0x0f));
    this.#emit(name, this.#string());
  }

  #emit(name: string, value: string): void {
    this.#listBytes += name.length + value.length + ENTRY_OVERHEAD;
    if (this.#listBytes > this.#maxListBytes) this.#isTooLong = true;
    else this.#list.push(name, value);
  }

  #name(index: number): string {
    return index === 0 ? this.#string() : this.#nameAt(index);
  }

  #nameAt(index: number): string {
    if (index < FIRST_DYNAMIC_INDEX && index > 0) return STATIC_TABLE[index - 1]?.[0] ?? "";
    return this.#names[this.#slotOf(index)] ?? "";
  }

  #valueAt(index: number): string {
    if (index < FIRST_DYNAMIC_INDEX && index > 0) return STATIC_TABLE[index - 1]?.[1] ?? "";
    return this.#values[this.#slotOf(index)] ?? "";
  }

  #slotOf(index: number): number {
    const age = index - FIRST_DYNAMIC_INDEX;
    if (index === 0 || age >= this.#count) throw fault(`a header field with the index ${index}`);
    return (this.#newest - age + MAX_ENTRIES) % MAX_ENTRIES;
  }

  #insert(name: string, value: string): void {
    const size = name.length + value.length + ENTRY_OVERHEAD;
    this.#evictTo(this.#maxTableBytes - size);
    // An entry larger than the table empties it, and that is no error (RFC 7541 section 4.4).
    if (size > this.#maxTableBytes) return;
    this.#newest = (this.#newest + 1) % MAX_ENTRIES;
    this.#names[this.#newest] = name;
    this.#values[this.#newest] = value;
    this.#count++;
    this.#tableBytes += size;
  }

  #evictTo(bytes: number): void {
    while (this.#tableBytes > bytes && this.#count > 0) {
      const oldest = (this.#newest - this.#count + 1 + MAX_ENTRIES) % MAX_ENTRIES;
      const [name = "", value = ""] = [this.#names[oldest], this.#values[oldest]];
      this.#tableBytes -= name.length + value.length + ENTRY_OVERHEAD;
      this.#names[oldest] = "";
      this.#values[oldest] = "";
      this.#count--;
    }
  }

  #resize(bytes: number): void {
    if (this.#list.length > 0 || this.#isTooLong) throw fault("a table size update after a header field");
    if (bytes > DEFAULT_TABLE_BYTES) throw fault(`a header table of ${bytes} bytes`);
    this.#maxTableBytes = bytes;
    this.#evictTo(bytes);
  }

  /** An integer whose prefix is in `first` (RFC 7541 section 5.1). */
  #integer(first: number, mask: number): number {
    let value = first & mask;
    if (value < mask) return value;
    // Four more bytes hold every length and index that could be meant.
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.#next();
      value += (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw fault("an integer in a header block that is too long");
  }

  #string(): string {
    const first = this.#next();
    const length = this.#integer(first, 0x7f);
    const start = this.#at;
    const end = start + length;
    if (end > this.#end) throw fault("a header block that is cut off");
    this.#at = end;
    if (first < 0x80) return this.#bytes.toString("latin1", start, end);
    if (this.#scratch.length < length * 2) this.#scratch = Buffer.allocUnsafe(length * 2);
    const decoded = decodeHuffman(this.#bytes, start, end, this.#scratch);
    if (decoded < 0) throw fault("a header string with a broken Huffman code");
    return this.#scratch.toString("latin1", 0, decoded);
  }

  #next(): number {
    if (this.#at >= this.#end) throw fault("a header block that is cut off");
    return this.#bytes[this.#at++] ?? 0;
  }
}

function fault(what: string): Http2Error {
  return new Http2Error(ErrorCode.COMPRESSION_ERROR, what);
}
