import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { diffRoutes, type RouteRow } from "../../../src/control/index.ts";
import { formatDiff } from "../../../src/schema/index.ts";

const GET: RouteRow = {
  method: "GET",
  template: "/v1/books/{name}",
  rpc: "library.v1.LibraryService.GetBook",
  body: "",
  responseBody: "",
  kind: "unary",
  source: "annotation",
  upstream: "library",
};

const row = (more: Partial<RouteRow>): RouteRow => ({ ...GET, ...more });

const cases: Readonly<
  Record<string, readonly [before: readonly RouteRow[], after: readonly RouteRow[], lines: readonly string[]]>
> = {
  "nothing new": [[GET], [GET], []],
  "a route that came": [[], [GET], ["+ GET /v1/books/{name}"]],
  "a route that went": [[GET], [], ["- GET /v1/books/{name} (breaking)"]],
  "another HTTP method": [
    [GET],
    [row({ method: "POST" })],
    ["- GET /v1/books/{name} (breaking)", "+ POST /v1/books/{name}"],
  ],
  "another rpc": [
    [GET],
    [row({ rpc: "library.v2.LibraryService.GetBook" })],
    [
      "~ GET /v1/books/{name}: method library.v1.LibraryService.GetBook -> library.v2.LibraryService.GetBook (breaking)",
    ],
  ],
  "other bodies": [
    [row({ body: "*" })],
    [row({ responseBody: "books" })],
    [
      "~ GET /v1/books/{name}: body * -> none (breaking)",
      "~ GET /v1/books/{name}: response_body none -> books (breaking)",
    ],
  ],
  "another kind": [
    [GET],
    [row({ kind: "server_streaming" })],
    ["~ GET /v1/books/{name}: kind unary -> server_streaming (breaking)"],
  ],
  "another upstream": [
    [GET],
    [row({ upstream: "archive" })],
    ["~ GET /v1/books/{name}: upstream library -> archive"],
  ],
  "another name of a variable": [
    [row({ template: "/v1/{name=books/*}/pages/{page}" })],
    [row({ template: "/v1/{book=books/*}/pages/{number=*}" })],
    [
      "~ GET /v1/{book=books/*}/pages/{number=*}: template /v1/{name=books/*}/pages/{page} -> /v1/{book=books/*}/pages/{number=*}",
    ],
  ],
  "a variable that matches more": [
    [row({ template: "/v1/{name=books/*}" })],
    [row({ template: "/v1/{name=books/**}" })],
    ["- GET /v1/{name=books/*} (breaking)", "+ GET /v1/{name=books/**}"],
  ],
  "another place of the rule": [[GET], [row({ source: "config" })], []],
  "another order": [[GET, row({ method: "PUT" })], [row({ method: "PUT" }), GET], []],
};

describe("two route tables", () => {
  for (const [name, [before, after, lines]] of Object.entries(cases)) {
    test(name, () => {
      assert.deepEqual(formatDiff(diffRoutes(before, after), 10), lines);
    });
  }

  test("control characters of names do not reach the log", () => {
    const [line = ""] = formatDiff(diffRoutes([], [row({ template: "/v1/\u001b[31m" })]), 10);
    assert.equal(line, "+ GET /v1/?[31m");
  });
});
