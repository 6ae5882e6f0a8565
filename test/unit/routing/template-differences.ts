/**
 * Rows of test/cases/templates*.json that Sluice answers differently on purpose, each with its reason (docs/transcoding.md,
 * "Which route"). A row that is listed here and does not differ fails, as does one that differs and is not listed.
 */

/** The answer to a match case. */
export interface Answer {
  readonly route: string | null;
  /** Field path and value; absent where there is no route. */
  readonly bindings?: readonly (readonly [string, string])[];
  /** HTTP status of a refusal by the matcher: 404, 405, 400. */
  readonly status?: number;
}

/** What Sluice answers instead, and why. */
export interface Difference {
  readonly ours: Answer;
  readonly reason: string;
}

const DOTS = "`.` and `..` segments, also encoded, are refused and never resolved";
const ALL_BUT_SLASH = "several segments decode everything but %2F unless the route keeps reserved characters";
const SLASH_STAYS =
  "%2F in a capture of several segments always stays: a mode that decodes it (`all`) is not offered";
const COLON_IS_DATA = "a colon is data where no registered verb leads to a rule";
const FIRST_STAYS = "of two rules of one shape the first stays and the other is a problem that names both";
const NO_OVERRIDE =
  "no form-POST-as-GET fallback and no X-HTTP-Method-Override: the method of a request is its method";
const SPLIT_FIRST = "the raw path is split before it is decoded, so %2F never separates segments";
const NO_NESTING = "variables do not nest, so the rule is a problem and its path is unknown";
const NONE_IS_ENOUGH = "`**` takes any number of segments, also none";
const AS_WRITTEN = "%2f is left as written, its letter case too";

const ESCAPES = "%21%23%24%26%27%28%29%2A%2B%2C%2F%3A%3B%3D%3F%40%5B%5D";
const DECODED = "!#$&'()*+,%2F:;=?@[]";
const RESERVED_CASE = {
  route: "a__c",
  bindings: [
    ["x", "!#$&'()*+,/:;=?@[]"],
    ["y", DECODED],
  ],
} as const;
const RESERVED = "ghjt/path_matcher/OnlyUnreservedCharsAreUnescapedForMultiSegmentMatchUnescapeAll";
const SINGLE = "ghjt/path_matcher/PercentEscapesUnescapedForSingleSegmentAllAsciiChars";
const VANGUARD = "vanguard/router/FindTarget";
const METHOD_NOT_ALLOWED: Answer = { route: null, status: 405 };
const NOT_FOUND: Answer = { route: null, status: 404 };
const SLASHES = "/foo/success%2fwith%2Fspace/bar";

/** By `suite: METHOD path`. */
export const MATCH_DIFFERENCES: ReadonlyMap<string, Difference> = new Map<string, Difference>([
  [`${SINGLE}: GET /%2e`, { ours: { route: null, status: 400 }, reason: DOTS }],
  [`${SINGLE}: GET /%2E`, { ours: { route: null, status: 400 }, reason: DOTS }],
  [
    `${RESERVED}ExceptReservedImplicit: GET /a/${ESCAPES}/${ESCAPES}/c`,
    { ours: RESERVED_CASE, reason: ALL_BUT_SLASH },
  ],
  [`${RESERVED}: GET /a/${ESCAPES}/${ESCAPES}/c`, { ours: RESERVED_CASE, reason: SLASH_STAYS }],
  [
    "ghjt/path_matcher/MatchUnregisteredCustomVerb: GET /person/jason:other",
    { ours: { route: "get_person_1", bindings: [["id", "jason:other"]] }, reason: COLON_IS_DATA },
  ],
  [
    "ghjt/path_matcher/ReplacevoidForPath: GET /foo/bar",
    { ours: { route: "first_mock_proc", bindings: [] }, reason: FIRST_STAYS },
  ],
  [
    "ghjt/path_matcher/LookupSilentlyFailsOnDuplicate: GET /a/b",
    { ours: { route: "a", bindings: [] }, reason: FIRST_STAYS },
  ],
  [
    "ghjt/path_matcher/RegisterFailsOnDuplicateIfOptIn: GET /a/b",
    { ours: { route: "a", bindings: [] }, reason: FIRST_STAYS },
  ],
  [
    "gw/pattern/TestMatchWithBinding#13: GET /foo/test%2Fbar",
    { ours: { route: "r", bindings: [["id", "test%2Fbar"]] }, reason: SLASH_STAYS },
  ],
  ["gw/mux/TestMuxServeHTTP#7: POST /foo", { ours: METHOD_NOT_ALLOWED, reason: NO_OVERRIDE }],
  ["gw/mux/TestMuxServeHTTP#10: POST /foo", { ours: { route: "p1", bindings: [] }, reason: NO_OVERRIDE }],
  ["gw/mux/TestMuxServeHTTP#11: POST /foo", { ours: METHOD_NOT_ALLOWED, reason: NO_OVERRIDE }],
  [
    "gw/mux/TestMuxServeHTTP#19: POST foo",
    {
      ours: NOT_FOUND,
      reason: "a request target without a slash names no route; the matcher does not judge it further",
    },
  ],
  [
    "gw/mux/TestMuxServeHTTP#21: POST /foo/404%2fwith%2Fspace/bar",
    { ours: METHOD_NOT_ALLOWED, reason: `${SPLIT_FIRST}: the path fits the GET rule` },
  ],
  [
    `gw/mux/TestMuxServeHTTP#23: GET ${SLASHES}`,
    { ours: { route: "p0", bindings: [["id", "success/with/space"]] }, reason: SPLIT_FIRST },
  ],
  [
    `gw/mux/TestMuxServeHTTP#24: GET ${SLASHES}`,
    { ours: { route: "p0", bindings: [["id", "success/with/space"]] }, reason: SPLIT_FIRST },
  ],
  [
    "gw/mux/TestMuxServeHTTP#26: POST /api/v1/organizations%2Ffoo:action",
    { ours: NOT_FOUND, reason: SPLIT_FIRST },
  ],
  [
    "gw/mux/TestMuxServeHTTP#28: GET /foo/%25",
    { ours: { route: "p0", bindings: [] }, reason: "%25 is a sound escape, decoded once" },
  ],
  ...forBoth("/foo/bar/baz/123", NONE_IS_ENOUGH, (method) => ({
    route: `${method} r4`,
    bindings: [
      ["thing.id", "123"],
      ["cat", ""],
    ],
  })),
  ...forBoth("/trailing:slash", NONE_IS_ENOUGH, (method) => ({ route: `${method} r11`, bindings: [] })),
  ...forBoth("/foo/bar/baz/%2f/%2A/%2f", AS_WRITTEN, (method) => ({
    route: `${method} r4`,
    bindings: [
      ["thing.id", "/"],
      ["cat", "*/%2f"],
    ],
  })),
  ...forBoth("/foo/bob/bar/baz/123/details", NO_NESTING, () => NOT_FOUND),
  ...forBoth("/foo/blah/A/B/C/foo/D/E/F/G/foo/H/I/J/K/L/M:details", NO_NESTING, () => NOT_FOUND),
  ...forBoth("/percent_encoding/A%2Fb/suffix", NO_NESTING, () => NOT_FOUND),
  [
    "envoy/bookstore: POST /wildcard/random:verb",
    { ours: { route: "PostWildcard", bindings: [["arg", "random:verb"]] }, reason: COLON_IS_DATA },
  ],
  [
    "envoy/bookstore match_unregistered_custom_verb: POST /wildcard/random:unknown",
    { ours: { route: "PostWildcard", bindings: [["arg", "random:unknown"]] }, reason: COLON_IS_DATA },
  ],
  [
    "envoy/unescape all_except_reserved: POST /wildcard/%2f%23/%20%2523",
    { ours: { route: "PostWildcard", bindings: [["arg", "%2f#/ %23"]] }, reason: ALL_BUT_SLASH },
  ],
  [
    "envoy/unescape all: POST /wildcard/%2f%23/%20%2523",
    { ours: { route: "PostWildcard", bindings: [["arg", "%2f#/ %23"]] }, reason: SLASH_STAYS },
  ],
]);

/** Templates that a source accepts and Sluice refuses. */
export const PARSE_DIFFERENCES: ReadonlyMap<string, string> = new Map([
  ["/v1/{name}:", "an empty verb is refused"],
  ["/percent_encoding/{outer={inner}/suffix}", "variables do not nest"],
  ["/foo/bob/{book_id={author}/{isbn}/*}/details", "variables do not nest"],
  [
    "/foo/blah/{longest_var={long_var.a={medium.a={short.aa}/*/{short.ab}/foo}/*}/{long_var.b={medium.b={short.ba}/*/{short.bb}/foo}/{last=**}}}:details",
    "variables do not nest",
  ],
  ["/my%2fcool-blog~about%2Cstuff%5Bwat%5D/{var={abc=%2F%2A}/{def=%2F%2A/**}}:baz", "variables do not nest"],
  [
    "/foo/bar:baz%12xyz%abcde",
    "%ab alone is not UTF-8; paths with such bytes are refused, so the rule could never be reached",
  ],
]);

/** Templates that a source refuses and Sluice accepts. */
export const ACCEPTED_DIFFERENCES: ReadonlyMap<string, string> = new Map([
  ["/a/**/*", "single segments may follow `**`"],
  ["/a/**/foo/*", "literals and single segments may follow `**`"],
  ["/foo/**/bar", "literals may follow `**`"],
  ["/a/**/b", "literals may follow `**`"],
  ["/a/{x=**}/b", "literals may follow `**`"],
  ["/a/{x=var:verb}", "inside braces no verb can stand, so the colon is part of the literal"],
  ["/foo/bar:baz/buzz", "a verb stands only in the last segment, so the colon is part of the literal"],
]);

function forBoth(
  path: string,
  reason: string,
  ours: (method: string) => Answer,
): readonly (readonly [string, Difference])[] {
  return ["GET", "POST"].map((method) => [`${VANGUARD}: ${method} ${path}`, { ours: ours(method), reason }]);
}
