/**
 * The page for people, home-page.html beside this file: what it may do is written into its headers.
 */
import { readFile } from "node:fs/promises";
import type { Metadata } from "@grpc/grpc-js";
import { htmlPageFields } from "../http/index.ts";

/** The page as an HttpBody; `headers` get the fields that say what it may do. */
export async function homePage(
  headers: Metadata,
): Promise<{ readonly contentType: string; readonly data: Uint8Array }> {
  const html = await readFile(new URL("./home-page.html", import.meta.url), "utf8");
  const fields = htmlPageFields(html);
  for (let i = 0; i < fields.length; i += 2) headers.set(fields[i] ?? "", fields[i + 1] ?? "");
  return { contentType: "text/html; charset=utf-8", data: Buffer.from(html) };
}
