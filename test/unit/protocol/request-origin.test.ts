/** Whom spans name as the client: what trusted proxies say, and nothing that a client could have written itself. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { requestOrigin } from "../../../src/protocol/forwarding.ts";

const TLS = { certificate: "" };

interface Case {
  readonly title: string;
  readonly headers: readonly string[];
  readonly tls?: typeof TLS;
  readonly hops: number;
  readonly origin: ReturnType<typeof requestOrigin>;
}

const CASES: readonly Case[] = [
  {
    title: "the socket's own word without trusted proxies",
    headers: ["host", "a.test", "x-forwarded-for", "6.6.6.6", "x-forwarded-proto", "https"],
    hops: 0,
    origin: { scheme: "http", host: "a.test", clientAddress: "10.0.0.1" },
  },
  {
    title: "https where the listener has TLS",
    headers: ["host", "a.test"],
    tls: TLS,
    hops: 0,
    origin: { scheme: "https", host: "a.test", clientAddress: "10.0.0.1" },
  },
  {
    title: "https behind a proxy that does not name the scheme",
    headers: ["host", "a.test", "x-forwarded-for", "1.2.3.4"],
    tls: TLS,
    hops: 1,
    origin: { scheme: "https", host: "a.test", clientAddress: "1.2.3.4" },
  },
  {
    title: "the proxy's address, in a field of its own behind the client's",
    headers: ["x-forwarded-for", "6.6.6.6", "x-forwarded-for", "1.2.3.4"],
    hops: 1,
    origin: { scheme: "http", host: "", clientAddress: "1.2.3.4" },
  },
  {
    title: "the element of the outermost of two proxies",
    headers: [
      "x-forwarded-for",
      "6.6.6.6, 1.2.3.4, 10.0.0.9",
      "x-forwarded-proto",
      "http, https, http",
      "x-forwarded-host",
      "evil.test, b.test, c.test",
    ],
    hops: 2,
    origin: { scheme: "https", host: "b.test", clientAddress: "1.2.3.4" },
  },
  {
    title: "what the field forwarded says",
    headers: ["host", "a.test", "forwarded", 'for="[2001:db8::1]:99";host=b.test;proto=https'],
    hops: 1,
    origin: { scheme: "https", host: "b.test", clientAddress: "2001:db8::1" },
  },
];

describe("the origin of a request", () => {
  for (const { title, headers, tls, hops, origin } of CASES) {
    test(`is ${title}`, () => {
      assert.deepEqual(requestOrigin({ headers, peer: "10.0.0.1", tls }, hops), origin);
    });
  }
});
