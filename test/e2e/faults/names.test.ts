/** A name that stands for another address from one moment to the next, with calls under way. */
import assert from "node:assert/strict";
import { rename, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { temporaryFiles } from "../../support/gateway-process.ts";
import { Scene } from "./scene.ts";

const SHIM = pathToFileURL(".cache/tests/test/support/hosts-shim.js").href;
const HELD = 4;
/** Elsewhere only 127.0.0.1 is an address of the machine. */
const skip = process.platform === "linux" ? false : "needs all of 127.0.0.0/8";

test("a changed DNS answer moves the calls; none fails, repeats or is lost", {
  skip,
  timeout: 90_000,
}, async () => {
  await Scene.run(async (scene) => {
    const old = await scene.upstream({ address: "127.0.0.2:0" });
    const port = old.address.slice(old.address.indexOf(":") + 1);
    const next = await scene.upstream({ address: `127.0.0.3:${port}` });
    const files = await temporaryFiles({ "hosts.json": JSON.stringify({ "upstream.test": ["127.0.0.2"] }) });
    scene.onClose(() => files.remove());
    const load = await scene.start(
      [`upstream.test:${port}`],
      { connections: { resolveInterval: "1s" } },
      { NODE_OPTIONS: `--import ${SHIM}`, SLUICE_TEST_HOSTS: files.path("hosts.json") },
    );
    load.start(4);
    const held = Array.from({ length: HELD }, () => load.send("POST", "hold"));
    await scene.until(() => scene.begun("hold") === HELD && old.begun > 50);
    assert.equal(next.begun, 0);

    // Put in place whole: the gateway may read at any moment.
    await writeFile(files.path("new.json"), JSON.stringify({ "upstream.test": ["127.0.0.3"] }));
    await rename(files.path("new.json"), files.path("hosts.json"));
    await scene.until(() => next.begun > 0);
    // What was under way when the first call went to the new address may still come to the old one.
    await load.next(20);
    const { begun } = old;
    await load.next(100);
    assert.equal(old.begun, begun, "no call goes to the old address any more");
    old.command("release");
    await Promise.all(held);
    await load.stop();
    for (const method of ["GET", "POST"] as const) {
      const { requests, ...harm } = load.tally(method, scene.upstreams);
      assert.ok(requests > 0);
      assert.deepEqual(harm, { failed: {}, repeated: 0, lost: 0 }, method);
    }
  });
});
