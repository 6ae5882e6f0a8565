import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type PathMatcher,
  PathMatcherBuilder,
  parseTemplate,
  type TrailingSlash,
} from "../../../src/routing/index.ts";
import { StatusError } from "../../../src/status/index.ts";

interface Rule {
  readonly rule: string;
}

/** A matcher of rules written `METHOD template`. */
function matcherOf(...rules: readonly string[]): PathMatcher<Rule> {
  const builder = new PathMatcherBuilder<Rule>();
  for (const rule of rules) {
    const [method = "", template = ""] = rule.split(" ");
    assert.equal(builder.add(method, parseTemplate(template), { rule }), undefined);
  }
  return builder.build();
}

/** The rule that takes `METHOD path` and its captures, `405 A, B`, `404`, or the reason of a refusal. */
function look(matcher: PathMatcher<Rule>, request: string, trailingSlash?: TrailingSlash): string {
  const [method = "", path = ""] = request.split(" ");
  try {
    const result = matcher.match(method, path, trailingSlash);
    if (result.kind === "not-found") return "404";
    if (result.kind === "method-not-allowed") return `405 ${result.allow.join(", ")}`;
    return [result.value.rule, ...result.captures.map((capture) => JSON.stringify(capture))].join(" ");
  } catch (error) {
    if (error instanceof StatusError) return String(error.status.reason);
    throw error;
  }
}

interface Table {
  readonly title: string;
  readonly rules: readonly string[];
  readonly answers: Readonly<Record<string, string>>;
  readonly trailingSlash?: TrailingSlash;
}

const tables: readonly Table[] = [
  {
    title: "a literal wins over *, that over the end, that over **",
    rules: ["GET /a/b", "GET /a/{x}", "GET /a", "GET /{x=**}"],
    answers: {
      "GET /a/b": "GET /a/b",
      "GET /a/c": 'GET /a/{x} "c"',
      "GET /a": "GET /a",
      "GET /a/b/c": 'GET /{x=**} "a/b/c"',
      "GET /": 'GET /{x=**} ""',
    },
  },
  {
    title: "precedence goes left to right, whatever the order of declaration",
    rules: ["GET /{x}/b/c", "GET /a/{x}/{y}", "GET /a/{x=**}"],
    answers: {
      "GET /a/b/c": 'GET /a/{x}/{y} "b" "c"',
      "GET /z/b/c": 'GET /{x}/b/c "z"',
      "GET /a/b": 'GET /a/{x=**} "b"',
    },
  },
  {
    title: "a branch that leads nowhere is left again",
    rules: ["GET /a/b/c", "GET /a/{x}/d", "GET /{x=**}/e"],
    answers: {
      "GET /a/b/d": 'GET /a/{x}/d "b"',
      "GET /a/b/e": 'GET /{x=**}/e "a/b"',
      "GET /a/b/f": "404",
    },
  },
  {
    title: "path and method are matched jointly",
    rules: ["GET /v1/foo", "POST /v1/{x}", "DELETE /{x=**}"],
    answers: {
      "GET /v1/foo": "GET /v1/foo",
      "POST /v1/foo": 'POST /v1/{x} "foo"',
      "DELETE /v1/foo": 'DELETE /{x=**} "v1/foo"',
      "PUT /v1/foo": "405 DELETE, GET, HEAD, POST",
      "PUT /v1/bar": "405 DELETE, POST",
      "get /v1/foo": "405 DELETE, GET, HEAD, POST",
    },
  },
  {
    title: "an exact method wins over any, but segments come first",
    rules: ["* /a", "GET /a", "* /b/c", "GET /b/{x}"],
    answers: {
      "GET /a": "GET /a",
      "LOCK /a": "* /a",
      "GET /b/c": "* /b/c",
      "GET /b/d": 'GET /b/{x} "d"',
    },
  },
  {
    title: "HEAD runs the GET rule unless there is one of its own",
    rules: ["GET /a", "GET /b", "HEAD /b", "* /{x=**}", "POST /c/d"],
    answers: { "HEAD /a": "GET /a", "HEAD /b": "HEAD /b", "HEAD /c": '* /{x=**} "c"' },
  },
  {
    title: "the longer suffix behind ** wins, then its literals",
    rules: ["GET /{x=**}", "GET /{x=**}/z", "GET /{x=**}/y/z", "GET /{x=**}/{y}/z"],
    answers: {
      "GET /a/b": 'GET /{x=**} "a/b"',
      "GET /a/z": 'GET /{x=**}/{y}/z "" "a"',
      "GET /z": 'GET /{x=**}/z ""',
      "GET /a/y/z": 'GET /{x=**}/y/z "a"',
      "GET /y/z": 'GET /{x=**}/y/z ""',
      "GET /a/b/z": 'GET /{x=**}/{y}/z "a" "b"',
    },
  },
  {
    title: "a variable may hold ** between literals, and others may follow",
    rules: ["GET /v1/{parent=projects/*/documents/**}/{id}", "GET /v2/{x}/{y=a/**/b}/{z}:go"],
    answers: {
      "GET /v1/projects/p/documents/c/d/e":
        'GET /v1/{parent=projects/*/documents/**}/{id} "projects/p/documents/c/d" "e"',
      "GET /v1/projects/p/documents/e":
        'GET /v1/{parent=projects/*/documents/**}/{id} "projects/p/documents" "e"',
      "GET /v1/projects/p/documents": "404",
      "GET /v2/1/a/b/3:go": 'GET /v2/{x}/{y=a/**/b}/{z}:go "1" "a/b" "3"',
      "GET /v2/1/a/s/t/b/3:go": 'GET /v2/{x}/{y=a/**/b}/{z}:go "1" "a/s/t/b" "3"',
    },
  },
  {
    title: "a registered verb is taken off, the longest first; other colons are data",
    rules: ["GET /v1/{x}", "GET /v1/{x}:b", "GET /v1/{x}:a:b", "POST /{x=**}:c", "GET /t/{x}/y"],
    answers: {
      "GET /v1/1:b": 'GET /v1/{x}:b "1"',
      "GET /v1/1:a:b": 'GET /v1/{x}:a:b "1"',
      "GET /v1/1:z:a:b": 'GET /v1/{x}:a:b "1:z"',
      "GET /v1/1:a": 'GET /v1/{x} "1:a"',
      "GET /v1/10:30:00Z": 'GET /v1/{x} "10:30:00Z"',
      "GET /v1/1:": 'GET /v1/{x} "1:"',
      "GET /v1/:b": 'GET /v1/{x} ":b"',
      "GET /v1/1%3Ab": 'GET /v1/{x} "1:b"',
      "GET /v1/1%3ab:b": 'GET /v1/{x}:b "1:b"',
      "GET /v1/1:%62": 'GET /v1/{x}:b "1"',
      "GET /v1/1:c": 'GET /v1/{x} "1:c"',
      "POST /v1/1:c": 'POST /{x=**}:c "v1/1"',
      "POST /:c": 'POST /{x=**}:c ""',
      "POST /v1:c/": "404",
      "GET /t/1:b/y": 'GET /t/{x}/y "1:b"',
      "PUT /v1/1:c": "405 GET, HEAD, POST",
    },
  },
  {
    title: "a verb wins over none, also where another reading has more literals",
    rules: ["GET /a/{x}", "GET /{x=**}:do"],
    answers: { "GET /a/b:do": 'GET /{x=**}:do "a/b"', "GET /a/b": 'GET /a/{x} "b"' },
  },
  {
    title: "literals are compared decoded, and an encoded slash never separates",
    rules: ["GET /caf%C3%A9/a%2Fb", "GET /{x}"],
    answers: {
      "GET /caf%c3%a9/a%2fb": "GET /caf%C3%A9/a%2Fb",
      "GET /%63af%C3%A9/a%2Fb": "GET /caf%C3%A9/a%2Fb",
      "GET /caf%C3%A9/a/b": "404",
      "GET /a%2Fb": 'GET /{x} "a/b"',
    },
  },
  {
    title: "a capture of one segment decodes everything, a longer one keeps %2F; + is a plus",
    rules: ["GET /one/{x}", "GET /more/{x=**}"],
    answers: {
      "GET /one/a%2Fb+%25%20%E2%82%AC": 'GET /one/{x} "a/b+% €"',
      "GET /more/a%2Fb/%2f+%3A%25%20%E2%82%AC": 'GET /more/{x=**} "a%2Fb/%2f+:% €"',
    },
  },
  {
    title: "* needs text and ** does not, so slashes count",
    rules: ["GET /a/{x}", "GET /b/{x=**}", "GET /"],
    answers: {
      "GET /a/": "404",
      "GET /a//": "404",
      "GET //a/b": "404",
      "GET //": "404",
      "GET /b": 'GET /b/{x=**} ""',
      "GET /b/": 'GET /b/{x=**} ""',
      "GET /b//": 'GET /b/{x=**} "/"',
      "GET /b/c//d/": 'GET /b/{x=**} "c//d/"',
      "GET /": "GET /",
      "GET a/b": "404",
      "OPTIONS *": "404",
    },
  },
  {
    title: "a trailing slash is a segment where it is not ignored",
    rules: ["GET /a", "GET /b/{x}:go"],
    answers: { "GET /a/": "404", "GET /a": "GET /a", "GET /b/c:go/": "404" },
  },
  {
    title: "one trailing slash means nothing where it is ignored",
    trailingSlash: "ignore",
    rules: ["GET /a", "GET /b/{x}:go", "GET /c/{x=**}", "POST /"],
    answers: {
      "GET /a/": "GET /a",
      "GET /a": "GET /a",
      "GET /a//": "404",
      "GET /b/c:go/": 'GET /b/{x}:go "c"',
      "GET /b/%63:go/": 'GET /b/{x}:go "c"',
      "GET /c/d/": 'GET /c/{x=**} "d"',
      "POST /": "POST /",
      "POST //": "POST /",
      "PUT /a/": "405 GET, HEAD",
    },
  },
  {
    title: "a path that is broken is refused, whether or not a rule fits",
    rules: ["GET /a/{x}", "GET /{x=**}:go"],
    answers: {
      "GET /a/%zz": "PATH_ENCODING",
      "GET /a/%": "PATH_ENCODING",
      "GET /a/%2": "PATH_ENCODING",
      "GET /nowhere/%ff/x": "PATH_ENCODING",
      "GET /a/%C0%AF": "PATH_ENCODING",
      "GET /a/%ED%A0%80": "PATH_ENCODING",
      "GET /a/é": "PATH_ENCODING",
      "GET /a/\t": "PATH_ENCODING",
      "GET /a/\u007f": "PATH_ENCODING",
      "GET /a/.": "PATH_INVALID",
      "GET /a/..": "PATH_INVALID",
      "GET /../a": "PATH_INVALID",
      "GET /nowhere/./x": "PATH_INVALID",
      "GET /a/%2e%2E": "PATH_INVALID",
      "GET /a/.%2e": "PATH_INVALID",
      "GET /a/..:go": "PATH_INVALID",
      "GET /a/%2e:go": "PATH_INVALID",
      "GET /a/...": 'GET /a/{x} "..."',
      "GET /a/.b": 'GET /a/{x} ".b"',
      "GET /a/..:no": 'GET /a/{x} "..:no"',
      "GET /a/%00": 'GET /a/{x} "\\u0000"',
    },
  },
  { title: "an empty table knows no path", rules: [], answers: { "GET /": "404", "GET /a:b": "404" } },
];

for (const { title, rules, answers, trailingSlash } of tables) {
  describe(title, () => {
    const matcher = matcherOf(...rules);
    for (const [request, answer] of Object.entries(answers)) {
      test(JSON.stringify(request), () => assert.equal(look(matcher, request, trailingSlash), answer));
    }
  });
}

describe("allowedMethods", () => {
  const matcher = matcherOf("GET /a/{x}", "POST /a/{x}:go", "PATCH /a/b", "* /any", "LOCK /any");
  const answers: readonly (readonly [path: string, methods: readonly string[]])[] = [
    ["/a/b", ["GET", "HEAD", "PATCH"]],
    ["/a/c:go", ["GET", "HEAD", "POST"]],
    ["/any", ["DELETE", "GET", "HEAD", "LOCK", "OPTIONS", "PATCH", "POST", "PUT"]],
    ["/none", []],
    ["none", []],
  ];
  for (const [path, methods] of answers) {
    test(`of ${path} are ${methods.join(", ") || "none"}`, () => {
      assert.deepEqual(matcher.allowedMethods(path), methods);
    });
  }
  test("refuses a broken path", () => {
    assert.throws(() => matcher.allowedMethods("/%zz"), StatusError);
  });
});

describe("a builder", () => {
  const conflicts: readonly (readonly [earlier: string, later: string])[] = [
    ["/v1/{a}", "/v1/{b=*}"],
    ["/v1/{name=shelves/*}", "/v1/shelves/{shelf}"],
    ["/v1/{a=**}:go", "/v1/**:go"],
    ["/v1/%61", "/v1/a"],
    ["/", "/"],
  ];
  for (const [earlier, later] of conflicts) {
    test(`gives back the earlier of ${earlier} and ${later}, which stays`, () => {
      const builder = new PathMatcherBuilder<Rule>();
      const first = { rule: "first" };
      assert.equal(builder.add("GET", parseTemplate(earlier), first), undefined);
      assert.equal(builder.add("GET", parseTemplate(later), { rule: "second" }), first);
      assert.equal(builder.add("POST", parseTemplate(later), { rule: "third" }), undefined);
      assert.equal(builder.add("*", parseTemplate(later), { rule: "fourth" }), undefined);
      const path = earlier.includes(":go")
        ? "/v1/x:go"
        : earlier.replace(/\{.*\}/, earlier.includes("shelves") ? "shelves/1" : "x");
      const result = builder.build().match("GET", path);
      assert.equal(result.kind === "found" && result.value, first);
    });
  }

  const distinct: readonly (readonly [string, string])[] = [
    ["/v1/{a}", "/v1/{a=**}"],
    ["/v1/{a}", "/v1/{a}:go"],
    ["/v1/**/a", "/v1/**"],
    ["/v1/%2A", "/v1/*"],
    ["/v1/a%2Fb", "/v1/a/b"],
  ];
  for (const [one, other] of distinct) {
    test(`takes both ${one} and ${other}`, () => {
      matcherOf(`GET ${one}`, `GET ${other}`);
    });
  }

  test("takes nothing more once it has built", () => {
    const builder = new PathMatcherBuilder<Rule>();
    builder.build();
    assert.throws(() => builder.add("GET", parseTemplate("/"), { rule: "late" }), /after build/);
  });

  test("decodes each rule as its own options say", () => {
    const builder = new PathMatcherBuilder<Rule>();
    const keep = { reservedExpansion: "keep-reserved" } as const;
    builder.add("GET", parseTemplate("/keep/{x=**}"), { rule: "keep" }, keep);
    builder.add("GET", parseTemplate("/all/{x=**}"), { rule: "all" });
    const matcher = builder.build();
    const raw = "%3a%2F%5B%5D%20%25%C3%A9%7E";
    assert.equal(look(matcher, `GET /keep/${raw}`), 'keep "%3a%2F%5B%5D %é~"');
    assert.equal(look(matcher, `GET /all/${raw}`), 'all ":%2F[] %é~"');
  });
});

test("a refusal shows the value, cut where it is long", () => {
  const matcher = matcherOf("GET /{x}");
  const refusal = (path: string): string => {
    try {
      matcher.match("GET", path);
    } catch (error) {
      if (error instanceof StatusError) return error.status.message;
    }
    return "";
  };
  assert.match(refusal("/a/%zz"), /"%zz"/);
  assert.match(refusal("/a/%2e%2e"), /"%2e%2e"/);
  assert.match(refusal("/é"), /U\+00E9/);
  assert.ok(refusal(`/${"%zz".repeat(5000)}`).length < 200);
});
