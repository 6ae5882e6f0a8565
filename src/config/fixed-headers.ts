/** The schema of header fields that the gateway sets by itself: `requestHeaders.set`, `responseHeaders.set`. */
import type * as z from "zod";
import { table, text } from "./fields.ts";
import { parseHeaderName, parseMetadataName } from "./names.ts";
import { complain, type Reading, show } from "./reading.ts";
import { isBase64, parseMetadataValue } from "./upstream-calls.ts";

/** Names that frame messages: to let config produce them would be to let a reply or call be split. */
export const FRAMING: ReadonlySet<string> = new Set([
  "connection",
  "content-encoding",
  "content-length",
  "content-type",
  "host",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** What the gateway itself tells upstreams. */
const OWN_METADATA: readonly string[] = [
  "accept-encoding",
  "expect",
  "forwarded",
  "http2-settings",
  "proxy-authenticate",
  "proxy-authorization",
  "user-agent",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-request-id",
];

/** What the gateway itself tells clients, and the option that has a say in it. */
const OWN_FIELDS: ReadonlyMap<string, string> = new Map([
  ["accept-encoding", "the gateway says itself what it takes"],
  ["accept-ranges", "replies of raw bytes have it"],
  ["allow", "it comes from the route table"],
  ["cache-control", "use cache.control and cache.errors"],
  ["content-range", "replies of raw bytes have it"],
  ["date", "the gateway writes it"],
  ["etag", "use etag"],
  ["proxy-authenticate", "it is for proxies alone"],
  ["retry-after", "it comes from the upstream's RetryInfo"],
  ["sluice-unknown-fields", "use unknownFields: report"],
  ["vary", "use cache.vary"],
  ["x-http-code", "upstreams choose the HTTP status by it"],
  ["x-request-id", "every reply has it"],
]);

/** All values of one table, and one value. */
const MAX_TOTAL_BYTES = 16_384;

type Values = z.ZodOptional<z.ZodType<Readonly<Record<string, string>>>>;

/** Metadata by name, for every call of a route. */
export function metadataValues(): Values {
  const check = (key: string): Reading<unknown> => {
    const reading = parseMetadataName(key);
    if (reading.complaint !== undefined) return reading;
    const { value: name } = reading;
    const isOwn =
      FRAMING.has(name) || OWN_METADATA.includes(name) || /^(?:content|sec-websocket)-/.test(name);
    return isOwn ? complain(`${show(key)} cannot be set`, "the gateway writes this one itself") : reading;
  };
  return valuesBy(
    "Metadata that every call has, in place of what the client sends under the name; empty takes back what `defaults` or the upstream sets.",
    check,
  );
}

/** Response headers by name, for every reply of a route. */
export function responseValues(): Values {
  const check = (key: string): Reading<unknown> => {
    const reading = parseHeaderName(key);
    if (reading.complaint !== undefined) return reading;
    const { value: name } = reading;
    const cors = name.startsWith("access-control-") ? "use cors" : undefined;
    const isOwn = FRAMING.has(name) || /^(?:grpc|sec-websocket)-/.test(name);
    const hint = OWN_FIELDS.get(name) ?? cors ?? (isOwn ? "the gateway writes this one itself" : undefined);
    return hint === undefined ? reading : complain(`${show(key)} cannot be set`, hint);
  };
  return valuesBy(
    "Headers that every reply has, errors too, in place of what the upstream sends under the name; empty takes back what `defaults` or the upstream sets.",
    check,
  );
}

function valuesBy(description: string, check: (key: string) => Reading<unknown>): Values {
  const value = text(
    "text",
    "Printable ASCII, or base64 under a name that ends in `-bin`.",
    parseMetadataValue,
  );
  return table(description, {}, value, check)
    .transform((given, context) => {
      const values = new Map<string, string>();
      let bytes = 0;
      const refuse = (message: string, hint: string, path: readonly string[]): void => {
        context.addIssue({ code: "custom", message, params: { hint }, path: [...path] });
      };
      for (const [key, text] of Object.entries(given)) {
        const name = key.toLowerCase();
        if (values.has(name)) refuse("is there twice, in other letters", "remove one", [key]);
        // Values may be secrets, so no complaint shows one.
        if (name.endsWith("-bin") && !isBase64(text)) {
          refuse("is not base64", "encode the bytes: printf ... | base64", [key]);
        }
        values.set(name, text);
        bytes += name.length + text.length;
      }
      if (bytes > MAX_TOTAL_BYTES) {
        refuse(`has ${bytes} bytes of names and values`, `at most ${MAX_TOTAL_BYTES}`, []);
      }
      return Object.fromEntries(values);
    })
    .optional();
}
