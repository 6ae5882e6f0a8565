/** The schema of content codings, which replies are sent in and request bodies may come in. */
import type * as z from "zod";
import { choice, integer, list, section, size, text } from "./fields.ts";
import { complain, type Reading, show } from "./reading.ts";

/** Content codings of both directions. */
export interface CompressionOptions {
  readonly replies: ReplyCompressionOptions;
  readonly requests: RequestDecodingOptions;
}

/** How whole replies are compressed. */
export interface ReplyCompressionOptions {
  /** The dearest first; none compresses nothing. */
  readonly encodings: readonly ("gzip" | "br" | "zstd")[];
  readonly minBytes: number;
  readonly effort: "fast" | "balanced" | "small";
  /** `type/subtype`, where the subtype may be `*` or `*+suffix`; in lower case. */
  readonly contentTypes: readonly string[];
}

/** What of request bodies is decoded. */
export interface RequestDecodingOptions {
  readonly encodings: readonly ("gzip" | "deflate" | "br")[];
  /** How many bytes one coded byte may become. */
  readonly maxRatio: number;
}

/** One level of the cascade. */
export interface CompressionOptionsPatch {
  readonly replies?:
    | { readonly [K in keyof ReplyCompressionOptions]?: ReplyCompressionOptions[K] | undefined }
    | undefined;
  readonly requests?:
    | { readonly [K in keyof RequestDecodingOptions]?: RequestDecodingOptions[K] | undefined }
    | undefined;
}

const CONTENT_TYPES: readonly string[] = [
  "text/*",
  "application/json",
  "application/*+json",
  "application/xml",
  "application/*+xml",
  "application/javascript",
  "image/svg+xml",
];

/** The built-in values. They stand in the file as they are. */
export const BUILT_IN_COMPRESSION: CompressionOptions = {
  replies: { encodings: [], minBytes: 1024, effort: "balanced", contentTypes: CONTENT_TYPES },
  requests: { encodings: ["gzip", "deflate", "br"], maxRatio: 200 },
};

/** The built-in values as they would stand in the file. */
export const COMPRESSION_TEXT: Readonly<Record<string, unknown>> = {
  replies: { encodings: [], minBytes: "1KiB", effort: "balanced", contentTypes: CONTENT_TYPES },
  requests: { encodings: ["gzip", "deflate", "br"], maxRatio: 200 },
};

/** `options` with what `patch` sets. */
export function overlayCompression(
  options: CompressionOptions,
  patch: CompressionOptionsPatch | undefined,
): CompressionOptions {
  if (patch === undefined) return options;
  const { replies, requests } = options;
  return {
    replies: {
      encodings: patch.replies?.encodings ?? replies.encodings,
      minBytes: patch.replies?.minBytes ?? replies.minBytes,
      effort: patch.replies?.effort ?? replies.effort,
      contentTypes: patch.replies?.contentTypes ?? replies.contentTypes,
    },
    requests: {
      encodings: patch.requests?.encodings ?? requests.encodings,
      maxRatio: patch.requests?.maxRatio ?? requests.maxRatio,
    },
  };
}

/** The section `compression` of route options. */
export function compressionSection(): z.ZodType<CompressionOptionsPatch> {
  return section(
    "Content codings: gzip, Brotli and, for replies where Node.js has it (22.15 and up), zstd.",
    {
      replies: section(
        "What whole replies are compressed with, for clients whose `Accept-Encoding` asks for it.",
        {
          encodings: list(
            "The codings, the dearest first; of those that a client likes alike the first counts. An empty list compresses nothing.",
            choice("One coding.", ["gzip", "br", "zstd"]),
            { single: "allowed" },
          ).optional(),
          minBytes: size("Shorter bodies go out as they are.").optional(),
          effort: choice("How much CPU a smaller reply is worth.", ["fast", "balanced", "small"]).optional(),
          contentTypes: list(
            "The media types that are worth it, raw bodies included; the subtype may be `*`, or `*+json` and the like.",
            text("media type", "One type.", parseContentType),
          ).optional(),
        },
      ).optional(),
      requests: section("What of request bodies is decoded; other codings are answered 415.", {
        encodings: list(
          "The codings that are understood.",
          choice("One coding.", ["gzip", "deflate", "br"]),
          { single: "allowed" },
        ).optional(),
        maxRatio: integer(
          "How many times its length a body may become, beyond its first MiB; more is answered 413.",
          2,
          100_000,
        ).optional(),
      }).optional(),
    },
  );
}

const CONTENT_TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]*\/(\*(\+[a-z0-9.-]+)?|[a-z0-9][a-z0-9!#$&^_.+-]*)$/;

function parseContentType(value: unknown): Reading<string> {
  const type = typeof value === "string" ? value.toLowerCase() : "";
  if (type.length <= 255 && CONTENT_TYPE.test(type)) return { value: type };
  return complain(
    `${show(value)} is not a media type`,
    "write type/subtype, text/* or application/*+json, without parameters",
  );
}
