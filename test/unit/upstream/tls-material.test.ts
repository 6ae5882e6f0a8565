/** What can be wrong with the material of TLS; nothing of it is ever quoted. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { describe, test } from "node:test";
import { TlsCredentials, type TlsMaterial } from "../../../src/upstream/index.ts";
import { credentialsOf, pem, tlsMaterial } from "../../support/tls.ts";

const NOW: number = Date.UTC(2026, 0, 1);

function identity(certificatePem: string, keyPem: string): TlsMaterial {
  return { caPem: undefined, identity: { certificatePem, keyPem } };
}

function authorities(caPem: string): TlsMaterial {
  return { caPem, identity: undefined };
}

function encryptedKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return privateKey
    .export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "x" })
    .toString();
}

const BROKEN = pem("ca.pem").replace(/\n[A-Za-z0-9+/]{10}/, "\n!!!!!!!!!!");

const CASES: readonly {
  readonly name: string;
  readonly material: TlsMaterial;
  readonly nowMs?: number;
  readonly faults: readonly string[];
}[] = [
  {
    name: "nothing: the authorities of Node",
    material: { caPem: undefined, identity: undefined },
    faults: [],
  },
  { name: "an authority and a pair", material: tlsMaterial("client"), faults: [] },
  {
    name: "two authorities, text around them",
    material: authorities(`# ours\n${pem("ca.pem")}\n${pem("ca-next.pem")}`),
    faults: [],
  },
  {
    name: "no PEM",
    material: authorities("no PEM"),
    faults: ["error ca holds no PEM certificate, or a broken one"],
  },
  {
    name: "an empty file",
    material: authorities(""),
    faults: ["error ca holds no PEM certificate, or a broken one"],
  },
  {
    name: "a key for an authority",
    material: authorities(pem("client.key")),
    faults: ["error ca holds no PEM certificate, or a broken one"],
  },
  {
    name: "a broken certificate",
    material: authorities(BROKEN),
    faults: ["error ca holds no PEM certificate, or a broken one"],
  },
  {
    name: "a sound authority before a broken one",
    material: authorities(pem("ca.pem") + BROKEN),
    faults: ["error ca holds no PEM certificate, or a broken one"],
  },
  {
    name: "a bundle that is cut",
    material: authorities(pem("ca.pem") + pem("ca-next.pem").slice(0, 200)),
    faults: ["error ca holds no PEM certificate, or a broken one"],
  },
  {
    name: "an authority that has expired",
    material: authorities(pem("ca.pem")),
    nowMs: Date.UTC(2130, 0, 1),
    faults: ["warning ca expired on 2120-01-01"],
  },
  {
    name: "one of two authorities has expired",
    material: authorities(pem("client-expired.pem") + pem("ca.pem")),
    faults: [],
  },
  {
    name: "the key of another certificate",
    material: identity(pem("client.pem"), pem("client-next.key")),
    faults: ["error key is not the key of the certificate"],
  },
  {
    name: "the authority's certificate before the own one",
    material: identity(pem("client-ca.pem") + pem("client.pem"), pem("client.key")),
    faults: ["error key is not the key of the certificate"],
  },
  {
    name: "files the wrong way round",
    material: identity(pem("client.key"), pem("client.pem")),
    faults: [
      "error certificate holds no PEM certificate, or a broken one",
      "error key holds no PEM private key",
    ],
  },
  {
    name: "a key with a passphrase",
    material: identity(pem("client.pem"), encryptedKey()),
    faults: ["error key holds an encrypted key"],
  },
  {
    name: "a certificate that has expired",
    material: identity(pem("client-expired.pem"), pem("client-expired.key")),
    faults: ["warning certificate expired on 2021-01-01"],
  },
  {
    name: "a certificate of the future",
    material: identity(pem("client.pem"), pem("client.key")),
    nowMs: Date.UTC(2019, 0, 1),
    faults: ["warning certificate is valid from 2020-01-01 on"],
  },
  {
    name: "faults of all parts at once",
    material: { caPem: "", identity: { certificatePem: pem("client-expired.pem"), keyPem: "" } },
    faults: [
      "error ca holds no PEM certificate, or a broken one",
      "error key holds no PEM private key",
      "warning certificate expired on 2021-01-01",
    ],
  },
];

describe("TLS material", () => {
  for (const { name, material, nowMs = NOW, faults } of CASES) {
    test(name, () => {
      const opened = TlsCredentials.open(material, "TLSv1.2", nowMs);
      assert.deepEqual(
        opened.faults.map(({ severity, part, what }) => `${severity} ${part} ${what}`),
        faults,
      );
      const isUsable = !faults.some((fault) => fault.startsWith("error"));
      assert.equal(opened.credentials !== undefined, isUsable);
      assert.doesNotMatch(JSON.stringify(opened.faults), /BEGIN|MIG|MII/);
    });
  }

  test("a certificate whose key OpenSSL finds too small is named by OpenSSL's code", () => {
    const opened = TlsCredentials.open(
      identity(pem("client-weak.pem"), pem("client-weak.key")),
      "TLSv1.2",
      NOW,
    );
    assert.equal(opened.credentials, undefined);
    const fault = opened.faults.find(({ severity }) => severity === "error");
    assert.equal(fault?.what, "is refused by OpenSSL: ERR_SSL_EE_KEY_TOO_SMALL");
  });
});

describe("credentials", () => {
  test("tell listeners of new material, until they stop listening; never of broken material", () => {
    const credentials = credentialsOf(tlsMaterial("client"));
    const before = credentials.context;
    let changes = 0;
    const stop = credentials.onChange(() => changes++);
    assert.equal(credentials.replace(authorities("no PEM"), NOW)[0]?.severity, "error");
    assert.deepEqual([changes, credentials.context], [0, before]);
    assert.deepEqual(credentials.replace(tlsMaterial("client-next"), NOW), []);
    assert.equal(changes, 1);
    assert.notEqual(credentials.context, before);
    stop();
    credentials.replace(tlsMaterial("client"), NOW);
    assert.equal(changes, 1);
  });

  test("tell when the own certificate ends", () => {
    const credentials = credentialsOf(tlsMaterial("client-expired"));
    assert.equal(credentials.expiresAt, Date.UTC(2021, 0, 1));
    credentials.replace(tlsMaterial("client"), NOW);
    assert.equal(credentials.expiresAt, Date.UTC(2120, 0, 1));
    credentials.replace(tlsMaterial(), NOW);
    assert.equal(credentials.expiresAt, undefined);
  });
});
