/** Client certificates that change while requests run. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { test } from "node:test";
import { ECHO_DESCRIPTORS } from "../../support/echo-server.ts";
import { type GatewayProcess, startGateway, temporaryFiles } from "../../support/gateway-process.ts";
import { pem } from "../../support/tls.ts";
import { TlsUpstream } from "../../support/tls-upstream.ts";

const SCHEMA = { descriptors: [resolve(ECHO_DESCRIPTORS)] };

function fixture(name: string): string {
  return resolve("test/fixtures/tls", name);
}

async function metricsOf(gateway: GatewayProcess): Promise<string> {
  return await (await fetch(`${gateway.adminUrl}/metrics`)).text();
}

for (const client of ["http2", "grpc-js"] as const) {
  test(`certificates are rotated under load without a lost request (${client})`, {
    timeout: 90_000,
  }, async (t) => {
    const upstream = await TlsUpstream.start({ clientCa: "client-ca.pem", answer: "empty" });
    const files = await temporaryFiles({
      "client.pem": pem("client.pem"),
      "client.key": pem("client.key"),
    });
    const tls = {
      ca: fixture("ca.pem"),
      serverName: "upstream.test",
      certificate: files.path("client.pem"),
      key: files.path("client.key"),
    };
    const gateway = await startGateway({
      upstreams: { echo: { address: upstream.address, schema: SCHEMA, client, tls } },
    });
    t.after(async () => {
      await gateway.stop("SIGKILL");
      await upstream.close();
      await files.remove();
    });

    let isStopping = false;
    let sent = 0;
    const faults: string[] = [];
    const loop = async (): Promise<void> => {
      while (!isStopping) {
        const id = String(sent++);
        const reply = await fetch(`${gateway.url()}/v1/ping`, { headers: { "x-call": id } });
        const body = await reply.text();
        if (reply.status !== 200) faults.push(`${id}: ${reply.status} ${body}`);
      }
    };
    const loops = Array.from({ length: 8 }, loop);

    await writeFile(files.path("client.pem"), pem("client-next.pem"));
    await writeFile(files.path("client.key"), pem("client-next.key"));
    await gateway.logged(({ msg, upstream: name }) => msg === "TLS files reloaded" && name === "echo");
    await upstream.until(() => upstream.clients.length === 1 && upstream.clients[0] === "gateway-next");

    await writeFile(files.path("client.key"), pem("client.key"));
    const broken = await gateway.logged(
      ({ msg }) => msg === "TLS files not reloaded; the old ones stay in use",
    );
    assert.match(JSON.stringify(broken.problems), /client\.key is not the key of the certificate/);
    const goal = sent + 100;
    while (sent < goal) await new Promise(setImmediate);
    isStopping = true;
    await Promise.all(loops);

    assert.deepEqual(faults, []);
    assert.equal(upstream.calls.size, sent);
    assert.deepEqual(
      [...upstream.calls].filter(([, times]) => times !== 1),
      [],
    );
    const metrics = await metricsOf(gateway);
    assert.match(metrics, /^sluice_upstream_tls_reloads_total\{upstream="echo",result="success"\} 1$/m);
    assert.match(metrics, /^sluice_upstream_tls_reloads_total\{upstream="echo",result="failure"\} 1$/m);
    assert.doesNotMatch(gateway.stderr + JSON.stringify(gateway.log), /BEGIN|MIG[A-Z]/);
  });
}
