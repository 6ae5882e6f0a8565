import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { believedHost, pushForwarding } from "../../../src/protocol/forwarding.ts";

interface Case {
  readonly name: string;
  readonly trustedHops: number;
  readonly peer?: string;
  readonly certificate?: string;
  readonly headers: readonly string[];
  /** Names and values, in order. */
  readonly expected: readonly string[];
}

const HOST = ["host", "api.example.com"];
const FOR = ["x-forwarded-for", "203.0.113.9, 198.51.100.7"];

const CASES: readonly Case[] = [
  {
    name: "without trusted hops nothing that arrived is believed",
    trustedHops: 0,
    headers: [
      ...HOST,
      ...FOR,
      "x-forwarded-host",
      "evil.test",
      "x-forwarded-proto",
      "https",
      "x-forwarded-port",
      "443",
      "forwarded",
      "for=1.2.3.4",
      "x-forwarded-client-cert",
      'Subject="CN=root"',
    ],
    expected: [
      "x-forwarded-for",
      "192.0.2.1",
      "x-forwarded-host",
      "api.example.com",
      "x-forwarded-proto",
      "http",
    ],
  },
  {
    name: "one hop: the last entry of each list",
    trustedHops: 1,
    headers: [
      ...HOST,
      ...FOR,
      "x-forwarded-host",
      "evil.test, www.example.com",
      "x-forwarded-proto",
      "gopher, HTTPS",
      "x-forwarded-port",
      "1, 8443",
      "forwarded",
      "for=203.0.113.9, for=198.51.100.7",
    ],
    expected: [
      "x-forwarded-for",
      "198.51.100.7, 192.0.2.1",
      "x-forwarded-host",
      "www.example.com",
      "x-forwarded-proto",
      "https",
      "x-forwarded-port",
      "8443",
      "forwarded",
      'for=198.51.100.7, for=192.0.2.1;host="api.example.com";proto=http',
    ],
  },
  {
    name: "two hops of which the inner one replaces: its single entry counts",
    trustedHops: 2,
    peer: "2001:db8::1",
    headers: [...HOST, ...FOR, "x-forwarded-host", "www.example.com", "x-forwarded-proto", "https"],
    expected: [
      "x-forwarded-for",
      "203.0.113.9, 198.51.100.7, 2001:db8::1",
      "x-forwarded-host",
      "www.example.com",
      "x-forwarded-proto",
      "https",
    ],
  },
  {
    name: "two hops: host, scheme and port are those of the outer one, in whichever field",
    trustedHops: 2,
    headers: [
      ...HOST,
      "x-forwarded-host",
      "evil.test",
      "x-forwarded-host",
      "outer.test, inner.test",
      "x-forwarded-proto",
      "https, http",
      "x-forwarded-port",
      "70000, 80",
    ],
    expected: [
      "x-forwarded-for",
      "192.0.2.1",
      "x-forwarded-host",
      "outer.test",
      "x-forwarded-proto",
      "https",
    ],
  },
  {
    name: "proxies that write nothing but forwarded are understood",
    trustedHops: 2,
    headers: [
      ...HOST,
      "forwarded",
      'for=evil, For="[2001:db8:cafe::17]:4711";PROTO=https;host="www.example.com", for=198.51.100.7:80;by=x',
    ],
    expected: [
      "x-forwarded-for",
      "2001:db8:cafe::17, 198.51.100.7, 192.0.2.1",
      "x-forwarded-host",
      "www.example.com",
      "x-forwarded-proto",
      "https",
      "forwarded",
      'For="[2001:db8:cafe::17]:4711";PROTO=https;host="www.example.com", for=198.51.100.7:80;by=x, for=192.0.2.1;host="api.example.com";proto=http',
    ],
  },
  {
    name: "commas and semicolons in quotes part nothing",
    trustedHops: 1,
    headers: [...HOST, "forwarded", 'for="_a, b;\\"c";proto=https'],
    expected: [
      "x-forwarded-for",
      '_a, b;"c, 192.0.2.1',
      "x-forwarded-host",
      "api.example.com",
      "x-forwarded-proto",
      "https",
      "forwarded",
      'for="_a, b;\\"c";proto=https, for=192.0.2.1;host="api.example.com";proto=http',
    ],
  },
  {
    name: "a quote of the client's without a partner hides nothing that a proxy wrote behind it",
    trustedHops: 1,
    headers: [...HOST, "forwarded", 'for="203.0.113.9, for="[2001:db8::7]";proto=https'],
    expected: [
      "x-forwarded-for",
      "2001:db8::7, 192.0.2.1",
      "x-forwarded-host",
      "api.example.com",
      "x-forwarded-proto",
      "https",
      "forwarded",
      'for="[2001:db8::7]";proto=https, for=192.0.2.1;host="api.example.com";proto=http',
    ],
  },
  {
    name: "nor does one in x-forwarded-for, in the same field or in one of its own",
    trustedHops: 2,
    headers: [
      ...HOST,
      "x-forwarded-for",
      '"',
      "x-forwarded-for",
      '\\", "198.51.100.1, 203.0.113.9 , 198.51.100.7',
    ],
    expected: [
      "x-forwarded-for",
      "203.0.113.9, 198.51.100.7, 192.0.2.1",
      "x-forwarded-host",
      "api.example.com",
      "x-forwarded-proto",
      "http",
    ],
  },
  {
    name: "an element whose quote has no partner is none",
    trustedHops: 1,
    headers: [...HOST, "forwarded", 'for=198.51.100.7;proto=https"'],
    expected: [
      "x-forwarded-for",
      "192.0.2.1",
      "x-forwarded-host",
      "api.example.com",
      "x-forwarded-proto",
      "http",
    ],
  },
  {
    name: "over TLS the scheme is https, and the client's certificate is told",
    trustedHops: 0,
    certificate: "Hash=ab",
    headers: [...HOST, "x-forwarded-client-cert", "Hash=evil"],
    expected: [
      "x-forwarded-for",
      "192.0.2.1",
      "x-forwarded-host",
      "api.example.com",
      "x-forwarded-proto",
      "https",
      "x-forwarded-client-cert",
      "Hash=ab",
    ],
  },
  {
    name: "behind a proxy its certificates come first",
    trustedHops: 1,
    certificate: "Hash=ab",
    headers: ["x-forwarded-client-cert", 'Hash=evil,Hash=cd;Subject="CN=a,O=b"'],
    expected: [
      "x-forwarded-for",
      "192.0.2.1",
      "x-forwarded-proto",
      "https",
      "x-forwarded-client-cert",
      'Hash=cd;Subject="CN=a,O=b", Hash=ab',
    ],
  },
  {
    name: "a unix socket has no address",
    trustedHops: 1,
    peer: "",
    headers: ["forwarded", "for=203.0.113.9"],
    expected: [
      "x-forwarded-for",
      "203.0.113.9",
      "x-forwarded-proto",
      "http",
      "forwarded",
      "for=203.0.113.9, for=unknown;proto=http",
    ],
  },
];

describe("forwarding fields tell the upstream who asked", () => {
  for (const { name, trustedHops, peer = "192.0.2.1", certificate, headers, expected } of CASES) {
    test(name, () => {
      const metadata: string[] = [];
      const tls = certificate === undefined ? undefined : { certificate };
      pushForwarding(metadata, { headers, peer, tls }, trustedHops);
      assert.deepEqual(metadata, expected);
    });
  }

  test("the host that is believed is undefined where nobody who may says it", () => {
    const headers = ["x-forwarded-host", "evil.test, www.example.com"];
    assert.equal(believedHost(headers, 0), undefined);
    assert.equal(believedHost(headers, 1), "www.example.com");
    assert.equal(believedHost(HOST, 1), undefined);
    assert.equal(believedHost(["forwarded", 'host="a.test";for=1.2.3.4'], 1), "a.test");
  });

  test("whatever arrives, what leaves is printable, and no more entries than hops and one", () => {
    const value = fc.string({
      unit: fc.constantFrom('"', ",", ";", "=", "\\", " ", "[", "]", ":", "for", "1", "é", "\t"),
    });
    const field = fc.tuple(fc.constantFrom("forwarded", "x-forwarded-for", "x-forwarded-port"), value);
    fc.assert(
      fc.property(fc.array(field), fc.integer({ min: 0, max: 3 }), (fields, trustedHops) => {
        const metadata: string[] = [];
        pushForwarding(metadata, { headers: fields.flat(), peer: "192.0.2.1", tls: undefined }, trustedHops);
        for (const text of metadata) assert.match(text, /^[ -~]+$/);
        const at = metadata.indexOf("x-forwarded-for");
        assert.ok(at < 0 || metadata[at + 1]?.endsWith("192.0.2.1"));
      }),
    );
  });
});
