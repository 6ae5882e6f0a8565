/**
 * The WebSocket clients of docs/streaming.md, pasted and run against the demo's library.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { type DemoUpstream, startDemoUpstream } from "../../src/demo/index.ts";
import { type GatewayProcess, startGateway, temporaryFiles } from "../support/gateway-process.ts";

const run = promisify(execFile);

/** What each example prints, in the order of the page. */
const PRINTED: readonly (readonly RegExp[])[] = [
  [/^message: \{\s+turn: 1,/m, /^message: \{\s+turn: 2,/m, /^control: @status \{"code":0/m, /^closed: 1000/m],
  [/revision: /],
  [/^opened sluice\.json$/m],
];

describe("docs/streaming.md, WebSocket", { timeout: 30_000 }, () => {
  const [, section = ""] = readFileSync("docs/streaming.md", "utf8").split("\n## WebSocket\n");
  const [own = ""] = section.split("\n## ");
  const examples = [...own.matchAll(/```js\n(.*?)```/gs)].map((match) => match[1] ?? "");
  let upstream: DemoUpstream | undefined;
  let gateway: GatewayProcess | undefined;

  before(async () => {
    upstream = await startDemoUpstream({ address: "127.0.0.1:0" });
    gateway = await startGateway({
      upstreams: { library: { address: upstream.address, schema: { reflection: true } } },
    });
  });
  after(async () => {
    await gateway?.stop();
    await upstream?.close();
  });

  test("has an example for each expectation", () => assert.equal(examples.length, PRINTED.length));

  for (const [index, expectations] of PRINTED.entries()) {
    test(`example ${index + 1}`, async () => {
      const code = (examples[index] ?? "").replaceAll(
        "ws://127.0.0.1:8080",
        gateway?.url(0).replace("http", "ws") ?? "",
      );
      // Node 20 has no WebSocket of its own; the page says what to import there.
      const ws = pathToFileURL("node_modules/ws/wrapper.mjs").href;
      // The last example only opens a connection.
      const isOpening = index === PRINTED.length - 1;
      const end = isOpening
        ? "socket.onopen = () => { console.log('opened', socket.protocol); socket.close(); };"
        : "";
      const files = await temporaryFiles({
        "client.mjs": `import { WebSocket } from "${ws}";\n${code}\n${end}\n`,
      });
      try {
        const { stdout } = await run(process.execPath, [files.path("client.mjs")]);
        for (const expectation of expectations) assert.match(stdout, expectation);
      } finally {
        await files.remove();
      }
    });
  }
});
