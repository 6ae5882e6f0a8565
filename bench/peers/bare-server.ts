/**
 * A bare uWebSockets.js handler: answers each request with kept bytes and nothing else. What remains of a gateway's cost if
 * it did nothing but HTTP. Runs as a process of its own: `node bare-server.js port replies.json`.
 */
import { readFileSync } from "node:fs";
import { loadAddon } from "../../src/http/engines/uws/load-addon.ts";

/** A reply by method and path (`GET /v1/shelves/1`); the body as base64. */
export type BareReplies = Readonly<Record<string, { readonly contentType: string; readonly body: string }>>;

const HEAD_BUFFER_BYTES = 64 * 1024;

/** Serves `replies` on 127.0.0.1:`port`. @throws {Error} if there is no addon or the port is taken. */
function serveBare(port: number, replies: BareReplies): void {
  const load = loadAddon(HEAD_BUFFER_BYTES);
  if (load.addon === undefined) throw new Error(`no uWebSockets.js addon: ${load.reason}`);
  const kept = new Map(
    Object.entries(replies).map(([path, { contentType, body }]) => [
      path,
      { contentType, body: Buffer.from(body, "base64") },
    ]),
  );
  load.addon
    .App()
    .any("/*", (response, request) => {
      const method = request.getCaseSensitiveMethod();
      const reply = kept.get(`${method} ${request.getUrl()}`);
      const answer = (): void => {
        if (reply === undefined) response.writeStatus("404 Not Found").end();
        else response.writeHeader("content-type", reply.contentType).end(reply.body);
      };
      if (method === "GET") {
        answer();
        return;
      }
      response.onAborted(() => undefined);
      response.onData((_, isLast) => {
        if (isLast) response.cork(answer);
      });
    })
    .listen("127.0.0.1", port, 0, (socket) => {
      if (socket === false || socket === null) throw new Error(`port ${port} is taken`);
    });
}

if (process.argv[1]?.endsWith("bare-server.js") === true) {
  const [port, file = ""] = process.argv.slice(2);
  // Written by contestants.ts with this very type.
  serveBare(Number(port), JSON.parse(readFileSync(file, "utf8")) as BareReplies);
}
