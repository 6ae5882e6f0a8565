/**
 * The options that every route has: their schema, their built-in values, and the cascade
 * built-in < `defaults` < upstream < matching `routes` of the file < matching `routes` of the upstream, in order.
 */
import type * as z from "zod";
import { Code, type CodeName, type HttpStatusOverrides } from "../status/index.ts";
import { BUILT_IN_CACHE, cacheSection } from "./cache-options.ts";
import {
  BUILT_IN_COMPRESSION,
  COMPRESSION_TEXT,
  compressionSection,
  overlayCompression,
} from "./compression-options.ts";
import {
  choice,
  durationOrNone,
  type Fail,
  flag,
  integer,
  list,
  section,
  size,
  table,
  text,
} from "./fields.ts";
import { corsPatchSection, requestHeaderRules, responseHeaderRules } from "./header-options.ts";
import { nearestName } from "./names.ts";
import { complain, type Reading, show } from "./reading.ts";
import { hedgingSection, retrySection } from "./retry-options.ts";
import { BUILT_IN_STREAM, overlayStream, STREAM_TEXT, streamSection } from "./stream-options.ts";
import type { RouteOptions, RouteOptionsPatch } from "./types.ts";

/** The built-in values as they would stand in the file; the JSON Schema and the documentation show these. */
export const BUILT_IN_TEXT: Readonly<Record<string, unknown>> = {
  deadline: "30s",
  idleTimeout: "5m",
  maxRequestBodyBytes: "4MiB",
  uploadChunkBytes: "1MiB",
  unknownFields: "reject",
  ignoredQueryParameters: [],
  reservedExpansion: "all-except-slash",
  json: {
    emitDefaults: true,
    enumsAsNumbers: false,
    int64: "string",
    protoFieldNames: false,
    pretty: false,
    prettyPrintParameter: false,
    maxDepth: 100,
  },
  requestHeaders: { allow: ["*"], deny: [], rename: {}, prefix: "", set: {} },
  responseHeaders: { allow: ["*"], deny: [], rename: {}, prefix: "", set: {} },
  cors: {},
  cache: BUILT_IN_CACHE,
  errors: { format: "google", statusByCode: {} },
  retry: { attempts: 3, statuses: ["UNAVAILABLE"], initialBackoff: "25ms", maxBackoff: "1s" },
  hedging: { attempts: 1, delay: "50ms" },
  stream: STREAM_TEXT,
  etag: "none",
  compression: COMPRESSION_TEXT,
};

/** The built-in values: what a route has that nothing in the file speaks of. A test holds them equal to the text. */
export const BUILT_IN_ROUTE_OPTIONS: RouteOptions = {
  deadlineMs: 30_000,
  idleTimeoutMs: 300_000,
  maxRequestBodyBytes: 4 * 2 ** 20,
  uploadChunkBytes: 2 ** 20,
  unknownFields: "reject",
  ignoredQueryParameters: [],
  reservedExpansion: "all-except-slash",
  json: {
    emitDefaults: true,
    enumsAsNumbers: false,
    int64: "string",
    protoFieldNames: false,
    pretty: false,
    prettyPrintParameter: false,
    maxDepth: 100,
  },
  requestHeaders: { allow: ["*"], deny: [], rename: {}, prefix: "", set: {} },
  responseHeaders: { allow: ["*"], deny: [], rename: {}, prefix: "", set: {} },
  cors: {},
  cache: BUILT_IN_CACHE,
  errors: { format: "google", statusByCode: {} },
  retry: { attempts: 3, statuses: [Code.UNAVAILABLE], initialBackoffMs: 25, maxBackoffMs: 1000 },
  hedging: { attempts: 1, delayMs: 50 },
  stream: BUILT_IN_STREAM,
  etag: "none",
  compression: BUILT_IN_COMPRESSION,
};

/**
 * Completes the options of one route. Later patches win; nested objects (`json`, `errors.statusByCode`,
 * `requestHeaders.rename`, …) merge by key, lists replace each other.
 */
export function resolveRouteOptions(...patches: readonly RouteOptionsPatch[]): RouteOptions {
  let options = BUILT_IN_ROUTE_OPTIONS;
  for (const patch of patches) {
    const { json, requestHeaders, responseHeaders, cors, cache, errors } = options;
    const { retry, hedging, stream, compression } = options;
    const headers = { requestHeaders, responseHeaders, cors, cache, compression };
    const nested = { json, ...headers, errors, retry, hedging, stream };
    options = {
      ...overlay(options, { ...patch, ...nested }),
      json: overlay(json, patch.json),
      requestHeaders: {
        ...overlay(requestHeaders, patch.requestHeaders),
        rename: { ...requestHeaders.rename, ...patch.requestHeaders?.rename },
        set: { ...requestHeaders.set, ...patch.requestHeaders?.set },
      },
      responseHeaders: {
        ...overlay(responseHeaders, patch.responseHeaders),
        rename: { ...responseHeaders.rename, ...patch.responseHeaders?.rename },
        set: { ...responseHeaders.set, ...patch.responseHeaders?.set },
      },
      cors: overlay(cors, patch.cors),
      cache: overlay(cache, patch.cache),
      errors: {
        ...overlay(errors, patch.errors),
        statusByCode: { ...errors.statusByCode, ...patch.errors?.statusByCode },
      },
      retry: overlay(retry, patch.retry),
      hedging: overlay(hedging, patch.hedging),
      stream: overlayStream(stream, patch.stream),
      compression: overlayCompression(compression, patch.compression),
    };
  }
  return options;
}

/** A section of route options alone. */
export function routeOptionsSection(description: string): z.ZodType<RouteOptionsPatch> {
  return section(description, shapeOfOptions()).transform(toPatch);
}

/** A section with keys of its own and, beside them, every route option, which come out as `options`. */
export function sectionWithRouteOptions<const S extends z.ZodRawShape>(
  description: string,
  shape: S,
  check?: (value: Readonly<Record<string, unknown>>, fail: Fail) => void,
): z.ZodType<z.output<z.ZodObject<S>> & { readonly options: RouteOptionsPatch }> {
  const options = shapeOfOptions();
  return section(description, { ...shape, ...options }, check).transform((value) => ({
    // The spread shape holds S, which TypeScript cannot see through the generic; `options` is no key of either.
    ...(value as unknown as z.output<z.ZodObject<S>>),
    options: toPatch(value as unknown as OptionTexts),
  }));
}

type OptionTexts = z.output<z.ZodObject<ReturnType<typeof shapeOfOptions>>>;

function toPatch(value: OptionTexts): RouteOptionsPatch {
  const patch: RouteOptionsPatch = {
    deadlineMs: value.deadline,
    idleTimeoutMs: value.idleTimeout,
    maxRequestBodyBytes: value.maxRequestBodyBytes,
    uploadChunkBytes: value.uploadChunkBytes,
    unknownFields: value.unknownFields,
    ignoredQueryParameters: value.ignoredQueryParameters,
    reservedExpansion: value.reservedExpansion,
    json: value.json,
    requestHeaders: value.requestHeaders,
    responseHeaders: value.responseHeaders,
    cors: value.cors,
    cache: value.cache,
    errors: value.errors,
    retry: value.retry,
    hedging: value.hedging,
    stream: value.stream,
    etag: value.etag,
    compression: value.compression,
  };
  return overlay({}, patch);
}

/** `base` with what `patch` sets. */
function overlay<T extends object>(
  base: T,
  patch: { readonly [K in keyof T]?: T[K] | undefined } | undefined,
): T {
  const set = Object.entries(patch ?? {}).filter(([, value]) => value !== undefined);
  // The entries are keys of T with values of T, without the undefined ones.
  return { ...base, ...(Object.fromEntries(set) as Partial<T>) };
}

// The types of the fields are the point of the function; it stays inside the module.
function shapeOfOptions() {
  return {
    deadline: durationOrNone(
      "Upper limit of a unary call; a client may ask for less (`grpc-timeout`, `X-Server-Timeout`). `0s` is none.",
    ).optional(),
    idleTimeout: durationOrNone("Longest silence on a stream before it is ended. `0s` is none.").optional(),
    maxRequestBodyBytes: size(
      "Longest request body; a longer one is answered 413. Where a request is a stream of messages, the longest message.",
    ).optional(),
    uploadChunkBytes: size(
      "What an upload to a stream of `google.api.HttpBody` is cut into; the upstream must accept messages of this size.",
      { min: "1KiB", max: "64MiB" },
    ).optional(),
    unknownFields: choice(
      "JSON fields and query parameters that the request message does not have: refuse with 400, serve and drop, or serve and name them in a response header and a metric.",
      ["reject", "ignore", "report"],
    ).optional(),
    ignoredQueryParameters: list(
      "Query parameters that never bind and never count as unknown; `*` may stand at the end (`utm_*`).",
      text("name or pattern", "One name.", parseParameterPattern),
    ).optional(),
    reservedExpansion: choice(
      "What path variables of several segments keep percent-encoded: `%2F` alone, or all reserved characters of RFC 6570.",
      ["all-except-slash", "keep-reserved"],
    ).optional(),
    json: section("JSON in and out.", {
      emitDefaults: flag(
        "Whether scalars without presence, lists and maps appear even when empty.",
      ).optional(),
      enumsAsNumbers: flag("Whether enum values go out as numbers.").optional(),
      int64: choice("64-bit integers go out as strings, or as numbers where a double is exact.", [
        "string",
        "number-if-safe",
      ]).optional(),
      protoFieldNames: flag(
        "Whether names go out as in the proto file instead of lowerCamelCase.",
      ).optional(),
      pretty: flag("Whether replies are indented.").optional(),
      prettyPrintParameter: flag(
        "Whether `?prettyPrint=true` is understood; it is an ordinary parameter otherwise.",
      ).optional(),
      maxDepth: integer("Deepest nesting of JSON and messages.", 1, 1000).optional(),
    }).optional(),
    requestHeaders: requestHeaderRules().optional(),
    responseHeaders: responseHeaderRules().optional(),
    cors: corsPatchSection().optional(),
    cache: cacheSection().optional(),
    errors: section("How errors look.", {
      format: choice("`google.rpc.Status` as JSON, RFC 9457 problem details, or Kratos' form.", [
        "google",
        "problem",
        "kratos",
      ]).optional(),
      statusByCode: statusTable().optional(),
    }).optional(),
    retry: retrySection().optional(),
    hedging: hedgingSection().optional(),
    stream: streamSection().optional(),
    etag: choice(
      "Whether replies to GET carry an `ETag` made from their bytes, and `If-None-Match` is answered: no, as a weak tag (which proxies that compress let pass), or as a strong one.",
      ["none", "weak", "strong"],
    ).optional(),
    compression: compressionSection().optional(),
  };
}

function statusTable(): z.ZodType<HttpStatusOverrides> {
  const names = Object.keys(Code).filter((name) => name !== "OK");
  const check = (key: string): Reading<unknown> => {
    if (names.includes(key)) return { value: key };
    if (key === "OK") return complain("OK is no error", "remove it: its status is 200");
    const near = nearestName(key, names);
    const hint = near === undefined ? "write a name such as FAILED_PRECONDITION" : `did you mean ${near}?`;
    return complain(`${show(key)} is not a gRPC code`, hint);
  };
  const status = integer("The HTTP status.", 400, 599);
  return table(
    "HTTP status by gRPC code, in place of the usual one.",
    { enum: names },
    status,
    check,
  ).transform((entries) => {
    const byCode: Partial<Record<Code, number>> = {};
    for (const [name, value] of Object.entries(entries)) {
      // Checked above; refused names never get here.
      byCode[Code[name as CodeName]] = value;
    }
    return byCode;
  });
}

function parseParameterPattern(value: unknown): Reading<string> {
  const hint = "write a name such as utm_source; a * may stand at the end";
  if (typeof value !== "string" || value === "" || value.length > 256) {
    return complain(`${show(value)} is not a parameter name`, hint);
  }
  if (value.slice(0, -1).includes("*")) return complain(`${show(value)} has a * in the middle`, hint);
  return { value };
}
