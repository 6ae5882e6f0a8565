/** The schema of what replies tell caches, and what they tell where nothing is said. */
import type * as z from "zod";
import { list, section, text } from "./fields.ts";
import { nearestName, parseHeaderName } from "./names.ts";
import { complain, type Reading, show } from "./reading.ts";

/** What replies to GET and HEAD tell caches. */
export interface CacheOptions {
  /** `Cache-Control` of replies that succeed and bring none from the upstream; "" is none. */
  readonly control: string;
  /** Likewise of errors. */
  readonly errors: string;
  /** Request headers that replies depend on; lower-case, or `*`. */
  readonly vary: readonly string[];
}

/** One level of the cascade. */
export type CacheOptionsPatch = { readonly [K in keyof CacheOptions]?: CacheOptions[K] | undefined };

/** The built-in values, which are also what would stand in the file. */
export const BUILT_IN_CACHE: CacheOptions = { control: "", errors: "", vary: [] };

/** The section `cache` of route options. */
export function cacheSection(): z.ZodType<CacheOptionsPatch> {
  return section("What replies to GET and HEAD tell caches.", {
    control: text(
      "Cache-Control or empty",
      "`Cache-Control` of replies that succeed, unless the upstream sends its own: `public, max-age=60`.",
      parseCacheControl,
    ).optional(),
    errors: text(
      "Cache-Control or empty",
      "`Cache-Control` of errors, unless the upstream sends its own: `no-store`.",
      parseCacheControl,
    ).optional(),
    vary: list(
      "Request headers that replies depend on, added to `Vary`; `*` for more than headers.",
      text("header name or *", "One header.", (value) =>
        value === "*" ? { value } : parseHeaderName(value),
      ),
    ).optional(),
  });
}

/** Directives of RFC 9111, 5861 and 8246; true where they take seconds. */
const DIRECTIVES: Readonly<Record<string, boolean>> = {
  immutable: false,
  "max-age": true,
  "must-revalidate": false,
  "must-understand": false,
  "no-cache": false,
  "no-store": false,
  "no-transform": false,
  private: false,
  "proxy-revalidate": false,
  public: false,
  "s-maxage": true,
  "stale-if-error": true,
  "stale-while-revalidate": true,
};

/** Reads the value of `Cache-Control`. Extensions may have any name that is not one misspelt. Source: RFC 9111, 5.2. */
export function parseCacheControl(value: unknown): Reading<string> {
  const usual = "write directives such as public, max-age=60";
  if (typeof value !== "string") return complain(`${show(value)} is not text`, "put the value in quotes");
  if (value === "") return { value };
  if (value.length > 1024) return complain(`${show(value)} is too long`, "at most 1024 characters");
  if (/[^ -~]/.test(value)) {
    return complain(`${show(value)} holds a character that is not printable ASCII`, "remove it");
  }
  // Commas inside of quotes belong to a list of field names.
  for (const part of value.split(/,(?=(?:[^"]*"[^"]*")*[^"]*$)/)) {
    const match = /^([A-Za-z0-9-]+)(?:=([A-Za-z0-9._-]+|"[A-Za-z0-9 ,_-]*"))?$/.exec(part.trim());
    const [, name, argument] = match ?? [];
    if (name === undefined) return complain(`${show(part.trim())} is not a directive`, usual);
    const directive = name.toLowerCase();
    const takesSeconds = DIRECTIVES[directive];
    if (takesSeconds === true && !/^\d{1,10}$/.test(argument ?? "")) {
      return complain(`${show(part.trim())} gives no number of seconds`, `write ${directive}=60`);
    }
    const near = takesSeconds === undefined ? nearestName(directive, Object.keys(DIRECTIVES)) : undefined;
    if (near !== undefined) return complain(`${show(name)} is no directive`, `did you mean ${near}?`);
  }
  return { value };
}
