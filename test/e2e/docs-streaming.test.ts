/**
 * The clients of docs/streaming.md, pasted and run against the demo's library: curl, Node, and Chromium if there is one.
 */
import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import type { Browser } from "playwright-core";
import { DEMO_ROUTES } from "../../src/cli/demo.ts";
import { type DemoUpstream, startDemoUpstream } from "../../src/demo/index.ts";
import { startBrowser, WITHOUT_BROWSER, withPage } from "../support/browser.ts";
import { type GatewayProcess, startGateway, temporaryFiles } from "../support/gateway-process.ts";

const run = promisify(execFile);

/** What runs an example, and what it prints, in the order of the page. */
interface Example {
  readonly what: string;
  readonly by: readonly ("curl" | "browser" | "node")[];
  readonly prints: RegExp;
  /** Code to go on with. */
  readonly epilogue?: string;
}

const BOTH = ["browser", "node"] as const;
const TITLES = /^Frankenstein\nMiddlemarch\nMoby-Dick\n$/;
const EVENTS = /^1 Frankenstein\n2 Middlemarch\n3 Moby-Dick\n/;

const EXAMPLES: readonly Example[] = [
  {
    what: "server streams",
    by: ["curl"],
    prints: /^(?:\{.*\}\n){3}\[(?:\{.*\},?\n?){3}\]\n?(?:[^{]\{.*\}\n){3}$/,
  },
  { what: "a server stream, message by message", by: BOTH, prints: TITLES },
  { what: "a server stream as an array", by: BOTH, prints: /^3\n$/ },
  { what: "EventSource", by: ["browser"], prints: new RegExp(`${EVENTS.source}end\\n$`) },
  { what: "events in Node", by: ["node"], prints: new RegExp(`${EVENTS.source}$`) },
  {
    what: "events, resumed",
    by: ["curl"],
    prints: /^id: 3\ndata: \{.*"title":"Moby-Dick".*\}\n\nevent: end\n/,
  },
  { what: "a client stream", by: ["curl"], prints: /^\{"names":\["[^"]+","[^"]+"\],"faults":\{\}\}$/ },
  { what: "a client stream by fetch", by: BOTH, prints: /^2\n$/ },
  { what: "both ways", by: ["curl"], prints: /^\{"turn":1,.*Moby-Dick.*\}\n\{"turn":2,.*Principia.*\}\n$/ },
  {
    what: "both ways by fetch",
    by: ["node"],
    prints: /^\{"turn":1,.*Moby-Dick.*\}\n\{"turn":2,.*Principia.*\}\n$/,
  },
  { what: "blobs", by: ["curl"], prints: /^\{"contentType":"image\/png",.*\}$/ },
  { what: "blobs by fetch", by: BOTH, prints: /^image\/png 200\n$/ },
  {
    what: "ranges",
    by: ["curl"],
    prints: /^0000000 211 {3}P {3}N {3}G {2}\\r {2}\\n 032 {2}\\n\n0000010\n$/,
  },
  { what: "entity tags", by: ["curl"], prints: /^304\n$/ },
  {
    what: "a chat over WebSocket",
    by: BOTH,
    prints:
      /message: \{\s*"?turn"?: ?1,[\s\S]*message: \{\s*"?turn"?: ?2,[\s\S]*control: @status \{"code":0[\s\S]*closed: 1000/,
  },
  {
    what: "a server stream over WebSocket",
    by: BOTH,
    prints: /revision"?: ?["']1["'][\s\S]*revision"?: ?["']2["']/,
  },
  {
    what: "a token",
    by: BOTH,
    prints: /^opened sluice\.json\n$/,
    epilogue: "socket.onopen = () => { console.log('opened', socket.protocol); socket.close(); };",
  },
];

const hasCurl = spawnSync("curl", ["--version"]).status === 0;

describe("docs/streaming.md", { timeout: 60_000 }, () => {
  const blocks = [...readFileSync("docs/streaming.md", "utf8").matchAll(/```(?:js|sh)\n(.*?)```/gs)];
  let upstream: DemoUpstream;
  let gateway: GatewayProcess;
  let browser: Browser | undefined;

  before(async () => {
    upstream = await startDemoUpstream({ address: "127.0.0.1:0" });
    gateway = await startGateway({
      upstreams: { library: { address: upstream.address, schema: { reflection: true }, ...DEMO_ROUTES } },
    });
    if (WITHOUT_BROWSER === false) browser = await startBrowser();
  });
  after(async () => {
    await browser?.close();
    await gateway?.stop();
    await upstream?.close();
  });

  test("has an example for each expectation", () => assert.equal(blocks.length, EXAMPLES.length));

  for (const [index, { what, by, prints, epilogue = "" }] of EXAMPLES.entries()) {
    const code = () =>
      `${blocks[index]?.[1]}\n${epilogue}`.replaceAll("127.0.0.1:8080", new URL(gateway.url()).host);

    for (const runner of by) {
      const skip =
        runner === "curl" ? !hasCurl && "curl is not installed" : runner === "browser" && WITHOUT_BROWSER;
      test(`${what}: ${runner}`, { skip }, async () => {
        switch (runner) {
          case "curl":
            assert.match(await runInShell(code()), prints);
            return;
          case "node":
            assert.match(await runInNode(code()), prints);
            return;
          case "browser":
            assert.ok(browser !== undefined);
            await runInBrowser(browser, `${gateway.url()}/v1/shelves`, code(), prints);
        }
      });
    }
  }
});

async function runInShell(script: string): Promise<string> {
  const files = await temporaryFiles({});
  try {
    const { stdout } = await run("sh", ["-e", "-c", script], { cwd: files.folder, timeout: 20_000 });
    return stdout;
  } finally {
    await files.remove();
  }
}

async function runInNode(code: string): Promise<string> {
  // Node 20 has no WebSocket of its own; the page says what to import there.
  const ws = pathToFileURL("node_modules/ws/wrapper.mjs").href;
  const files = await temporaryFiles({ "client.mjs": `import { WebSocket } from "${ws}";\n${code}` });
  try {
    const { stdout } = await run(process.execPath, [files.path("client.mjs")], { timeout: 20_000 });
    return stdout;
  } finally {
    await files.remove();
  }
}

/** Resolves when what the page has printed matches. */
async function runInBrowser(browser: Browser, url: string, code: string, prints: RegExp): Promise<void> {
  await withPage(browser, url, async (page) => {
    await page.evaluate(`globalThis.printed = "";
      console.log = (...words) => {
        printed += words.map((word) => (typeof word === "string" ? word : JSON.stringify(word))).join(" ") + "\\n";
      };`);
    await page.evaluate(`(async () => {\n${code}\n})()`);
    try {
      await page.waitForFunction(`${prints}.test(printed)`, undefined, { timeout: 15_000 });
    } catch (error) {
      assert.match(String(await page.evaluate("printed")), prints, String(error));
    }
  });
}
