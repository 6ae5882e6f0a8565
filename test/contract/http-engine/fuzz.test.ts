import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RawHttpClient } from "../../support/raw-http.ts";
import { describeEngines, echoHandler, portOf, withServer } from "../../support/raw-http-server.ts";

const SEEDS = [
  "GET /v1/books?page_size=2 HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nConnection: keep-alive\r\n\r\n",
  "POST /v1/books HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
  "POST /v1/books HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
  "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc",
  "HEAD / HTTP/1.1\r\nHost: a\r\n\r\nOPTIONS /x HTTP/1.1\r\nHost: a\r\n\r\n",
];

const INSERTS = [
  "\r\n",
  "\0",
  ":",
  " ",
  "\t",
  ",",
  "0",
  "-1",
  "\xff",
  "chunked",
  "Content-Length: 1\r\n",
  "\r\n\r\n",
];

/** A change of a request at `at`, taken modulo its length. */
interface Mutation {
  readonly at: number;
  readonly remove: number;
  readonly insert: string;
}

const mutation: fc.Arbitrary<Mutation> = fc.record({
  at: fc.nat(10_000),
  remove: fc.nat(4),
  insert: fc.oneof(fc.constantFrom(...INSERTS), fc.constant("")),
});

const request = fc
  .record({ seed: fc.constantFrom(...SEEDS), mutations: fc.array(mutation, { minLength: 1, maxLength: 4 }) })
  .map(({ seed, mutations }) => mutations.reduce(mutate, seed));

describeEngines("fuzz", (engine) => {
  test("survives mutated requests, in two pieces, and serves the next client", async () => {
    let exchanges = 0;
    const echo = echoHandler(1000);
    const handler: Parameters<typeof withServer>[1] = (exchange) => {
      exchanges += 1;
      assert.ok(exchange.path.startsWith("/"));
      assert.match(exchange.method, /^[A-Z_-]+$/);
      echo(exchange);
    };
    await withServer(engine, handler, async (server) => {
      const port = portOf(server.listener);
      const property = fc.asyncProperty(request, fc.nat(100), async (bytes, cut) => {
        const client = await RawHttpClient.connect(port);
        const whole = Buffer.from(bytes, "latin1");
        await client.sendPieces(
          [whole.subarray(0, cut), whole.subarray(cut)].filter((piece) => piece.length > 0),
        );
        // What the server still waits for does not come.
        client.socket.end();
        await client.closed();
        assert.doesNotMatch(client.pending, /\0/);
      });
      await fc.assert(property, { numRuns: 300, seed: 20_261_120 });
      const good = await server.connect();
      await good.send("GET /good HTTP/1.1\r\nHost: a\r\n\r\n");
      assert.equal((await good.reply()).status, 200);
      assert.ok(exchanges > 50, `some requests are still good: ${exchanges}`);
    });
  });
});

function mutate(text: string, { at, remove, insert }: Mutation): string {
  const position = at % (text.length + 1);
  return text.slice(0, position) + insert + text.slice(position + remove);
}
