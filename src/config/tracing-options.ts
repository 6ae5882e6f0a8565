/** The schema of tracing: W3C trace context, and spans to a collector over OTLP/HTTP. */
import type * as z from "zod";
import {
  choice,
  duration,
  flag,
  parsePlainText,
  scalar,
  section,
  share,
  size,
  table,
  text,
} from "./fields.ts";
import { parseHeaderName } from "./names.ts";
import { complain, type Reading, show } from "./reading.ts";

/** Tracing of requests. */
export interface TracingConfig {
  readonly enabled: boolean;
  readonly exporter: {
    /** An `http:` or `https:` URL, whole. */
    readonly endpoint: string;
    /** Names (lower-case) and values, flat. They may hold secrets. */
    readonly headers: readonly string[];
    /** For one request to the collector. */
    readonly timeoutMs: number;
    /** How long spans are gathered before they are sent. */
    readonly intervalMs: number;
    /** Encoded spans that are kept; further ones are dropped. */
    readonly queueBytes: number;
  };
  readonly sampling: {
    /** 0 to 1. */
    readonly ratio: number;
    readonly parent: "respect" | "ignore";
  };
  readonly serviceName: string;
  /** Of the resource: names and values, flat. */
  readonly attributes: readonly (string | number | boolean)[];
}

/** The section `tracing`. */
export function tracingSection(): z.ZodType<TracingConfig> {
  return section("W3C trace context, and spans of requests to an OpenTelemetry collector.", {
    enabled: flag(
      "Whether requests are traced. Without it, `traceparent` of clients goes upstream as any other header.",
    ).prefault(false),
    exporter: exporterSection().prefault({}),
    sampling: section("Which traces are recorded.", {
      ratio: share("The share of traces that is recorded.").prefault(1),
      parent: choice(
        "Whether a caller's decision stands and `ratio` is for traces that begin here, or `ratio` is for all.",
        ["respect", "ignore"],
      ).prefault("respect"),
    }).prefault({}),
    serviceName: text("text", "`service.name` of the spans.", parsePlainText).prefault("sluice"),
    attributes: table(
      "Further attributes of the process, such as `deployment.environment.name`.",
      { pattern: ATTRIBUTE_NAME.source },
      attributeValue(),
      parseAttributeName,
    ).prefault({}),
  }).transform(({ attributes, ...rest }) => ({ ...rest, attributes: Object.entries(attributes).flat() }));
}

function exporterSection(): z.ZodType<TracingConfig["exporter"]> {
  return section("The collector, by OTLP over HTTP in protobuf.", {
    endpoint: text(
      "URL",
      "Where spans are sent. A URL without a path gets `/v1/traces`.",
      parseEndpoint,
    ).prefault("http://127.0.0.1:4318/v1/traces"),
    headers: table(
      "Header fields of each request, such as a key: take it from the environment.",
      {},
      text("text", "The value.", parsePlainText),
      parseFreeHeaderName,
    ).prefault({}),
    timeout: duration("How long one request may take, and the last ones when the gateway ends.", {
      min: "10ms",
      max: "5m",
    }).prefault("10s"),
    interval: duration("How long spans are gathered before they are sent.", {
      min: "10ms",
      max: "5m",
    }).prefault("5s"),
    queueBytes: size("Spans that wait to be sent; further ones are dropped, and counted.", {
      min: "64KiB",
      max: "256MiB",
    }).prefault("4MiB"),
  }).transform(({ endpoint, headers, timeout, interval, queueBytes }) => ({
    endpoint,
    headers: Object.entries(headers).flatMap(([name, value]) => [name.toLowerCase(), value]),
    timeoutMs: timeout,
    intervalMs: interval,
    queueBytes,
  }));
}

const ATTRIBUTE_NAME = /^[a-z][a-z0-9_]*(?:\.[a-z0-9_-]+)*$/;

function parseAttributeName(name: string): Reading<unknown> {
  if (name.length <= 128 && ATTRIBUTE_NAME.test(name)) return { value: name };
  return complain(
    `${show(name)} is not the name of an attribute`,
    "write lower-case words with dots: cloud.region",
  );
}

function attributeValue(): z.ZodType<string | number | boolean> {
  const json = { type: ["string", "number", "boolean"] };
  return scalar(
    "text, number or boolean",
    "The value.",
    json,
    (value): Reading<string | number | boolean> => {
      if (typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value)))
        return { value };
      return parsePlainText(value);
    },
  );
}

/** The names that the exporter writes itself. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  "connection",
  "content-encoding",
  "content-length",
  "content-type",
  "expect",
  "host",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

function parseFreeHeaderName(name: string): Reading<unknown> {
  const reading = parseHeaderName(name);
  if (reading.complaint !== undefined || !OWN_HEADERS.has(reading.value)) return reading;
  return complain(`${show(name)} is written by the exporter`, "remove it");
}

/** Reads a URL for OTLP/HTTP; a base without a path is completed as the specification has it. */
function parseEndpoint(value: unknown): Reading<string> {
  const usual = "write http://host:4318/v1/traces";
  const url = typeof value === "string" && URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:")) {
    return complain(`${show(value)} is not an HTTP URL`, usual);
  }
  if (url.username !== "" || url.password !== "") {
    // Not shown: it holds a password.
    return complain("holds a user or a password", "put credentials under headers");
  }
  if (url.hash !== "") return complain(`${show(value)} has a fragment`, usual);
  if (url.pathname === "/" && url.search === "") url.pathname = "/v1/traces";
  return { value: url.href };
}
