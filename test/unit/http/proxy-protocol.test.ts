/** PROXY headers: what is read of them, and what is believed of those that are malformed: nothing. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { MAX_PROXY_HEADER_BYTES, readProxyHeader } from "../../../src/http/proxy-protocol.ts";

const SIGNATURE = "\r\n\r\n\0\r\nQUIT\n";
const V4 = "\xc0\x00\x02\x07\xc0\x00\x02\x01\x30\x39\x01\xbb";
const V6 = `\x20\x01\x0d\xb8${"\0".repeat(11)}\x07${"\0".repeat(15)}\x01\x30\x39\x01\xbb`;
const MAPPED = `${"\0".repeat(10)}\xff\xff\xc0\x00\x02\x07${"\0".repeat(16)}\x30\x39\x01\xbb`;

/** `command` and `family` as bytes on the wire. */
function v2(command: string, family: string, rest: string, length = rest.length): string {
  return `${SIGNATURE}${command}${family}${String.fromCharCode(length >> 8, length & 0xff)}${rest}`;
}

function bytesOf(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

/** Headers, and whom they name: undefined is the balancer itself. */
const SOUND: readonly (readonly [bytes: string, source: string | undefined])[] = [
  ["PROXY TCP4 192.0.2.7 192.0.2.1 12345 443\r\n", "192.0.2.7"],
  ["PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255"],
  ["PROXY TCP6 2001:DB8::7 2001:db8::1 0 443\r\n", "2001:db8::7"],
  ["PROXY UNKNOWN\r\n", undefined],
  ["PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", undefined],
  [v2("\x21", "\x11", V4), "192.0.2.7"],
  [v2("\x21", "\x21", V6), "2001:db8::7"],
  [v2("\x21", "\x21", MAPPED), "192.0.2.7"],
  [v2("\x21", "\x21", "\0".repeat(36)), "::"],
  [v2("\x21", "\x31", "/run/client.sock".padEnd(216, "\0")), ""],
  [v2("\x21", "\x11", `${V4}\x20\x00\x05TLVs!`), "192.0.2.7"],
  [v2("\x21", "\x00", ""), undefined],
  [v2("\x21", "\x00", "whatever"), undefined],
  [v2("\x20", "\x00", ""), undefined],
  [v2("\x20", "\x11", V4), undefined],
];

const MALFORMED: readonly (readonly [bytes: string, what: RegExp])[] = [
  ["GET / HTTP/1.1\r\n", /is missing/],
  ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", /is missing/],
  ["\x16\x03\x01", /is missing/],
  ["proxy TCP4 192.0.2.7 192.0.2.1 1 2\r\n", /is missing/],
  ["PROXY\r\n", /is missing/],
  ["PROXY \r\n", /no family/],
  ["PROXY TCP5 192.0.2.7 192.0.2.1 1 2\r\n", /no family/],
  ["PROXY tcp4 192.0.2.7 192.0.2.1 1 2\r\n", /no family/],
  ["PROXY  TCP4 192.0.2.7 192.0.2.1 1 2\r\n", /no family/],
  ["PROXY TCP4\r\n", /two addresses and two ports/],
  ["PROXY TCP4 192.0.2.7 192.0.2.1 1\r\n", /two addresses and two ports/],
  ["PROXY TCP4 192.0.2.7 192.0.2.1 1 2 3\r\n", /two addresses and two ports/],
  ["PROXY TCP4 192.0.2.7  192.0.2.1 1\r\n", /an address/],
  ["PROXY TCP4 192.0.2.07 192.0.2.1 1 2\r\n", /an address/],
  ["PROXY TCP4 192.0.2.256 192.0.2.1 1 2\r\n", /an address/],
  ["PROXY TCP4 192.0.2.7\t192.0.2.1 x 1 2\r\n", /an address/],
  ["PROXY TCP4 2001:db8::7 192.0.2.1 1 2\r\n", /an address/],
  ["PROXY TCP6 192.0.2.7 2001:db8::1 1 2\r\n", /an address/],
  ["PROXY TCP6 fe80::1%eth0 2001:db8::1 1 2\r\n", /an address/],
  ["PROXY TCP4 192.0.2.7 192.0.2.1 65536 2\r\n", /a port/],
  ["PROXY TCP4 192.0.2.7 192.0.2.1 01 2\r\n", /a port/],
  ["PROXY TCP4 192.0.2.7 192.0.2.1 1 -2\r\n", /a port/],
  ["PROXY TCP4 192.0.2.7 192.0.2.1 1 2\n\r\n", /a port/],
  [`PROXY UNKNOWN ${"x".repeat(92)}\r\n`, /longer than 107/],
  [`PROXY TCP4 192.0.2.7 192.0.2.1 1 2${" ".repeat(100)}`, /longer than 107/],
  [v2("\x11", "\x11", V4), /another version/],
  [v2("\x31", "\x11", V4), /another version/],
  [v2("\x22", "\x11", V4), /unknown command/],
  [v2("\x21", "\x12", V4), /family or transport/],
  [v2("\x21", "\x41", V4), /family or transport/],
  [v2("\x21", "\x10", V4), /family or transport/],
  [v2("\x21", "\x11", V4.slice(1)), /too short/],
  [v2("\x21", "\x21", V4), /too short/],
  [v2("\x21", "\x31", V6), /too short/],
  [v2("\x21", "\x11", V4, MAX_PROXY_HEADER_BYTES), /longer than 4096/],
  [v2("\x20", "\x00", "", 65_535), /longer than 4096/],
];

describe("a PROXY header", () => {
  for (const [text, source] of SOUND) {
    test(`${JSON.stringify(text.slice(0, 60))} names ${source}, whatever follows it`, () => {
      for (const rest of ["", "GET / HTTP/1.1\r\n\r\n", "\r\n", "PROXY "]) {
        const reading = readProxyHeader(bytesOf(text + rest), "any");
        assert.deepEqual(reading, { kind: "header", length: text.length, source });
      }
    });

    test(`${JSON.stringify(text.slice(0, 60))} is partial, cut at every byte`, () => {
      for (let cut = 0; cut < text.length; cut++) {
        const reading = readProxyHeader(bytesOf(text.slice(0, cut)), "any");
        assert.deepEqual(reading, { kind: "partial" }, `cut at ${cut}`);
      }
    });

    const isV1 = text.startsWith("P");
    test(`${JSON.stringify(text.slice(0, 60))} is refused where only the other version is taken`, () => {
      assert.equal(readProxyHeader(bytesOf(text), isV1 ? "v1" : "v2").kind, "header");
      assert.deepEqual(readProxyHeader(bytesOf(text), isV1 ? "v2" : "v1"), {
        kind: "fault",
        what: `the PROXY header is of version ${isV1 ? 1 : 2}, and only version ${isV1 ? 2 : 1} is taken`,
      });
    });
  }

  for (const [text, what] of MALFORMED) {
    test(`${JSON.stringify(text.slice(0, 60))} is refused: ${what.source}`, () => {
      const reading = readProxyHeader(bytesOf(text), "any");
      assert.ok(reading.kind === "fault", reading.kind);
      assert.match(reading.what, what);
    });
  }

  test("is refused at the first byte that belongs to none", () => {
    for (const [text] of SOUND) {
      const start = text.startsWith("P") ? 6 : 12;
      for (let at = 0; at < start; at++) {
        const reading = readProxyHeader(bytesOf(`${text.slice(0, at)}?`), "any");
        assert.equal(reading.kind, "fault", `${at}`);
      }
    }
  });

  test("is never read beyond its bytes, and asks for more only up to its longest", () => {
    const start = fc.constantFrom(
      "",
      "PROXY ",
      "PROXY TCP4 ",
      SIGNATURE,
      `${SIGNATURE}\x21`,
      `${SIGNATURE}\x21\x11`,
    );
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 300 }), (prefix, rest) => {
        const bytes = Buffer.concat([bytesOf(prefix), rest]);
        const reading = readProxyHeader(bytes, "any");
        if (reading.kind === "partial") assert.ok(bytes.length < MAX_PROXY_HEADER_BYTES);
        if (reading.kind !== "header") return;
        assert.ok(reading.length <= bytes.length);
        assert.deepEqual(readProxyHeader(bytes.subarray(0, reading.length), "any"), reading);
      }),
      { numRuns: 2000 },
    );
  });

  test("of version 2 gives every IPv6 address in the spelling of RFC 5952", () => {
    const group = fc.oneof(fc.constant(0), fc.nat(0xffff));
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
        const address = Buffer.alloc(36);
        for (const [i, value] of groups.entries()) address.writeUInt16BE(value, 2 * i);
        const reading = readProxyHeader(bytesOf(v2("\x21", "\x21", address.toString("latin1"))), "any");
        assert.ok(reading.kind === "header");
        const isMapped = groups.slice(0, 5).every((value) => value === 0) && groups[5] === 0xffff;
        if (isMapped) return;
        // The URL parser writes the same form, but for IPv4 addresses at the end, which it writes as groups too.
        const spelled = groups.map((value) => value.toString(16)).join(":");
        assert.equal(`[${reading.source}]`, new URL(`http://[${spelled}]/`).hostname);
      }),
    );
  });
});
