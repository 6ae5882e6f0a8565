/**
 * A process that serves one request, drains or closes, and must then end by itself.
 * Arguments: the engine's name, `drain` or `close`.
 */
import { createNodeHttpEngine } from "../../../src/http/engines/node-http/index.ts";
import { portOf, TEST_LIMITS } from "../../support/listening.ts";
import { RawHttpClient } from "../../support/raw-http.ts";
import { uwsEngine } from "../../support/uws-engine.ts";

const [engineName, end] = process.argv.slice(2);
const engine = engineName === "uws" ? uwsEngine() : createNodeHttpEngine();
const listener = await engine.listen({ host: "127.0.0.1", port: 0 }, { limits: TEST_LIMITS }, (exchange) =>
  exchange.readBody(10, {
    onChunk: () => undefined,
    onEnd: () => exchange.respond(200, [], "served"),
    onTooLarge: () => undefined,
  }),
);
const client = await RawHttpClient.connect(portOf(listener));
await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx");
console.log((await client.reply()).body.toString());
if (end === "drain") await listener.drain();
else listener.close();
await client.closed();
