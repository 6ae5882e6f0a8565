/**
 * Streams as pages in a real browser have them: EventSource, fetch and WebSocket in Chromium, against both engines.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import type { Browser, Page } from "playwright-core";
import { type DemoUpstream, startDemoUpstream } from "../../src/demo/index.ts";
import { startBrowser, WITHOUT_BROWSER, withPage } from "../support/browser.ts";
import { type EchoServer, startEchoServer } from "../support/echo-server.ts";
import { type GatewayProcess, startGateway } from "../support/gateway-process.ts";
import { descriptorPath, ENGINES } from "../support/gateway-suite.ts";
import { quietPort } from "../support/quiet-port.ts";

/** What a page gathers: `seen` holds one entry an event, of every EventSource and WebSocket that is opened by these. */
const RECORDER = `
  globalThis.seen = [];
  globalThis.watch = (url) => {
    globalThis.source = new EventSource(url);
    source.onopen = () => seen.push("open");
    source.onmessage = ({ data, lastEventId }) => seen.push({ id: lastEventId, ...JSON.parse(data) });
    source.addEventListener("end", ({ data }) => { source.close(); seen.push("end " + data); });
    source.addEventListener("error", ({ data }) => {
      if (data === undefined) { seen.push(["reconnecting", "", "refused"][source.readyState]); return; }
      source.close();
      seen.push({ error: JSON.parse(data) });
    });
  };
  globalThis.talk = (url, protocols = ["sluice.json"]) => {
    globalThis.socket = new WebSocket(url.replace("http", "ws"), protocols);
    socket.onopen = () => seen.push("open " + socket.protocol);
    socket.onmessage = ({ data }) => seen.push(data);
    socket.onclose = ({ code, reason, wasClean }) => seen.push({ code, reason, wasClean });
  };
`;

const WATCH = "/v1/shelves/3/books:watch";

function gatewayConfig(listeners: readonly object[], echo: EchoServer, library: DemoUpstream) {
  return {
    listeners,
    accessLog: { enabled: false },
    upstreams: {
      echo: {
        address: echo.address,
        schema: { descriptors: [descriptorPath()] },
        json: { emitDefaults: false },
      },
      library: {
        address: library.address,
        schema: { reflection: true },
        json: { emitDefaults: false },
        routes: [
          {
            selector: "library.v1.LibraryService.WatchBooks",
            stream: {
              sse: {
                idField: "revision",
                lastEventIdField: "after_revision",
                heartbeat: "40ms",
                retry: "100ms",
              },
            },
          },
        ],
      },
    },
    readiness: { require: "all" },
  };
}

describe("in a browser", { skip: WITHOUT_BROWSER, timeout: 60_000 }, () => {
  let browser: Browser;
  let echo: EchoServer;
  let library: DemoUpstream;
  let gateway: GatewayProcess;

  before(async () => {
    [browser, echo, library] = await Promise.all([
      startBrowser(),
      startEchoServer(),
      startDemoUpstream({ address: "127.0.0.1:0" }),
    ]);
    const listeners = ENGINES.map((engine) => ({ address: "127.0.0.1:0", engine }));
    gateway = await startGateway(gatewayConfig(listeners, echo, library));
    await untilReady(gateway);
  });
  after(async () => {
    await browser?.close();
    await gateway?.stop();
    await Promise.all([library?.close(), echo?.close()]);
  });

  for (const [index, engine] of ENGINES.entries()) {
    /** Runs `action` in a page of the gateway's own origin. */
    const inPage = (action: (page: Page) => Promise<void>) =>
      withPage(browser, `${gateway.url(index)}/v1/shelves`, async (page) => {
        await page.evaluate(RECORDER);
        await action(page);
      });

    describe(`EventSource, engine ${engine}`, () => {
      test("gets messages, and stays away after the end event closed it", () =>
        inPage(async (page) => {
          const from = echo.calls.length;
          await page.evaluate(`watch("/v1/count/2")`);
          assert.deepEqual(await seen(page, 4), [
            "open",
            { id: "", value: 1 },
            { id: "", value: 2 },
            "end {}",
          ]);
          assert.equal(await page.evaluate("source.readyState"), 2);
          assert.equal(echo.calls.length - from, 1);
        }));

      test("gets ids, and takes no heartbeat for a message", () =>
        inPage(async (page) => {
          await page.evaluate(`watch(${JSON.stringify(WATCH)})`);
          const shelf = await seen(page, 4);
          // Another reader of the same stream tells that heartbeats have come by.
          await page.evaluate(heartbeats(3));
          assert.equal(await page.evaluate(createBook(`walks-${engine}`)), 200);
          const all = await seen(page, 5);
          assert.deepEqual(all.slice(0, 4), shelf);
          const events = eventsIn(all);
          assert.ok(events.every(({ id, revision }) => id === revision && Number(id) > 0));
          assert.equal(events.at(-1)?.created?.name, `shelves/3/books/walks-${engine}`);
          await page.evaluate(`fetch("/v1/shelves/3/books/walks-${engine}", { method: "DELETE" })`);
        }));

      test("is told of a failure in the middle", () =>
        inPage(async (page) => {
          await page.evaluate(`watch("/v1/count/9?fail_after=1&fail_code=8&fail_message=no%20more")`);
          const error = { code: 8, message: "no more", details: [] };
          assert.deepEqual(await seen(page, 3), ["open", { id: "", value: 1 }, { error }]);
        }));

      test("is refused for good where there is no stream", () =>
        inPage(async (page) => {
          await page.evaluate(`watch("/v1/count/x")`);
          assert.deepEqual(await seen(page, 1), ["refused"]);
        }));
    });

    describe(`fetch, engine ${engine}`, () => {
      test("reads NDJSON while the stream is open; leaving cancels the call", () =>
        inPage(async (page) => {
          const lines = await page.evaluate(`(async () => {
            const abort = new AbortController();
            const reply = await fetch("/v1/hang:stream?to=2", { signal: abort.signal });
            const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
            let text = "";
            while (text.split("\\n").length < 3) text += (await reader.read()).value;
            abort.abort();
            return [reply.headers.get("content-type"), text];
          })()`);
          assert.deepEqual(lines, ["application/x-ndjson", '{"value":1}\n{"value":2}\n']);
          assert.equal(await echo.calls.at(-1)?.ended, "cancelled");
        }));

      test("sees a failure in the middle: a last line of NDJSON, a rejected array", () =>
        inPage(async (page) => {
          const failing = "/v1/count/9?fail_after=1&fail_code=8&fail_message=no%20more";
          const ndjson = await page.evaluate(`fetch("${failing}").then((reply) => reply.text())`);
          assert.match(
            String(ndjson),
            /^\{"value":1\}\n\{"error":\{"code":8,"message":"no more","details":\[\]\}\}\n$/,
          );
          const array = await page.evaluate(
            `fetch("${failing}", { headers: { accept: "application/json" } }).then((reply) => reply.text())
              .then(() => "complete", (error) => error.name)`,
          );
          assert.equal(array, "TypeError");
        }));
    });

    describe(`WebSocket, engine ${engine}`, () => {
      test("two pages talk over two calls", () =>
        inPage((ann) =>
          inPage(async (ben) => {
            for (const [page, nickname] of [
              [ann, "Ann"],
              [ben, "Ben"],
            ] as const) {
              await page.evaluate(`talk(location.origin + "/v1/reading-room:talk")`);
              await seen(page, 1);
              await page.evaluate(`socket.send('{"nickname":"${nickname}"}')`);
              await seenText(page, `"nickname":"${nickname}","joined"`);
            }
            await ann.evaluate(`socket.send('{"text":"from Ann, ${engine}"}')`);
            await seenText(ben, `"nickname":"Ann","said":"from Ann, ${engine}"`);
            await ben.evaluate(`socket.send('{"text":"from Ben, ${engine}"}')`);
            await seenText(ann, `"nickname":"Ben","said":"from Ben, ${engine}"`);
            await ben.evaluate(`socket.send("@end")`);
            assert.deepEqual((await seenText(ben, '"code":1000')).at(-1), {
              code: 1000,
              reason: "",
              wasClean: true,
            });
            await seenText(ann, '"nickname":"Ben","left":1');
          }),
        ));

      test("carries credentials in a subprotocol", () =>
        inPage(async (page) => {
          const token = Buffer.from("to.ken").toString("base64url");
          await page.evaluate(
            `talk(location.origin + "/v1/metadata", ["sluice.json", "sluice.bearer.${token}"])`,
          );
          const all = await seenText(page, '"code":1000');
          assert.equal(all[0], "open sluice.json");
          assert.ok(all.some((entry) => String(entry).includes('"value":"Bearer to.ken"')));
        }));

      test("closes with the code and the message of a failure", () =>
        inPage(async (page) => {
          await page.evaluate(`talk(location.origin + "/v1/fail/5?message=no%20such")`);
          assert.deepEqual(await seen(page, 3), [
            "open sluice.json",
            '@status {"code":5,"message":"no such","details":[]}',
            { code: 4005, reason: "no such", wasClean: true },
          ]);
        }));

      test("is refused to a page of another origin, which learns nothing", () =>
        withPage(browser, `${gateway.url(1 - index)}/v1/shelves`, async (page) => {
          const from = echo.calls.length;
          await page.evaluate(RECORDER);
          await page.evaluate(`talk("${gateway.url(index)}/v1/count/1")`);
          assert.deepEqual(await seen(page, 1), [{ code: 1006, reason: "", wasClean: false }]);
          assert.equal(echo.calls.length, from);
        }));
    });

    test(`an EventSource comes back to the next gateway behind its last event, engine ${engine}`, async () => {
      const address = `127.0.0.1:${await quietPort()}`;
      const config = gatewayConfig([{ address, engine }], echo, library);
      const first = await startGateway(config);
      let second: GatewayProcess | undefined;
      try {
        await untilReady(first);
        await withPage(browser, `${first.url()}/v1/shelves`, async (page) => {
          await page.evaluate(RECORDER);
          await page.evaluate(`watch(${JSON.stringify(WATCH)})`);
          const known = await seen(page, 4);
          await first.stop();
          assert.equal((await seen(page, 5)).at(-1), "reconnecting");
          // It does not listen before it can serve: to an error the browser would not come back.
          second = await startGateway(config);
          await untilReady(second);
          assert.equal(await page.evaluate(createBook(`back-${engine}`)), 200);
          const all = await seenText(page, '"created"');
          assert.deepEqual(all.slice(0, 4), known);
          // Nothing twice, nothing left out: ids go on where they were.
          const ids = eventsIn(all).map(({ id }) => Number(id));
          assert.deepEqual(
            ids,
            [...new Set(ids)].sort((a, b) => a - b),
          );
          assert.equal(eventsIn(all).at(-1)?.created?.name, `shelves/3/books/back-${engine}`);
          assert.equal(eventsIn(all).filter(({ current }) => current !== undefined).length, 3);
          await fetch(`${second.url()}/v1/shelves/3/books/back-${engine}`, { method: "DELETE" });
        });
      } finally {
        await first.stop();
        await second?.stop();
      }
    });
  }
});

/** What RECORDER makes of an event of WatchBooks. */
interface BookEvent {
  readonly id: string;
  readonly revision: string;
  readonly current?: { readonly name: string };
  readonly created?: { readonly name: string };
}

function eventsIn(seen: readonly unknown[]): readonly BookEvent[] {
  // RECORDER writes nothing but texts and, in these tests, events of WatchBooks.
  return seen.filter((entry) => typeof entry === "object") as readonly BookEvent[];
}

/** What a page has seen, once that is `count` entries. */
async function seen(page: Page, count: number): Promise<readonly unknown[]> {
  await page.waitForFunction(`seen.length >= ${count}`, undefined, { timeout: 15_000 });
  return page.evaluate("seen");
}

/** What a page has seen, once `text` is in it. */
async function seenText(page: Page, text: string): Promise<readonly unknown[]> {
  const has = `seen.some((entry) => (typeof entry === "string" ? entry : JSON.stringify(entry)).includes(${JSON.stringify(text)}))`;
  await page.waitForFunction(has, undefined, { timeout: 15_000 });
  return page.evaluate("seen");
}

/** Resolves in a page once `count` comments have come on a stream of its own. */
function heartbeats(count: number): string {
  return `(async () => {
    const abort = new AbortController();
    const headers = { accept: "text/event-stream" };
    const reply = await fetch(${JSON.stringify(WATCH)}, { headers, signal: abort.signal });
    const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (text.split("\\n:\\n").length <= ${count}) text += (await reader.read()).value;
    abort.abort();
  })()`;
}

function createBook(id: string): string {
  return `fetch("/v1/shelves/3/books?book_id=${id}", {
    method: "POST", body: '{"title":"Walks"}', headers: { "content-type": "application/json" },
  }).then((reply) => reply.status)`;
}

async function untilReady(gateway: GatewayProcess): Promise<void> {
  while ((await fetch(`${gateway.adminUrl}/readyz`)).status !== 200) await pause(20);
}
