/** Upstreams that say nothing: stopped, cut off without a word, or slow. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { startTcpMiddle } from "../../support/tcp-middle.ts";
import { CLIENTS, ROUNDS, Scene } from "./scene.ts";

describe("upstreams that fall silent", { timeout: 60_000 * ROUNDS }, () => {
  for (const client of CLIENTS) {
    test(`SIGSTOP of one of two, client ${client}`, async () => {
      await Scene.run(async (scene) => {
        const [stopped, other] = await scene.replicas(2);
        assert.ok(stopped !== undefined && other !== undefined);
        const load = await scene.start([stopped.address, other.address], { client, deadline: "300ms" });
        load.start(8);
        await scene.until(() => stopped.begun > 50 && other.begun > 50);
        stopped.signal("SIGSTOP");
        for (let i = 0; i < 5; i++) {
          const some = await load.next(500);
          console.log(some.filter(({ status }) => status !== 200).length, "of", some.length);
        }
        const begun = stopped.begun;
        stopped.signal("SIGCONT");
        await scene.until(() => stopped.begun > begun + 50);
        await load.stop();
        console.log(load.tally("GET", scene.upstreams), load.tally("POST", scene.upstreams));
      });
    });

    test(`half-open TCP, client ${client}`, async () => {
      await Scene.run(async (scene) => {
        const upstream = await scene.upstream();
        const middle = await startTcpMiddle(upstream.address, () => scene.moments.changed());
        scene.onClose(() => middle.close());
        const load = await scene.start([middle.address], { client, deadline: "200ms" });
        load.start(8);
        await load.next(100);
        middle.freeze();
        for (let i = 0; i < 5; i++) {
          const some = await load.next(100);
          console.log(some.filter(({ status }) => status !== 200).length, "of", some.length);
        }
        await load.stop();
        console.log(load.tally("GET", scene.upstreams), load.tally("POST", scene.upstreams));
      });
    });

    test(`one of three slow, client ${client}`, async () => {
      await Scene.run(async (scene) => {
        const slow = await scene.upstream({ delayMs: 200 });
        const [a, b] = await scene.replicas(2);
        assert.ok(a !== undefined && b !== undefined);
        const load = await scene.start([slow.address, a.address, b.address], { client });
        load.start(8);
        await load.next(2000);
        await load.stop();
        console.log(
          slow.begun,
          a.begun,
          b.begun,
          load.tally("GET", scene.upstreams),
          load.tally("POST", scene.upstreams),
        );
      });
    });
  }
});
