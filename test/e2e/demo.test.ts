/**
 * `sluice demo`, as a new user meets it: what it prints, that every printed line works when pasted, and Ctrl-C.
 */
import assert from "node:assert/strict";
import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { resolve } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import type { Browser, Page } from "playwright-core";
import { startBrowser, WITHOUT_BROWSER, withPage } from "../support/browser.ts";
import { temporaryFiles } from "../support/gateway-process.ts";

const run = promisify(execFile);
const hasCurl = spawnSync("curl", ["--version"]).status === 0;

/** A demo that has printed all that it prints at start. */
interface Demo {
  readonly text: string;
  /** Sends Ctrl-C; resolves with what was printed after that and the exit code. */
  interrupt(signal?: NodeJS.Signals): Promise<{ readonly text: string; readonly exitCode: number | null }>;
}

async function startDemo(args: readonly string[]): Promise<Demo> {
  const child = spawn(process.execPath, [resolve("dist/main.js"), "demo", ...args]);
  let text = "";
  const ready = new Promise<void>((done, fail) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk) => {
        text += String(chunk);
        if (text.includes("Ctrl-C stops both.")) done();
      });
    }
    child.on("close", () => fail(new Error(`the demo ended: ${text}`)));
  });
  await ready;
  const started = text;
  return {
    text: started,
    async interrupt(signal = "SIGINT") {
      const closed = once(child, "close");
      child.kill(signal);
      await closed;
      return { text: text.slice(started.length), exitCode: child.exitCode };
    },
  };
}

/** What each printed example answers, by its title. */
const ANSWERS: Readonly<Record<string, RegExp>> = {
  "List: path variable, paging and filter in the query":
    /^\{"books":\[\{.*"pageCount":[4-9]\d\d.*"nextPageToken":/,
  "Get: a resource name over four segments":
    /"name":"shelves\/1\/books\/frankenstein".*"accessionNumber":"9007199254740993"/,
  "Create: the HTTP body is the field `book`, the id comes from the query":
    /^\{"name":"shelves\/1\/books\/emma".*"title":"Emma"/,
  "Update: the field mask follows from what is in the body": /"title":"Emma".*"rating":4\.4/,
  "Custom verb: move it to another shelf": /^\{"name":"shelves\/3\/books\/emma"/,
  Delete: /^\{\}$/,
  "HttpBody down: the cover as an image": /^image\/png \d+ bytes\n$/,
  "HttpBody up: raw bytes, any media type": /"contentType":"image\/png"/,
  "One method, another binding: the catalogue card as Markdown": /^# /,
  "Error: the fields at fault, in google.rpc details":
    /^HTTP\/1\.1 400 [\s\S]*google\.rpc\.BadRequest[\s\S]*"field":"book\./,
  "Stream: the books of a shelf, then changes, a line each (ends after three)": /^(\{[^\n]*\}\n){3}$/,
  "Streams both ways: say something in the reading room (who has the page open hears it)":
    /^\{.*"nickname":"curl","joined":1\}\n\{.*"said":"Hello"\}\n\{.*"left":0\}\n$/,
  "Deadline: the upstream wants 5 s, the client gives it 1 s": /^HTTP\/1\.1 504 [\s\S]*DEADLINE/,
  "Metadata: headers go up, initial metadata comes back as headers":
    /^HTTP\/1\.1 200 [\s\S]*demo-1[\s\S]*authorization/,
};

/** The printed examples: title and command line. */
function printedExamples(text: string): readonly (readonly [title: string, command: string])[] {
  return [...text.matchAll(/^# (.+)\n(curl .+)$/gm)].map(
    (match) => [match[1] ?? "", match[2] ?? ""] as const,
  );
}

for (const args of [
  ["--schema", "reflection", "--engine", "uws"],
  ["--schema", "descriptors", "--engine", "node"],
]) {
  describe(`sluice demo ${args.join(" ")}`, () => {
    let demo: Demo;
    before(async () => {
      demo = await startDemo(args);
    });
    after(() => demo.interrupt());

    test("prints the addresses, the route table and an example for every answer below", () => {
      assert.match(demo.text, /^(Note: .*\n)*\nOpen http:\/\/127\.0\.0\.1:\d+\/ in a browser: /);
      assert.match(demo.text, /^Admin page +http:\/\/127\.0\.0\.1:\d+\/ /m);
      assert.match(demo.text, /^Demo library service \(gRPC\) +127\.0\.0\.1:\d+$/m);
      const [, schema, , engine] = args;
      assert.match(
        demo.text,
        new RegExp(
          `^Gateway \\(HTTP\\) +http://127\\.0\\.0\\.1:\\d+ +engine ${engine}, schema by ${schema}$`,
          "m",
        ),
      );
      assert.match(demo.text, /^METHOD +TEMPLATE +RPC +BODY +KIND +SOURCE$/m);
      assert.match(
        demo.text,
        /^PATCH +\/v1\/\{book\.name=shelves\/\*\/books\/\*\} +library\.v1\.LibraryService\.UpdateBook +book /m,
      );
      assert.deepEqual(
        printedExamples(demo.text).map(([title]) => title),
        Object.keys(ANSWERS),
      );
    });

    test("every printed line works when pasted, in order", {
      skip: hasCurl ? false : "curl is not installed",
    }, async () => {
      const files = await temporaryFiles({});
      try {
        for (const [title, command] of printedExamples(demo.text)) {
          const { stdout } = await run("sh", ["-c", command], { cwd: files.folder, timeout: 10_000 });
          assert.match(stdout, ANSWERS[title] ?? /^$/, `${command}\n${stdout}`);
        }
        assert.equal(readFileSync(files.path("cover.png")).subarray(1, 4).toString(), "PNG");
      } finally {
        await files.remove();
      }
    });

    test("the admin listener is there", async () => {
      const [, url = ""] = /^Admin page +(http:\/\/[^/]+)/m.exec(demo.text) ?? [];
      assert.equal((await fetch(`${url}/readyz`)).status, 200);
    });
  });
}

describe("the demo's page", { skip: WITHOUT_BROWSER, timeout: 60_000 }, () => {
  let demo: Demo;
  let browser: Browser;
  let url = "";
  before(async () => {
    [demo, browser] = await Promise.all([startDemo([]), startBrowser()]);
    [, url = ""] = /^Open (http:\S+) in a browser/m.exec(demo.text) ?? [];
  });
  after(async () => {
    await browser?.close();
    await demo?.interrupt();
  });

  test("shows what happens to books, in every page that is open", () =>
    withPage(browser, url, (one) =>
      withPage(browser, url, async (other) => {
        for (const page of [one, other]) await page.locator("#watch-state", { hasText: "live" }).waitFor();
        await other.locator("#books li").nth(9).waitFor();
        await one.locator("#add [name=title]").fill("Emma <img src=x onerror=alert(1)>");
        await one.locator("#add [name=author]").fill("Jane Austen");
        await one.locator("#add button").click();
        for (const page of [one, other]) {
          const card = page.locator("#books li").first();
          await card.getByText("Emma <img src=x onerror=alert(1)>", { exact: true }).waitFor();
          await card.getByText("new", { exact: true }).waitFor();
          await card.getByText("Jane Austen").waitFor();
        }
        await other.locator("#books li").first().getByText("Remove").click();
        await one.locator("#books li.gone", { hasText: "Emma" }).waitFor();
        assert.equal(await one.locator("#books li").count(), 11);
      }),
    ));

  test("says what is wrong with a book", () =>
    withPage(browser, url, async (page) => {
      await page.locator("#add [name=title]").fill("  ");
      await page.locator("#add button").click();
      await page.locator("#book-fault", { hasText: "book.title" }).waitFor();
    }));

  test("lets people talk, and tells who comes and goes", () =>
    withPage(browser, url, (ann) =>
      withPage(browser, url, async (ben) => {
        await enter(ann, "Ann");
        await ann.locator("#room-state", { hasText: "1 person here" }).waitFor();
        await say(ann, "Is anybody here?");
        await enter(ben, "<b>Ben</b>");
        // Who comes late hears what was said before.
        await ben.locator("#talk li", { hasText: "Is anybody here?" }).waitFor();
        await ann.locator("#room-state", { hasText: "2 people here" }).waitFor();
        await say(ben, "<i>Me</i>");
        await ann.locator("#talk li", { hasText: "<i>Me</i>" }).getByText("<b>Ben</b>").waitFor();
        await ben.locator("#leave").click();
        await ben.locator("#room-state", { hasText: "outside" }).waitFor();
        await ann.locator("#talk li", { hasText: "<b>Ben</b> left" }).waitFor();
      }),
    ));

  test("may load and run nothing but itself", () =>
    withPage(browser, url, async (page) => {
      const policy = (await fetch(url)).headers.get("content-security-policy") ?? "";
      assert.match(policy, /^default-src 'none'; script-src 'sha256-[\w+/=]+'; style-src 'sha256-[\w+/=]+';/);
      const ran = await page.evaluate(`new Promise((resolve) => {
        const script = document.createElement("script");
        script.textContent = "globalThis.injected = true";
        document.addEventListener("securitypolicyviolation", (event) => resolve(event.effectiveDirective));
        document.body.append(script);
      })`);
      assert.equal(ran, "script-src-elem");
    }));

  test("comes back by itself, also to a library that has begun anew", (context) =>
    withPage(browser, url, async (page) => {
      await page.locator("#add [name=title]").fill("Persuasion");
      await page.locator("#add button").click();
      await page.locator("#books li", { hasText: "Persuasion" }).waitFor();
      await enter(page, "Ann");
      await page.locator("#room-state", { hasText: "1 person here" }).waitFor();
      await demo.interrupt();
      for (const state of ["#watch-state", "#room-state"]) {
        await page.locator(state, { hasText: "connection lost, coming back" }).waitFor();
      }
      demo = await startDemo([]);
      if (!demo.text.includes(url)) {
        context.skip("somebody took the port meanwhile");
        return;
      }
      // The page's last event is none of the new library's: it is refused, and begins from the start.
      await page.locator("#watch-state", { hasText: "live" }).waitFor();
      await page.locator("#books li").nth(9).waitFor();
      assert.equal(await page.locator("#books li", { hasText: "Persuasion" }).count(), 0);
      await page.locator("#room-state", { hasText: "1 person here" }).waitFor();
    }));
});

async function enter(page: Page, nickname: string): Promise<void> {
  await page.locator("#enter input").fill(nickname);
  await page.locator("#enter button").click();
}

async function say(page: Page, text: string): Promise<void> {
  await page.locator("#say input").fill(text);
  await page.locator("#say button[type=submit]").click();
  await page.locator("#talk li", { hasText: text }).waitFor();
}

describe("sluice demo where its ports are taken", () => {
  const holders: Server[] = [];
  before(async () => {
    for (const port of [8080, 9901]) {
      const holder = createServer();
      holders.push(holder);
      // Somebody else may hold the port already, which is just as well.
      await new Promise<void>((done) => {
        holder.once("error", () => done());
        holder.listen(port, "127.0.0.1", () => done());
      });
    }
  });
  after(() => {
    for (const holder of holders) holder.close();
  });

  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    test(`takes the next free ones and says so; ${signal} ends it`, async () => {
      const demo = await startDemo([]);
      assert.match(demo.text, /^Note: port 8080 is taken, so this is port 80[89]\d instead\.$/m);
      assert.match(demo.text, /^Note: port 9901 is taken, so this is port 99\d\d instead\.$/m);
      const [, port = ""] = /so this is port (80\d\d)/.exec(demo.text) ?? [];
      assert.match(demo.text, new RegExp(`^Gateway \\(HTTP\\) +http://127\\.0\\.0\\.1:${port} `, "m"));
      assert.ok(printedExamples(demo.text).every(([, command]) => command.includes(`127.0.0.1:${port}/`)));
      const end = await demo.interrupt(signal);
      assert.equal(end.text, "stopped\n");
      assert.equal(end.exitCode, 0);
    });
  }
});

test("the build leaves an executable, which npx runs in this folder", () => {
  assert.ok(existsSync("dist/main.js"));
  const { stdout, status } = spawnSync("dist/main.js", ["--version"], { encoding: "utf8" });
  assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
  assert.equal(status, 0);
});
