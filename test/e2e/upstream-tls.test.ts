/** Client certificates through the built gateway: faults of their files. Rotation is in faults/certificates.test.ts. */
import assert from "node:assert/strict";
import { resolve } from "node:path";
import { describe, test } from "node:test";
import { ECHO_DESCRIPTORS } from "../support/echo-server.ts";
import { type GatewayProcess, runSluice, startGateway, temporaryFiles } from "../support/gateway-process.ts";

const SCHEMA = { descriptors: [resolve(ECHO_DESCRIPTORS)] };

function fixture(name: string): string {
  return resolve("test/fixtures/tls", name);
}

describe("the files of an upstream's TLS", { timeout: 60_000 }, () => {
  const faults: Readonly<Record<string, readonly [tls: Readonly<Record<string, string>>, problem: RegExp]>> =
    {
      "an authority that is no PEM": [
        { ca: fixture("generate.sh") },
        /^\S+sluice\.yaml:4:\d+: upstream echo: \S+generate\.sh holds no PEM certificate, or a broken one \(.+\)$/m,
      ],
      "a key of another certificate": [
        { certificate: fixture("client.pem"), key: fixture("client-next.key") },
        /^\S+sluice\.yaml:5:\d+: upstream echo: \S+client-next\.key is not the key of the certificate \(.+\)$/m,
      ],
      "a key that cannot be read": [
        { certificate: fixture("client.pem"), key: "/no/such.key" },
        /^\S+sluice\.yaml:5:\d+: upstream echo: \/no\/such\.key cannot be read: ENOENT \(.+\)$/m,
      ],
      "a certificate without a key": [
        { certificate: fixture("client.pem") },
        /^\S+sluice\.yaml:4:\d+: upstreams\.echo\.tls\.certificate: has no key beside it \(.+\)$/m,
      ],
      "an expired certificate": [
        { certificate: fixture("client-expired.pem"), key: fixture("client-expired.key") },
        /^\S+sluice\.yaml:4:\d+: upstream echo: \S+client-expired\.pem expired on 2021-01-01 \(.+\)$/m,
      ],
    };
  for (const [name, [tls, problem]] of Object.entries(faults)) {
    test(`${name} is told by check, with its place`, async (t) => {
      const lines = [
        'listeners: [{ address: "127.0.0.1:0" }]',
        `upstreams: { echo: { address: localhost:1, schema: { descriptors: [${JSON.stringify(SCHEMA.descriptors[0])}] },`,
        "  tls: {",
        ...Object.entries(tls).map(([key, path]) => `    ${key}: ${JSON.stringify(path)},`),
        "  } } }",
      ];
      const files = await temporaryFiles({ "sluice.yaml": `${lines.join("\n")}\n` });
      t.after(() => files.remove());
      const { stdout, stderr } = await runSluice(["check", "--config", files.path("sluice.yaml")]);
      assert.match(stdout + stderr, problem);
      assert.doesNotMatch(stdout + stderr, /BEGIN|MIG[A-Z]|node:internal/);
    });
  }

  test("an expired certificate is a warning in the log, and its end a metric", async (t) => {
    const gateway = await startGateway({
      readiness: { require: "none" },
      upstreams: {
        echo: {
          address: "localhost:1",
          schema: SCHEMA,
          tls: { certificate: fixture("client-expired.pem"), key: fixture("client-expired.key") },
        },
      },
    });
    t.after(() => gateway.stop("SIGKILL"));
    const line = await gateway.logged(({ msg }) => msg === "problem");
    assert.equal(line.level, "warn");
    const expiry = Date.UTC(2021, 0, 1) / 1000;
    assert.match(
      await metricsOf(gateway),
      new RegExp(`^sluice_upstream_tls_certificate_expiry_seconds\\{upstream="echo"\\} ${expiry}$`, "m"),
    );
  });
});

async function metricsOf(gateway: GatewayProcess): Promise<string> {
  return await (await fetch(`${gateway.adminUrl}/metrics`)).text();
}
