import assert from "node:assert/strict";
import { test } from "node:test";
import { formatRouteTable, routeRows } from "../../../src/control/index.ts";
import { compile, LIBRARY } from "./compile.ts";

const { snapshot } = compile({
  yaml: "upstreams: { library: { address: localhost:1, schema: { reflection: true } } }",
  schemas: { library: LIBRARY },
});

test("a row says all that a route is, in the order of declaration", () => {
  const rows = routeRows(snapshot);
  assert.equal(rows.length, snapshot.routes.length);
  assert.deepEqual(rows[0], {
    method: "GET",
    template: "/v1/shelves",
    rpc: "library.v1.LibraryService.ListShelves",
    body: "",
    responseBody: "",
    kind: "unary",
    source: "annotation",
    upstream: "library",
    listeners: ["127.0.0.1:0"],
  });
  const bare = rows.find(({ template }) => template.endsWith(":bare"));
  assert.equal(bare?.responseBody, "books");
});

test("the table is aligned, a line a route, with headings and a dash for no body", () => {
  const rows = routeRows(snapshot);
  const lines = formatRouteTable(rows).split("\n");
  assert.equal(lines.length, rows.length + 1);
  const [headings = "", first = ""] = lines;
  assert.deepEqual(headings.split(/ +/), ["METHOD", "TEMPLATE", "RPC", "BODY", "KIND", "SOURCE"]);
  assert.deepEqual(first.split(/ +/), [
    "GET",
    "/v1/shelves",
    "library.v1.LibraryService.ListShelves",
    "-",
    "unary",
    "annotation",
  ]);
  const column = headings.indexOf("KIND");
  for (const line of lines) assert.match(line.slice(column - 1), /^ (KIND|unary|\w+_streaming) /);
  for (const line of lines) assert.equal(line, line.trimEnd());
});

test("a table without routes is its headings", () => {
  assert.equal(formatRouteTable([]), "METHOD  TEMPLATE  RPC  BODY  KIND  SOURCE");
});
