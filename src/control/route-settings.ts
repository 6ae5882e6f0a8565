/** The options of a route after the cascade, as the protocols read them. */
import type { RouteOptions } from "../config/index.ts";
import type { HeaderList } from "../http/index.ts";
import {
  type ContentCodings,
  compileHeaderRules,
  type ErrorRenderer,
  type ErrorSettings,
  type RouteSettings,
  type StreamSettings,
} from "../protocol/index.ts";

/** What the settings of every route share. */
export interface RouteAdapters {
  readonly renderError: ErrorRenderer;
  /** Without them bodies come and go as they are. */
  readonly contentCodings: ContentCodings | undefined;
}

/**
 * The settings of a route for `httpMethod`. What is for caches holds for GET, and so for its HEAD, alone: a rule for any
 * method serves what must not be cached, too.
 */
export function routeSettings(
  httpMethod: string,
  options: RouteOptions,
  stream: StreamSettings,
  { renderError, contentCodings }: RouteAdapters,
): RouteSettings {
  const { cache } = options;
  const codings = contentCodings?.forRoute(options.compression);
  const isCacheable = httpMethod === "GET" || httpMethod === "HEAD";
  const acceptEncoding = codings?.requests.acceptEncoding ?? "identity";
  const errors = { ...errorSettings(options, renderError), acceptEncoding };
  const responseHeaders = compileHeaderRules(options.responseHeaders);
  const vary = isCacheable && cache.vary.length > 0 ? ["vary", cache.vary.join(", ")] : [];
  const fixedHeaders = [...responseHeaders.fixed, ...vary];
  return {
    deadlineMs: options.deadlineMs,
    idleTimeoutMs: options.idleTimeoutMs,
    maxRequestBodyBytes: options.maxRequestBodyBytes,
    uploadChunkBytes: options.uploadChunkBytes,
    requestHeaders: compileHeaderRules(options.requestHeaders),
    responseHeaders,
    errors: isCacheable && cache.errors !== "" ? { ...errors, cacheControl: cache.errors } : errors,
    stream,
    etag: options.etag,
    replyCompression: codings?.replies,
    requestDecoding: codings?.requests,
    cacheControl: isCacheable && cache.control !== "" ? cache.control : undefined,
    fixedHeaders: fixedHeaders.length === 0 ? undefined : fixedHeaders,
  };
}

/** How errors look. */
export function errorSettings({ errors }: RouteOptions, render: ErrorRenderer): ErrorSettings {
  return { format: errors.format, httpStatusByCode: errors.statusByCode, render };
}

/** The fields of replies to requests that have no route. */
export function strayHeaders({ responseHeaders }: RouteOptions): HeaderList {
  return compileHeaderRules(responseHeaders).fixed;
}
