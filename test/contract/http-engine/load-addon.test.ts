import assert from "node:assert/strict";
import { test } from "node:test";
import { loadUwsEngine } from "../../../src/http/engines/uws/index.ts";
import { loadAddon } from "../../../src/http/engines/uws/load-addon.ts";

const NODE_MAJOR = Number(process.versions.node.split(".")[0]);

test("gives an engine and the version of its addon, or the reason why there is none", () => {
  const load = loadUwsEngine(32_768);
  if (load.engine === undefined) {
    assert.match(load.reason, /uWebSockets\.js-next: .+; uWebSockets\.js: .+/);
    return;
  }
  assert.equal(load.engine.name, "uws");
  assert.match(load.version, /^20\.\d+\.\d+$/);
});

test("never takes the newer wrapper over the older binary", {
  skip: NODE_MAJOR >= 22 && "both are built",
}, () => {
  const load = loadAddon(65_536);
  if (load.addon === undefined) return;
  assert.match(load.version, /^20\.51\./);
});

test("leaves the operator's limit for heads alone", () => {
  const before = process.env.UWS_HTTP_MAX_HEADERS_SIZE;
  loadAddon(1);
  assert.notEqual(process.env.UWS_HTTP_MAX_HEADERS_SIZE, undefined);
  if (before !== undefined) assert.equal(process.env.UWS_HTTP_MAX_HEADERS_SIZE, before);
});
