/** The schema of everything in the config that names headers: the header rules of routes, and CORS. */
import type * as z from "zod";
import { duration, type Fail, flag, list, section, table, text } from "./fields.ts";
import { FRAMING, metadataValues, responseValues } from "./fixed-headers.ts";
import { parseHeaderName, parseHeaderPattern, parseMetadataName } from "./names.ts";
import { complain, type Reading, show } from "./reading.ts";
import type { CorsConfig, HeaderRules, Patch } from "./types.ts";

/** The keys of one level of header rules; all may be absent. */
type HeaderRulesPatch = { readonly [K in keyof HeaderRules]?: HeaderRules[K] | undefined };

/** Rules from HTTP headers to metadata. */
export function requestHeaderRules(): z.ZodType<HeaderRulesPatch> {
  return section("Which request headers become gRPC metadata.", {
    allow: patterns("Headers that pass: names, names ending in `*`, or `*`."),
    deny: patterns("Headers that do not pass; wins over `allow`."),
    rename: renames("Metadata name by header name.", parseHeaderName, parseMetadataName),
    prefix: prefix("Taken off header names that start with it, as grpc-gateway does with `Grpc-Metadata-`."),
    set: metadataValues(),
  });
}

/** Rules from metadata to HTTP headers. */
export function responseHeaderRules(): z.ZodType<HeaderRulesPatch> {
  return section("Which reply metadata become response headers.", {
    allow: patterns("Metadata that pass: names, names ending in `*`, or `*`."),
    deny: patterns("Metadata that do not pass; wins over `allow`."),
    rename: renames("Header name by metadata name.", parseMetadataName, parseHeaderName),
    prefix: prefix("Put before the names of metadata, as grpc-gateway does with `Grpc-Metadata-`."),
    set: responseValues(),
  });
}

/** CORS of one listener. */
export function corsSection(): z.ZodType<CorsConfig> {
  const { enabled, origins, credentials, exposeHeaders, allowHeaders, maxAge } = corsShape();
  return section(
    "Cross-origin requests from browsers; methods come from the route table.",
    {
      enabled: enabled.prefault(false),
      origins: origins.prefault([]),
      credentials: credentials.prefault(false),
      exposeHeaders: exposeHeaders.prefault([]),
      allowHeaders: allowHeaders.prefault([...DEFAULT_ALLOW_HEADERS]),
      maxAge: maxAge.prefault("10m"),
    },
    checkCors,
  ).transform(({ maxAge, ...rest }) => ({ ...rest, maxAgeMs: maxAge }));
}

/** What a route has in place of its listener's CORS, key by key. */
export function corsPatchSection(): z.ZodType<Patch<CorsConfig>> {
  const { enabled, origins, credentials, exposeHeaders, allowHeaders, maxAge } = corsShape();
  return section(
    "Cross-origin requests from browsers: what differs from the listener's `cors`.",
    {
      enabled: enabled.optional(),
      origins: origins.optional(),
      credentials: credentials.optional(),
      exposeHeaders: exposeHeaders.optional(),
      allowHeaders: allowHeaders.optional(),
      maxAge: maxAge.optional(),
    },
    checkCors,
  ).transform(({ maxAge, ...rest }) => (maxAge === undefined ? rest : { ...rest, maxAgeMs: maxAge }));
}

// The types of the fields are the point of the function; it stays inside the module.
function corsShape() {
  return {
    enabled: flag("Whether preflights are answered and replies marked."),
    origins: list(
      "Origins that are let in: `https://app.example.com`, `https://*.example.com` (subdomains), or `*`.",
      text("origin", "One origin.", parseOrigin),
    ),
    credentials: flag("Whether cookies and HTTP authentication are allowed; not with `*`."),
    exposeHeaders: list(
      "Response headers that scripts may read, besides the safelisted ones.",
      text("header name", "One header.", parseHeaderName),
    ),
    allowHeaders: list(
      "Request headers that scripts may send; `*` allows whatever a preflight asks for.",
      text("header name or *", "One header.", parseAllowedHeader),
    ),
    maxAge: duration("How long browsers may remember a preflight.", { max: "24h" }),
  };
}

/**
 * What JSON clients send. A list rather than an echo of what is asked for, since every header that passes here becomes
 * metadata, and upstreams may trust some of them.
 */
const DEFAULT_ALLOW_HEADERS = [
  "authorization",
  "content-type",
  "grpc-timeout",
  "traceparent",
  "tracestate",
  "x-request-id",
  "x-server-timeout",
];

function checkCors(value: Readonly<Record<string, unknown>>, fail: Fail): void {
  const origins = Array.isArray(value.origins) ? value.origins : undefined;
  if (value.enabled === true && origins?.length === 0) {
    fail("CORS is enabled, but no origin is let in", 'list them under origins, or write ["*"]', "origins");
  }
  if (value.credentials === true && origins?.includes("*") === true) {
    const hint = "name the origins, or set credentials: false";
    fail("the origin * cannot be combined with credentials", hint, "credentials");
  }
}

/** Reads an origin as browsers write it, or a pattern of them. Source: RFC 6454 section 6.2. */
export function parseOrigin(value: unknown): Reading<string> {
  const usual = "write scheme://host or scheme://host:port: https://app.example.com";
  if (value === "*") return { value };
  if (typeof value !== "string") return complain(`${show(value)} is not an origin`, usual);
  const match =
    /^([a-z][a-z0-9+.-]*):\/\/((?:\*\.)?(?:[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\]))(?::(\d{1,5}))?$/.exec(
      value,
    );
  if (match !== null) {
    const [, scheme, , port] = match;
    const isDefault = (scheme === "https" && port === "443") || (scheme === "http" && port === "80");
    if (!isDefault) return { value };
    return complain(`${show(value)} never occurs`, "leave the default port away, as browsers do");
  }
  if (/[A-Z]/.test(value)) return complain(`${show(value)} is not an origin`, "browsers send lower case");
  if (/^[a-z]+:\/\/[^/]+\/.*$/.test(value)) {
    return complain(`${show(value)} is not an origin`, "leave the path and its slash away");
  }
  return complain(`${show(value)} is not an origin`, usual);
}

function parseAllowedHeader(value: unknown): Reading<string> {
  return value === "*" ? { value } : parseHeaderName(value);
}

function patterns(description: string): z.ZodOptional<z.ZodType<readonly string[]>> {
  return list(description, text("header name or pattern", "One name.", parseHeaderPattern)).optional();
}

function renames(
  description: string,
  parseFrom: (value: unknown) => Reading<string>,
  parseTo: (value: unknown) => Reading<string>,
): z.ZodOptional<z.ZodType<Readonly<Record<string, string>>>> {
  const to = text("name", "The new name.", (value) => {
    const reading = parseTo(value);
    if (reading.complaint !== undefined || !FRAMING.has(reading.value)) return reading;
    return complain(`${show(value)} is the gateway's own`, "choose another name");
  });
  return table(description, {}, to, parseFrom)
    .superRefine((entries, context) => {
      const seen = new Map<string, string>();
      for (const key of Object.keys(entries)) {
        const twin = seen.get(key.toLowerCase());
        seen.set(key.toLowerCase(), key);
        if (twin === undefined) continue;
        const message = `${show(key)} and ${show(twin)} are one name`;
        context.addIssue({ code: "custom", message, params: { hint: "remove one", at: "key" }, path: [key] });
      }
    })
    .transform((entries) =>
      Object.fromEntries(Object.entries(entries).map(([from, name]) => [from.toLowerCase(), name])),
    )
    .optional();
}

function prefix(description: string): z.ZodOptional<z.ZodType<string>> {
  const read = (value: unknown): Reading<string> => (value === "" ? { value } : parseHeaderName(value));
  return text("text", description, read).optional();
}
