/** What the gateway adds to the calls of an upstream: `authority`, `metadata`, `requestCompression`. */
import type * as z from "zod";
import { choice, table, text } from "./fields.ts";
import { parseMetadataName } from "./names.ts";
import { complain, type Reading, show } from "./reading.ts";

/** As much as servers are sure to take beside a call's own metadata. */
const MAX_METADATA_BYTES = 4096;

/** Names that the client writes itself, besides those that begin with `grpc-`. */
const TRANSPORT_NAMES: readonly string[] = [
  "accept-encoding",
  "connection",
  "content-length",
  "content-type",
  "expect",
  "host",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "user-agent",
];

/** The `:authority` of calls. */
export function authorityField(): z.ZodType<string> {
  return text(
    "host or host:port",
    "The `:authority` of calls; `tls.serverName`, or else the address, otherwise.",
    (value): Reading<string> => {
      if (typeof value === "string" && isAuthority(value)) return { value };
      return complain(
        `${show(value)} is not an authority`,
        "write a host such as api.example.com, or host:port",
      );
    },
  );
}

/** Metadata of every call, as a flat list of names and values. */
export function metadataTable(): z.ZodType<readonly string[]> {
  return table(
    "Metadata of every call, by name; a request's own of the same name is left out. Values of `-bin` names are base64.",
    { pattern: "^[0-9a-z_.-]+$" },
    text("text", "Printable ASCII, or base64 under a name that ends in `-bin`.", parseMetadataValue),
    parseName,
  ).transform((values, context) => {
    const list: string[] = [];
    let bytes = 0;
    for (const [name, value] of Object.entries(values)) {
      const complaint = name.endsWith("-bin") && !isBase64(value) ? NOT_BASE64 : undefined;
      if (complaint !== undefined) raise(context, complaint.what, complaint.hint, [name]);
      bytes += name.length + value.length;
      list.push(name, value);
    }
    if (bytes > MAX_METADATA_BYTES) {
      raise(context, `has ${bytes} bytes of names and values`, `at most ${MAX_METADATA_BYTES}`, []);
    }
    return list;
  });
}

/** Whether request messages are compressed. */
export function requestCompressionField(): z.ZodType<"none" | "gzip"> {
  return choice("What request messages of 1 KiB and more are compressed with.", ["none", "gzip"]);
}

/** Values may be secrets, so no complaint shows one. */
const NOT_BASE64 = { what: "is not base64", hint: "encode the bytes: printf ... | base64" };

function raise(context: z.core.$RefinementCtx, what: string, hint: string, path: string[]): void {
  context.addIssue({ code: "custom", message: what, params: { hint }, path });
}

function parseName(name: string): Reading<string> {
  const reading = parseMetadataName(name);
  if (reading.complaint !== undefined) return reading;
  if (reading.value !== name) return complain(`${show(name)} has capitals`, `write ${reading.value}`);
  if (!TRANSPORT_NAMES.includes(name)) return reading;
  const hint = name === "host" ? "use authority" : "the client writes this one itself";
  return complain(`${show(name)} cannot be set`, hint);
}

/** Reads a value of metadata. No complaint shows it: it may be a secret. */
export function parseMetadataValue(value: unknown): Reading<string> {
  if (typeof value !== "string") return complain("is not text", "put the value in quotes");
  if (value.length > MAX_METADATA_BYTES)
    return complain("is too long", `at most ${MAX_METADATA_BYTES} characters`);
  if (value !== value.trim()) return complain("begins or ends with a blank", "remove it");
  for (let i = 0; i < value.length; i++) {
    const unit = value.charCodeAt(i);
    if (unit >= 0x20 && unit <= 0x7e) continue;
    return complain(
      `holds a character that is not printable ASCII, the ${i + 1}th`,
      "send it as a -bin name",
    );
  }
  return { value };
}

const AUTHORITY = /^(?:\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9][A-Za-z0-9._-]{0,252})(?::(\d{1,5}))?$/;

function isAuthority(value: string): boolean {
  const match = AUTHORITY.exec(value);
  return match !== null && Number(match[1] ?? 0) <= 65_535;
}

/** Either alphabet, padded or not, perhaps several values joined by commas. */
export function isBase64(value: string): boolean {
  return value.split(",").every((part) => {
    const digits = part.trim().replace(/={1,2}$/, "");
    return digits.length % 4 !== 1 && /^[A-Za-z0-9+/_-]*$/.test(digits);
  });
}
