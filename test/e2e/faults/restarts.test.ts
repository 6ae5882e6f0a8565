/** Upstream processes that are killed, restarted and told to leave, with calls under way. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { CLIENTS, ROUNDS, Scene } from "./scene.ts";

const HELD = 10;

describe("upstreams that come and go", { timeout: 60_000 * ROUNDS }, () => {
  test("SIGKILL mid-call", async () => {
    await Scene.run(async (scene) => {
      const [doomed, other] = await scene.replicas(2);
      assert.ok(doomed !== undefined && other !== undefined);
      const load = await scene.start([doomed.address, other.address]);
      const outcomes = Array.from({ length: HELD }, () => [
        load.send("GET", "hold"),
        load.send("POST", "hold"),
      ]).flat();
      await scene.until(() => doomed.begun + other.begun === 2 * HELD);
      await doomed.kill();
      other.command("release");
      await Promise.all(outcomes);
      console.log(
        doomed.begun,
        other.begun,
        load.tally("GET", scene.upstreams),
        load.tally("POST", scene.upstreams),
      );
    });
  });

  for (const client of CLIENTS) {
    for (const end of ["shutDown", "kill"] as const) {
      test(`rolling restart of three: ${end}, client ${client}`, async () => {
        await Scene.run(async (scene) => {
          const replicas = await scene.replicas(3);
          const load = await scene.start(
            replicas.map(({ address }) => address),
            { client },
          );
          load.start(8);
          await load.next(200);
          for (let round = 0; round < ROUNDS; round++) {
            for (const [i, replica] of replicas.entries()) {
              await replica[end]();
              await load.next(100);
              const successor = await scene.upstream({ address: replica.address });
              replicas[i] = successor;
              await scene.until(() => successor.begun >= 20);
            }
          }
          await load.stop();
          console.log(load.tally("GET", scene.upstreams), load.tally("POST", scene.upstreams));
        });
      });
    }

    test(`GOAWAY under load, client ${client}`, async () => {
      await Scene.run(async (scene) => {
        const [upstream] = await scene.replicas(1);
        assert.ok(upstream !== undefined);
        const load = await scene.start([upstream.address], { client });
        load.start(8);
        for (let i = 0; i < 10 * ROUNDS; i++) {
          await load.next(100);
          upstream.command("goaway");
        }
        await load.next(100);
        await load.stop();
        console.log(load.tally("GET", scene.upstreams), load.tally("POST", scene.upstreams));
      });
    });
  }
});
