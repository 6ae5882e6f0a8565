/**
 * The main job over real sockets, on both engines: REST in, gRPC out, against the demo's library service.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type DemoUpstream, startDemoUpstream } from "../../src/demo/index.ts";
import { type GatewayProcess, startGateway } from "../support/gateway-process.ts";

for (const engine of ["uws", "node"]) {
  describe(`the library over engine ${engine}`, () => {
    let upstream: DemoUpstream;
    let gateway: GatewayProcess;
    let url: string;

    before(async () => {
      upstream = await startDemoUpstream({ address: "127.0.0.1:0" });
      gateway = await startGateway({
        listeners: [{ address: "127.0.0.1:0", engine }],
        upstreams: { library: { address: upstream.address, schema: { reflection: true } } },
      });
      url = gateway.url();
    });
    after(async () => {
      await gateway.stop();
      await upstream.close();
    });

    test("a book has a name of four segments", async () => {
      const reply = await fetch(`${url}/v1/shelves/1/books/frankenstein`);
      assert.equal(reply.status, 200);
      assert.equal(reply.headers.get("content-type"), "application/json");
      const book: unknown = await reply.json();
      assert.ok(typeof book === "object" && book !== null && "name" in book && "accessionNumber" in book);
      assert.equal(book.name, "shelves/1/books/frankenstein");
      assert.equal(book.accessionNumber, "9007199254740993", "64-bit integers are exact");
    });

    test("a cover is a picture, not JSON", async () => {
      const reply = await fetch(`${url}/v1/shelves/1/books/frankenstein/cover`);
      assert.equal(reply.headers.get("content-type"), "image/png");
      const bytes = Buffer.from(await reply.arrayBuffer());
      assert.equal(bytes.subarray(1, 4).toString(), "PNG");
      assert.equal(reply.headers.get("content-length"), String(bytes.byteLength));
    });
  });
}
