/** The page for people, overview.html beside this file. It shows what the other pages say. */
import { readFileSync } from "node:fs";
import { htmlPageFields } from "../http/index.ts";
import type { AdminPage } from "./page.ts";

/** `/`: the page itself, read once. */
export function overviewPage(): AdminPage {
  const html = readFileSync(new URL("./overview.html", import.meta.url), "utf8");
  const headers = htmlPageFields(html);
  return {
    method: "GET",
    path: "/",
    title: "all of this for a person with a browser",
    answer: () => ({ status: 200, contentType: "text/html; charset=utf-8", body: html, headers }),
  };
}
