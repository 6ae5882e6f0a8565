/**
 * Draws the cover of a book that has none: a small PNG whose colours follow from the title.
 * Source: https://www.w3.org/TR/png-3/, sections 5 (datastream), 11.2 (IHDR, PLTE, IDAT, IEND) and annex D (CRC).
 */
import { createHash } from "node:crypto";
import { deflateSync } from "node:zlib";

const WIDTH = 60;
const HEIGHT = 90;
const SIGNATURE: Uint8Array = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
/** Rows and columns of the two bands across the cover and of the spine. */
const BANDS: ReadonlySet<number> = new Set([18, 19, 20, 70, 71, 72]);
const SPINE_COLUMNS = 6;

/** A PNG of 60 x 90 pixels; the same title gives the same bytes. */
export function drawCover(title: string): Uint8Array {
  const digest = createHash("sha256").update(title).digest();
  // Palette: cloth, spine, band.
  const cloth = [digest[0] ?? 0, digest[1] ?? 0, digest[2] ?? 0];
  const spine = cloth.map((value) => value >> 1);
  const band = cloth.map((value) => 255 - (value >> 2));

  const header = Buffer.alloc(13);
  header.writeUInt32BE(WIDTH, 0);
  header.writeUInt32BE(HEIGHT, 4);
  // Bit depth 8, colour type 3 (palette); deflate, adaptive filters, not interlaced.
  header.set([8, 3, 0, 0, 0], 8);
  return Buffer.concat([
    SIGNATURE,
    chunk("IHDR", header),
    chunk("PLTE", Uint8Array.from([...cloth, ...spine, ...band])),
    chunk("IDAT", deflateSync(drawRows())),
    chunk("IEND", new Uint8Array(0)),
  ]);
}

/** One filter byte (0, none) and a palette index for each pixel, row by row. */
function drawRows(): Uint8Array {
  const rows = new Uint8Array((WIDTH + 1) * HEIGHT);
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      const colour = x < SPINE_COLUMNS ? 1 : BANDS.has(y) ? 2 : 0;
      rows[y * (WIDTH + 1) + 1 + x] = colour;
    }
  }
  return rows;
}

function chunk(type: string, content: Uint8Array): Buffer {
  const out = Buffer.alloc(content.length + 12);
  out.writeUInt32BE(content.length, 0);
  out.write(type, 4, "latin1");
  out.set(content, 8);
  out.writeUInt32BE(crc32(out.subarray(4, 8 + content.length)), 8 + content.length);
  return out;
}

/** Bit by bit: covers are a few hundred bytes, and zlib.crc32 is younger than the oldest Node that is served. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
