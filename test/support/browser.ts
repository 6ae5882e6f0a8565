/**
 * A real browser for end-to-end tests: Chromium, if this machine has one, driven by playwright-core. What pages run is
 * given as text, since the tests themselves are compiled without the browser's types.
 */
import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";

const USUAL_PATHS: readonly string[] = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
  "/opt/google/chrome/chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** No more than this of what a browser does besides showing pages. */
const ARGUMENTS: readonly string[] = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** `$CHROMIUM`, or the first of the usual paths where there is one. */
const EXECUTABLE: string | undefined = [process.env.CHROMIUM ?? "", ...USUAL_PATHS].find(
  (path) => path !== "" && existsSync(path),
);

/** Why tests with a browser are skipped; false where they run. */
export const WITHOUT_BROWSER: string | false =
  EXECUTABLE === undefined
    ? "no Chromium found: apt-get install chromium, or set CHROMIUM to its path"
    : false;

/** Starts the browser. @throws {Error} where there is none. */
export function startBrowser(): Promise<Browser> {
  if (EXECUTABLE === undefined) throw new Error(String(WITHOUT_BROWSER));
  return chromium.launch({ executablePath: EXECUTABLE, args: [...ARGUMENTS] });
}

/** A page on `url`, with what it throws; nothing but `action` runs in it. The page is closed afterwards. */
export async function withPage(
  browser: Browser,
  url: string,
  action: (page: Page) => Promise<void>,
): Promise<void> {
  const page = await browser.newPage();
  const thrown: Error[] = [];
  page.on("pageerror", (error) => thrown.push(error));
  try {
    await page.goto(url);
    await action(page);
    if (thrown.length > 0) throw new AggregateError(thrown, `the page threw: ${thrown.join("; ")}`);
  } finally {
    await page.close();
  }
}
