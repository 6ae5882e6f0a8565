/**
 * The content codings that this Node.js has, as zlib offers them.
 *
 *     gzip     RFC 1952
 *     deflate  RFC 1950, as RFC 9110 means it: with the header of zlib, not the bare stream of RFC 1951
 *     br       RFC 7932, windows up to 16 MiB
 *     zstd     RFC 8878, from Node.js 22.15 on; replies only: its decoder takes a body that was cut short for a whole one
 */
import type { Transform } from "node:stream";
import * as zlib from "node:zlib";

/** A coding that a request body may come in. */
export type RequestCoding = "gzip" | "deflate" | "br";

/** A coding that a reply may go out in. */
export type ReplyCoding = "gzip" | "br" | "zstd";

/** How much CPU a smaller reply is worth. */
export type CompressionEffort = "fast" | "balanced" | "small";

/** Decodes what is written to it. `bytesWritten`: how much of that the coding took. */
export type Decoder = Transform & { readonly bytesWritten: number };

/** Is called once: with the coded bytes, or without them where zlib had no memory. */
export type CodedCallback = (error: Error | null, coded: Uint8Array) => void;

/** One coding of replies at one effort. */
export interface Encoder {
  /** @throws {Error} where zlib has no memory. */
  encode(body: Uint8Array): Uint8Array;
  /** The same on one of zlib's threads; the callback comes later. */
  encodeLater(body: Uint8Array, callback: CodedCallback): void;
}

/** What zlib has since Node.js 22.15, of which the types of 20 do not know. */
interface Zstd {
  zstdCompressSync(body: Uint8Array, options: object): Uint8Array;
  zstdCompress(body: Uint8Array, options: object, callback: CodedCallback): void;
}

/** What a decoder gives at once. */
const DECODED_CHUNK_BYTES: number = 32 * 1024;
/** `ZSTD_c_compressionLevel` of zstd.h. */
const ZSTD_LEVEL = 100;

const ZSTD: Zstd | undefined = hasZstd(zlib) ? zlib : undefined;

/** Whether this Node.js has `coding`. */
export function isAvailable(coding: ReplyCoding): boolean {
  return coding !== "zstd" || ZSTD !== undefined;
}

/** A decoder of one body. */
export function createDecoder(coding: RequestCoding): Decoder {
  const chunkSize = DECODED_CHUNK_BYTES;
  switch (coding) {
    case "gzip":
      return zlib.createGunzip({ chunkSize });
    case "deflate":
      return zlib.createInflate({ chunkSize });
    case "br":
      return zlib.createBrotliDecompress({ chunkSize });
    default:
      return coding satisfies never;
  }
}

/** The encoder of `coding`; undefined for one that this Node.js does not have. */
export function createEncoder(coding: ReplyCoding, effort: CompressionEffort): Encoder | undefined {
  switch (coding) {
    case "gzip": {
      // Half of zlib's usual memory: 25 µs cheaper to set up, and JSON comes out as small.
      const options = { level: LEVELS.gzip[effort], windowBits: 14, memLevel: 7 };
      return {
        encode: (body) => zlib.gzipSync(body, options),
        encodeLater: (body, callback) => zlib.gzip(body, options, callback),
      };
    }
    case "br": {
      const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_LGWIN, BROTLI_PARAM_SIZE_HINT } = zlib.constants;
      const optionsFor = ({ byteLength }: Uint8Array): zlib.BrotliOptions => ({
        params: {
          [BROTLI_PARAM_QUALITY]: LEVELS.br[effort],
          [BROTLI_PARAM_LGWIN]: 18,
          [BROTLI_PARAM_SIZE_HINT]: byteLength,
        },
      });
      return {
        encode: (body) => zlib.brotliCompressSync(body, optionsFor(body)),
        encodeLater: (body, callback) => zlib.brotliCompress(body, optionsFor(body), callback),
      };
    }
    case "zstd": {
      if (ZSTD === undefined) return undefined;
      const zstd = ZSTD;
      const options = { params: { [ZSTD_LEVEL]: LEVELS.zstd[effort] } };
      return {
        encode: (body) => zstd.zstdCompressSync(body, options),
        encodeLater: (body, callback) => zstd.zstdCompress(body, options, callback),
      };
    }
    default:
      return coding satisfies never;
  }
}

const LEVELS: Readonly<Record<ReplyCoding, Readonly<Record<CompressionEffort, number>>>> = {
  gzip: { fast: 1, balanced: 6, small: 9 },
  br: { fast: 1, balanced: 4, small: 9 },
  zstd: { fast: 1, balanced: 3, small: 12 },
};

function hasZstd(module: object): module is Zstd {
  return "zstdCompressSync" in module && "zstdCompress" in module;
}
