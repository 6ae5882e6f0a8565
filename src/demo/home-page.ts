/**
 * The page for people, home-page.html beside this file: what it may do is written into its headers.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Metadata } from "@grpc/grpc-js";

/**
 * The page as an HttpBody. `headers` get its Content-Security-Policy, which lets the page's own script and style run
 * and nothing else, and lets it talk to its own origin alone.
 * Source: https://www.w3.org/TR/CSP3/, sections 2.3.1 (hash sources) and 6.
 */
export async function homePage(
  headers: Metadata,
): Promise<{ readonly contentType: string; readonly data: Uint8Array }> {
  const html = await readFile(new URL("./home-page.html", import.meta.url), "utf8");
  const policy = [
    "default-src 'none'",
    `script-src ${hashSource(html, "script")}`,
    `style-src ${hashSource(html, "style")}`,
    "connect-src 'self'",
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  headers.set("content-security-policy", policy.join("; "));
  headers.set("referrer-policy", "no-referrer");
  headers.set("x-content-type-options", "nosniff");
  headers.set("cache-control", "no-cache");
  return { contentType: "text/html; charset=utf-8", data: Buffer.from(html) };
}

/** The content of the one `element` of the page, as what a policy allows. */
function hashSource(html: string, element: "script" | "style"): string {
  const [, content = ""] = new RegExp(`<${element}>(.*?)</${element}>`, "s").exec(html) ?? [];
  return `'sha256-${createHash("sha256").update(content).digest("base64")}'`;
}
