/**
 * What an HTML page of our own may do: its fields let its own script and style run and nothing else, and let it talk to its
 * own origin alone.
 * Source: https://www.w3.org/TR/CSP3/, sections 2.3.1 (hash sources) and 6.
 */
import { createHash } from "node:crypto";
import type { HeaderList } from "./header-list.ts";

/** The fields for a page that has one `<script>` and one `<style>`, both without attributes. */
export function htmlPageFields(html: string): HeaderList {
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
  return [
    "content-security-policy",
    policy.join("; "),
    "referrer-policy",
    "no-referrer",
    "x-content-type-options",
    "nosniff",
    "cache-control",
    "no-cache",
  ];
}

/** The content of the one `element` of the page, as what a policy allows. */
function hashSource(html: string, element: "script" | "style"): string {
  const [, content = ""] = new RegExp(`<${element}>(.*?)</${element}>`, "s").exec(html) ?? [];
  return `'sha256-${createHash("sha256").update(content).digest("base64")}'`;
}
