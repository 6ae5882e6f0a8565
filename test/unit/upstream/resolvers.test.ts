/** Addresses and resolvers; timers and clock are the test's. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { StatusError } from "../../../src/status/index.ts";
import {
  type Address,
  authorityOf,
  nameOf,
  parseAddress,
  type SocketAddress,
} from "../../../src/upstream/address.ts";
import type { ResolvedEndpoint, ResolverListener } from "../../../src/upstream/resolver.ts";
import { createResolver, DnsResolver, StaticResolver } from "../../../src/upstream/resolvers/index.ts";

const ADDRESSES: Readonly<
  Record<string, { readonly is: Address; readonly authority: string; readonly name: string }>
> = {
  "10.0.0.7:50051": {
    is: { kind: "tcp", host: "10.0.0.7", port: 50_051 },
    authority: "10.0.0.7:50051",
    name: "10.0.0.7:50051",
  },
  "[::1]:443": { is: { kind: "tcp", host: "::1", port: 443 }, authority: "[::1]:443", name: "[::1]:443" },
  "localhost:1": {
    is: { kind: "tcp", host: "localhost", port: 1 },
    authority: "localhost:1",
    name: "localhost:1",
  },
  "dns:///localhost:1": {
    is: { kind: "dns", host: "localhost", port: 1 },
    authority: "localhost:1",
    name: "localhost:1",
  },
  "books.internal:65535": {
    is: { kind: "dns", host: "books.internal", port: 65_535 },
    authority: "books.internal:65535",
    name: "books.internal:65535",
  },
  "dns:///10.0.0.7:80": {
    is: { kind: "tcp", host: "10.0.0.7", port: 80 },
    authority: "10.0.0.7:80",
    name: "10.0.0.7:80",
  },
  "unix:/run/a.sock": {
    is: { kind: "unix", path: "/run/a.sock" },
    authority: "localhost",
    name: "unix:/run/a.sock",
  },
  "unix:///run/a.sock": {
    is: { kind: "unix", path: "/run/a.sock" },
    authority: "localhost",
    name: "unix:/run/a.sock",
  },
};

describe("addresses", () => {
  for (const [text, { is, authority, name }] of Object.entries(ADDRESSES)) {
    test(text, () => {
      const address = parseAddress(text);
      assert.deepEqual(address, is);
      assert.equal(authorityOf(address), authority);
      assert.equal(nameOf(address), name);
    });
  }

  for (const text of [
    "",
    "host",
    "host:0",
    "host:65536",
    "::1:80",
    "[host]:1",
    "dns://8.8.8.8/h:1",
    "dns:h:1",
    "unix:",
    "http://h:1",
  ]) {
    test(`${JSON.stringify(text)} is refused`, () => {
      assert.throws(
        () => parseAddress(text),
        (error) => error instanceof StatusError && error.message.includes(JSON.stringify(text)),
      );
    });
  }
});

function tcp(host: string, port = 1): SocketAddress {
  return { kind: "tcp", host, port };
}

/** What a resolver has told, as text. */
class Heard implements ResolverListener {
  readonly lines: string[] = [];
  last: readonly ResolvedEndpoint[] = [];

  onEndpoints(endpoints: readonly ResolvedEndpoint[]): void {
    this.last = endpoints;
    this.lines.push(endpoints.map(({ address, weight }) => `${nameOf(address)}*${weight}`).join(" "));
  }

  onFault(fault: string): void {
    this.lines.push(`fault ${fault}`);
  }
}

/** A name server that the test plays, and its clock. */
class FakeDns {
  nowMs = 0;
  readonly asked: string[] = [];
  answer: () => Promise<readonly SocketAddress[]> = () => Promise.resolve([tcp("10.0.0.1")]);

  surroundings(intervalMs: number): ConstructorParameters<typeof DnsResolver>[3] {
    return {
      lookUp: (host, port) => {
        this.asked.push(`${host}:${port}`);
        return this.answer();
      },
      now: () => this.nowMs,
      intervalMs,
    };
  }

  resolver(intervalMs = Number.POSITIVE_INFINITY, weight = 1): DnsResolver {
    return new DnsResolver("books.internal", 1, weight, this.surroundings(intervalMs));
  }
}

function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function failing(message: string): () => Promise<never> {
  return () => Promise.reject(Object.assign(new Error(message), { code: "ENOTFOUND" }));
}

describe("the static resolver", () => {
  test("tells its address at once, with the host that calls are for", () => {
    const heard = new Heard();
    const resolver = new StaticResolver({ kind: "unix", path: "/a" }, 3);
    resolver.start(heard);
    resolver.resolveNow();
    resolver.stop();
    assert.deepEqual(heard.last, [{ address: { kind: "unix", path: "/a" }, host: "localhost", weight: 3 }]);
    assert.equal(heard.lines.length, 1);
    assert.equal(resolver.isResolving, false);
  });
});

describe("the DNS resolver", () => {
  test("both address families are endpoints, which share the weight and keep the name", async () => {
    const dns = new FakeDns();
    dns.answer = () => Promise.resolve([tcp("::1"), tcp("10.0.0.1")]);
    const heard = new Heard();
    const resolver = dns.resolver(Number.POSITIVE_INFINITY, 6);
    resolver.start(heard);
    assert.equal(resolver.isResolving, true);
    await settle();
    assert.equal(resolver.isResolving, false);
    assert.deepEqual(heard.lines, ["[::1]:1*3 10.0.0.1:1*3"]);
    assert.deepEqual(
      heard.last.map(({ host }) => host),
      ["books.internal", "books.internal"],
    );
    assert.deepEqual(dns.asked, ["books.internal:1"]);
    resolver.stop();
  });

  test("is asked again after a loss, but not more often than every five seconds", async () => {
    const dns = new FakeDns();
    const resolver = dns.resolver();
    const heard = new Heard();
    resolver.start(heard);
    await settle();
    for (const nowMs of [0, 1000, 4999]) {
      dns.nowMs = nowMs;
      resolver.resolveNow();
    }
    assert.equal(dns.asked.length, 1);
    dns.nowMs = 5000;
    dns.answer = () => Promise.resolve([tcp("10.0.0.2")]);
    resolver.resolveNow();
    resolver.resolveNow();
    assert.equal(dns.asked.length, 2);
    await settle();
    assert.deepEqual(heard.lines, ["10.0.0.1:1*1", "10.0.0.2:1*1"]);
    resolver.stop();
  });

  test("an answer stands while later look-ups fail or find nothing", async () => {
    const dns = new FakeDns();
    const resolver = dns.resolver();
    const heard = new Heard();
    resolver.start(heard);
    await settle();
    for (const answer of [failing("gone"), () => Promise.resolve([])]) {
      dns.answer = answer;
      dns.nowMs += 5000;
      resolver.resolveNow();
      assert.equal(resolver.isResolving, false, "nobody has to wait for it");
      await settle();
    }
    assert.equal(dns.asked.length, 3);
    assert.deepEqual(heard.lines, ["10.0.0.1:1*1"]);
    resolver.stop();
  });

  test("a first look-up that fails is told, and the next may follow soon", async () => {
    const dns = new FakeDns();
    dns.answer = failing("getaddrinfo");
    const resolver = dns.resolver();
    const heard = new Heard();
    resolver.start(heard);
    await settle();
    assert.deepEqual(heard.lines, ["fault ENOTFOUND getaddrinfo"]);
    dns.nowMs = 499;
    resolver.resolveNow();
    assert.equal(dns.asked.length, 1);
    dns.nowMs = 500;
    dns.answer = () => Promise.resolve([tcp("10.0.0.1")]);
    resolver.resolveNow();
    await settle();
    assert.deepEqual(heard.lines.slice(1), ["10.0.0.1:1*1"]);
    resolver.stop();
  });

  test("is asked again every interval, after failures too, until it is stopped", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const dns = new FakeDns();
    const resolver = dns.resolver(30_000);
    const heard = new Heard();
    resolver.start(heard);
    await settle();
    for (const answer of [failing("gone"), () => Promise.resolve([tcp("10.0.0.2")])]) {
      dns.answer = answer;
      t.mock.timers.tick(29_999);
      await settle();
      const asked = dns.asked.length;
      t.mock.timers.tick(1);
      assert.equal(dns.asked.length, asked + 1);
      await settle();
    }
    assert.deepEqual(heard.lines, ["10.0.0.1:1*1", "10.0.0.2:1*1"]);
    resolver.stop();
    t.mock.timers.tick(100_000);
    assert.equal(dns.asked.length, 3);
  });

  test("tells nothing once it is stopped, not even what it had asked", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const dns = new FakeDns();
    const heard = new Heard();
    const resolver = dns.resolver(1000);
    resolver.start(heard);
    resolver.stop();
    await settle();
    t.mock.timers.tick(10_000);
    assert.deepEqual(heard.lines, []);
    assert.equal(dns.asked.length, 1);
  });
});

describe("several addresses", () => {
  const weighted = (address: string, weight = 1): { address: string; weight: number } => ({
    address,
    weight,
  });

  test("are told in one answer where none needs a look-up", () => {
    const heard = new Heard();
    const resolver = createResolver(
      [weighted("10.0.0.1:1", 2), weighted("unix:/a")],
      new FakeDns().surroundings(Number.POSITIVE_INFINITY),
    );
    resolver.start(heard);
    assert.deepEqual(heard.lines, ["10.0.0.1:1*2 unix:/a*1"]);
  });

  test("keep their order, whichever answers first, and a fault is told only while nothing is known", async () => {
    const dns = new FakeDns();
    const answers: ((found: readonly SocketAddress[]) => void)[] = [];
    dns.answer = () =>
      new Promise((resolve) => {
        answers.push(resolve);
      });
    const heard = new Heard();
    const resolver = createResolver(
      [weighted("one:1"), weighted("two:1")],
      dns.surroundings(Number.POSITIVE_INFINITY),
    );
    resolver.start(heard);
    assert.equal(resolver.isResolving, true);
    answers[1]?.([]);
    await settle();
    assert.deepEqual(heard.lines, ["fault ENOTFOUND"]);
    assert.equal(resolver.isResolving, true);
    answers[0]?.([tcp("10.0.0.1")]);
    await settle();
    dns.nowMs = 500;
    resolver.resolveNow();
    answers[2]?.([tcp("10.0.0.2")]);
    await settle();
    assert.deepEqual(heard.lines.slice(1), ["10.0.0.1:1*1", "10.0.0.1:1*1 10.0.0.2:1*1"]);
    resolver.stop();
  });
});
