/** The schema of the access log. */
import type * as z from "zod";
import {
  ACCESS_FIELDS,
  DEFAULT_ACCESS_FIELDS,
  isAccessField,
  parseAccessTemplate,
} from "../telemetry/index.ts";
import { flag, list, parsePlainText, section, share, size, text } from "./fields.ts";
import { filePath } from "./file-path.ts";
import { nearestName, parseHeaderPattern } from "./names.ts";
import { complain, type Reading, show } from "./reading.ts";
import type { FilePath } from "./types.ts";

/** The access log. */
export interface AccessLogConfig {
  readonly enabled: boolean;
  /** `json`, or a template that `parseAccessTemplate` reads. */
  readonly format: string;
  /** Of a line of JSON, in order. */
  readonly fields: readonly string[];
  readonly sampling: {
    /** 0 to 1. */
    readonly ratio: number;
    readonly alwaysErrors: boolean;
  };
  /** Names, or names ending in `*`, whose values are not written; lower-case. */
  readonly redact: { readonly query: readonly string[]; readonly headers: readonly string[] };
  /** Undefined is standard output. */
  readonly file: FilePath | undefined;
  /** Lines that wait for the destination; further ones are dropped. */
  readonly bufferBytes: number;
}

/** Where keys, passwords and signatures usually stand. */
const SECRET_PARAMETERS = [
  "access_token",
  "api_key",
  "apikey",
  "auth",
  "awsaccesskeyid",
  "code",
  "id_token",
  "key",
  "passw*",
  "refresh_token",
  "secret",
  "sig",
  "signature",
  "token",
  "x-amz-*",
  "x-goog-*",
];
const SECRET_HEADERS = ["authorization", "cookie", "proxy-authorization", "x-api-key", "x-goog-*"];

/** The section `accessLog`; relative paths are taken from `directory`. */
export function accessLogSection(directory: string): z.ZodType<AccessLogConfig> {
  return section("One line for each request, whatever `log.level` is.", {
    enabled: flag("Whether it is written.").prefault(true),
    format: text(
      "json or template",
      "`json`, or a template of the fields below, and `time`: `{method} {path} {status} {durationMs}ms`.",
      parseFormat,
    ).prefault("json"),
    fields: list(
      "What a line of JSON holds: these, `query`, and `header.NAME` for a field of the request.",
      text("field", "One field.", parseField),
      { least: "name one: fields: [method, path, status]" },
    ).prefault([...DEFAULT_ACCESS_FIELDS]),
    sampling: section("Which requests have a line.", {
      ratio: share("The share of requests.").prefault(1),
      alwaysErrors: flag("Whether requests that fail have a line in any case.").prefault(true),
    }).prefault({}),
    redact: section("Names whose values are written as `[redacted]`; a `*` may stand at the end.", {
      query: list(
        "Query parameters, also as a part of a longer name.",
        text("name or pattern", "One name.", parseHeaderPattern),
      ).prefault(SECRET_PARAMETERS),
      headers: list("Header fields.", text("name or pattern", "One name.", parseHeaderPattern)).prefault(
        SECRET_HEADERS,
      ),
    }).prefault({}),
    file: filePath(directory, "A file to append to, instead of standard output.").optional(),
    bufferBytes: size(
      "Lines that wait while the destination is slow; further ones are dropped, and counted, so that requests never wait.",
      { min: "16KiB", max: "256MiB" },
    ).prefault("1MiB"),
  }).transform(({ file, ...rest }) => ({ ...rest, file }));
}

function parseFormat(value: unknown): Reading<string> {
  const plain = parsePlainText(value);
  if (plain.complaint !== undefined || plain.value === "json") return plain;
  const { fault } = parseAccessTemplate(plain.value);
  return fault === undefined ? plain : complain(`${show(value)} is no format: ${fault.what}`, fault.hint);
}

function parseField(value: unknown): Reading<string> {
  const name = typeof value === "string" ? value : "";
  if (isAccessField(name)) return { value: name };
  const near = nearestName(name, ACCESS_FIELDS);
  const hint =
    near === undefined ? `fields: ${ACCESS_FIELDS.join(", ")}, header.NAME` : `did you mean ${near}?`;
  return complain(`${show(value)} is not a field`, hint);
}
