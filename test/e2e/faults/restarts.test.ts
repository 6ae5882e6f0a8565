/** Upstream processes that are killed, restarted and told to leave, with calls under way. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Load } from "./load.ts";
import { CLIENTS, IS_WHOLE, ROUNDS, Scene } from "./scene.ts";

const HELD = 10;

/** Requests of each method under way at any moment. */
const UNDER_WAY = 8;

describe("upstreams that come and go", { timeout: 120_000 * ROUNDS }, () => {
  for (const client of CLIENTS) {
    test(`SIGKILL mid-call: GETs go again elsewhere, POSTs fail once each, ${client}`, async () => {
      await Scene.run(async (scene) => {
        const [doomed, other] = await scene.replicas(2);
        assert.ok(doomed !== undefined && other !== undefined);
        // The budget is proven elsewhere; here every GET that may be repeated is.
        const load = await scene.start([doomed.address, other.address], {
          client,
          retryBudget: { percent: 100, minPerSecond: 100 },
        });
        while (doomed.begun === 0 || other.begun === 0) await load.send("POST");
        const before = doomed.journal.length;
        // One kind after the other: of alternating ones round_robin would give each upstream one kind.
        const held = (["GET", "POST"] as const).flatMap((method) =>
          Array.from({ length: HELD }, () => load.send(method, "hold")),
        );
        await scene.until(() => scene.begun("hold") === 2 * HELD);
        await doomed.kill();
        const cut = doomed.journal.slice(before).filter(({ event }) => event === "begin");
        const cutPosts = cut.filter(({ id }) => id.startsWith("hold-POST")).length;
        const cutGets = cut.length - cutPosts;
        assert.ok(cutPosts > 0 && cutGets > 0, "both kinds were under way on the one that is killed");
        // Each GET of the killed one begins once more, at the other, before anything is answered.
        await scene.until(() => scene.begun("hold") === 2 * HELD + cutGets);
        other.command("release");
        await Promise.all(held);
        assert.deepEqual(load.tally("GET", scene.upstreams), {
          requests: HELD,
          failed: {},
          repeated: cutGets,
          lost: 0,
        });
        const { requests, ...posts } = load.tally("POST", scene.upstreams);
        assert.ok(requests > HELD);
        assert.deepEqual(posts, { failed: { "503 UPSTREAM_UNREACHABLE": cutPosts }, repeated: 0, lost: 0 });
      });
    });

    test(`GOAWAY under load fails, repeats and loses nothing, ${client}`, async () => {
      await Scene.run(async (scene) => {
        const upstream = await scene.upstream();
        const load = await scene.start([upstream.address], { client });
        load.start(UNDER_WAY);
        for (let i = 0; i < 10 * ROUNDS; i++) {
          await load.next(50);
          upstream.command("goaway");
        }
        await load.next(50);
        await load.stop();
        assertUnharmed(load, scene);
      });
    });
  }

  for (const client of IS_WHOLE ? CLIENTS : (["http2"] as const)) {
    test(`a rolling restart in good order fails, repeats and loses nothing, ${client}`, async () => {
      await Scene.run(async (scene) => {
        const load = await rollingRestart(scene, client, "shutDown");
        assertUnharmed(load, scene);
      });
    });

    test(`a rolling restart by SIGKILL fails no GET and repeats no POST, ${client}`, async () => {
      await Scene.run(async (scene) => {
        const load = await rollingRestart(scene, client, "kill");
        const gets = load.tally("GET", scene.upstreams);
        assert.deepEqual([gets.failed, gets.lost], [{}, 0]);
        const { failed, repeated, lost } = load.tally("POST", scene.upstreams);
        assert.deepEqual([repeated, lost], [0, 0]);
        const { "503 UPSTREAM_UNREACHABLE": cut = 0, ...others } = failed;
        assert.deepEqual(others, {});
        assert.ok(cut <= UNDER_WAY * 3 * ROUNDS, `${cut} failed, more than were under way at three kills`);
      });
    });
  }
});

/** Replaces each of three replicas, one after the other, at the same port under load. */
async function rollingRestart(scene: Scene, client: string, end: "shutDown" | "kill"): Promise<Load> {
  const replicas = await scene.replicas(3);
  const load = await scene.start(
    replicas.map(({ address }) => address),
    { client },
  );
  load.start(UNDER_WAY);
  await load.next(100);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, replica] of replicas.entries()) {
      await replica[end]();
      await load.next(50);
      const successor = await scene.upstream({ address: replica.address });
      replicas[i] = successor;
      await scene.until(() => successor.begun >= 10);
    }
  }
  await load.stop();
  return load;
}

function assertUnharmed(load: Load, scene: Scene): void {
  for (const method of ["GET", "POST"] as const) {
    const { requests, ...harm } = load.tally(method, scene.upstreams);
    assert.ok(requests > 0);
    assert.deepEqual(harm, { failed: {}, repeated: 0, lost: 0 }, method);
  }
}
