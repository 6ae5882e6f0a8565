import assert from "node:assert/strict";
import { test } from "node:test";
import { parseConfigText, resolveRouteOptions } from "../../../src/config/index.ts";
import { formatProblem } from "../../../src/status/index.ts";

const HEAD =
  "listeners: [{ address: :8080 }]\nupstreams:\n  a:\n    address: h:1\n    schema: { reflection: true }\n";

test("content codings are read, and cascade key by key", () => {
  const text = `${HEAD}    compression: { replies: { minBytes: 4KiB, contentTypes: [Text/CSV, "application/*+json"] } }
    routes:
      - { selector: a.B.C, compression: { replies: { encodings: [] }, requests: { encodings: [] } } }
defaults:
  compression: { replies: { encodings: br, effort: small }, requests: { maxRatio: 50 } }
`;
  const { config, problems } = parseConfigText(text, "c.yaml", {});
  assert.deepEqual(problems, []);
  const [upstream] = config?.upstreams ?? [];
  const [override] = upstream?.routes ?? [];
  assert.ok(config !== undefined && upstream !== undefined && override !== undefined);
  const replies = {
    encodings: ["br"],
    minBytes: 4096,
    effort: "small",
    contentTypes: ["text/csv", "application/*+json"],
  };
  assert.deepEqual(resolveRouteOptions(config.defaults, upstream.options).compression, {
    replies,
    requests: { encodings: ["gzip", "deflate", "br"], maxRatio: 50 },
  });
  assert.deepEqual(resolveRouteOptions(config.defaults, upstream.options, override.options).compression, {
    replies: { ...replies, encodings: [] },
    requests: { encodings: [], maxRatio: 50 },
  });
});

test("what is wrong with them is told with its place", () => {
  const text = `${HEAD}    compression:
      replies: { encodings: [deflate, gzp], minBytes: few, effort: most, contentTypes: ["*/*", "a/b; c=d", text] }
      requests: { encodings: compress, maxRatio: 1, ratio: 2 }
      reply: {}
`;
  const { config, problems } = parseConfigText(text, "c.yaml", {});
  assert.equal(config, undefined);
  const typeHint = "(write type/subtype, text/* or application/*+json, without parameters)";
  assert.deepEqual(problems.map(formatProblem), [
    'c.yaml:7:30: upstreams.a.compression.replies.encodings[0]: "deflate" is not one of its values (write gzip, br, zstd)',
    'c.yaml:7:39: upstreams.a.compression.replies.encodings[1]: "gzp" is not one of its values (did you mean gzip?)',
    'c.yaml:7:55: upstreams.a.compression.replies.minBytes: "few" is not a size (write bytes or a number with a unit: 65536, 32KiB, 4MiB, 1GB)',
    'c.yaml:7:68: upstreams.a.compression.replies.effort: "most" is not one of its values (write fast, balanced, small)',
    `c.yaml:7:89: upstreams.a.compression.replies.contentTypes[0]: "*/*" is not a media type ${typeHint}`,
    `c.yaml:7:96: upstreams.a.compression.replies.contentTypes[1]: "a/b; c=d" is not a media type ${typeHint}`,
    `c.yaml:7:108: upstreams.a.compression.replies.contentTypes[2]: "text" is not a media type ${typeHint}`,
    'c.yaml:8:30: upstreams.a.compression.requests.encodings: "compress" is not one of its values (write gzip, deflate, br)',
    "c.yaml:8:50: upstreams.a.compression.requests.maxRatio: 1 is out of range (write a number from 2 to 100000)",
    "c.yaml:8:53: upstreams.a.compression.requests.ratio: is not a key here (known keys: encodings, maxRatio)",
    "c.yaml:9:7: upstreams.a.compression.reply: is not a key here (known keys: replies, requests)",
  ]);
});
