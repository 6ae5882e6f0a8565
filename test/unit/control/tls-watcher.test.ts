/** Rotated TLS files: when they are taken up, and what is said of those that cannot be. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import type { FilePath, TlsConfig } from "../../../src/config/index.ts";
import { readTlsFiles, TlsWatcher, upstreamTlsTarget } from "../../../src/control/index.ts";
import { createLogger } from "../../../src/telemetry/index.ts";
import { TlsCredentials } from "../../../src/upstream/index.ts";
import { pem } from "../../support/tls.ts";

const NOW: number = Date.UTC(2026, 0, 1);

interface Rotation {
  readonly folder: string;
  readonly credentials: TlsCredentials;
  readonly watcher: TlsWatcher;
  /** How often new material came into force. */
  readonly changes: () => number;
  readonly reloads: string[];
  readonly lines: Readonly<Record<string, unknown>>[];
  readonly put: (files: Readonly<Record<string, string>>) => Promise<void>;
}

/** A folder with ca.pem, client.pem and client.key, and a watcher of them; `prepare` may lay it out in its own way. */
async function start(t: TestContext, prepare?: (folder: string) => Promise<void>): Promise<Rotation> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-tls-"));
  t.after(() => rm(folder, { recursive: true }));
  const put = async (files: Readonly<Record<string, string>>): Promise<void> => {
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  };
  const first = { "ca.pem": pem("ca.pem"), "client.pem": pem("client.pem"), "client.key": pem("client.key") };
  await (prepare === undefined ? put(first) : prepare(folder));
  const file = (name: string): FilePath => ({ text: `certs/${name}`, resolved: join(folder, name) });
  const tls: TlsConfig = {
    ca: file("ca.pem"),
    serverName: undefined,
    identity: { certificate: file("client.pem"), key: file("client.key") },
    minVersion: "TLSv1.2",
  };
  const files = await readTlsFiles(tls);
  assert.ok(files.material !== undefined, JSON.stringify(files.faults));
  const { credentials } = TlsCredentials.open(files.material, "TLSv1.2", NOW);
  assert.ok(credentials !== undefined);
  let changes = 0;
  credentials.onChange(() => changes++);
  const reloads: string[] = [];
  const lines: Readonly<Record<string, unknown>>[] = [];
  const log = createLogger("info", { write: (line) => lines.push(JSON.parse(line)) });
  const config = { locate: (path: readonly (string | number)[]): string => `c.yaml:${path.join(".")}` };
  const watcher = new TlsWatcher({
    targets: [upstreamTlsTarget(config, "library", tls, credentials, files.digest)],
    log,
    onReload: ({ name }, result) => reloads.push(`${name} ${result}`),
    now: () => NOW,
    pause: () => Promise.reject(new Error("looked at by hand")),
  });
  return { folder, credentials, watcher, changes: () => changes, reloads, lines, put };
}

async function look(watcher: TlsWatcher, times: number): Promise<void> {
  for (let i = 0; i < times; i++) await watcher.look();
}

const NEXT = { "client.pem": pem("client-next.pem"), "client.key": pem("client-next.key") };

describe("files that change", () => {
  test("are taken up once", async (t) => {
    const { watcher, put, changes, reloads, lines } = await start(t);
    await look(watcher, 2);
    assert.deepEqual([changes(), reloads, lines], [0, [], []]);
    await put(NEXT);
    await look(watcher, 3);
    assert.equal(changes(), 1);
    assert.deepEqual(reloads, ["library success"]);
    assert.deepEqual(
      lines.map(({ msg, upstream }) => [msg, upstream]),
      [["TLS files reloaded", "library"]],
    );
  });

  test("only in their times change nothing", async (t) => {
    const { watcher, put, changes } = await start(t);
    await put({ "client.pem": pem("client.pem"), "client.key": pem("client.key") });
    await look(watcher, 2);
    assert.equal(changes(), 0);
  });

  test("one after the other are taken up with the second, and nothing is said in between", async (t) => {
    const { watcher, put, changes, reloads, lines } = await start(t);
    await put({ "client.pem": NEXT["client.pem"] });
    await look(watcher, 1);
    assert.deepEqual([changes(), reloads, lines], [0, [], []]);
    await put({ "client.key": NEXT["client.key"] });
    await look(watcher, 1);
    assert.deepEqual([changes(), reloads], [1, ["library success"]]);
  });

  test("behind the symlinked folder of a Kubernetes secret are found", async (t) => {
    const { folder, watcher, changes } = await start(t, async (home) => {
      for (const [name, identity] of [
        ["..one", "client"],
        ["..two", "client-next"],
      ] as const) {
        await mkdir(join(home, name));
        await writeFile(join(home, name, "ca.pem"), pem("ca.pem"));
        for (const end of ["pem", "key"])
          await writeFile(join(home, name, `client.${end}`), pem(`${identity}.${end}`));
      }
      await symlink("..one", join(home, "..data"));
      for (const name of ["ca.pem", "client.pem", "client.key"])
        await symlink(`..data/${name}`, join(home, name));
    });
    await look(watcher, 1);
    assert.equal(changes(), 0);
    await symlink("..two", join(folder, "..data.new"));
    await rename(join(folder, "..data.new"), join(folder, "..data"));
    await look(watcher, 1);
    assert.equal(changes(), 1);
  });

  test("to a certificate that has expired are taken up with a warning", async (t) => {
    const { watcher, put, changes, lines } = await start(t);
    await put({ "client.pem": pem("client-expired.pem"), "client.key": pem("client-expired.key") });
    await look(watcher, 1);
    assert.equal(changes(), 1);
    assert.match(
      String(lines[1]?.problem),
      /^c\.yaml:upstreams\.library\.tls\.certificate: upstream library: certs\/client\.pem expired on 2021-01-01 \(.+\)$/,
    );
  });
});

describe("files that are broken", () => {
  const broken: Readonly<Record<string, readonly [files: Readonly<Record<string, string>>, words: RegExp]>> =
    {
      "no PEM": [{ "ca.pem": "" }, /tls\.ca: upstream library: certs\/ca\.pem holds no PEM certificate/],
      "a key of another pair": [
        { "client.key": pem("client-next.key") },
        /tls\.key: upstream library: certs\/client\.key is not the key of the certificate/,
      ],
      "a cut key": [
        { "client.key": pem("client.key").slice(0, 100) },
        /certs\/client\.key holds no PEM private key/,
      ],
      "a file that is far too long": [
        { "client.pem": "#".repeat(2 ** 20 + 1) },
        /certs\/client\.pem has 1048577 bytes, which no PEM file of certificates has/,
      ],
    };
  for (const [name, [files, words]] of Object.entries(broken)) {
    test(`${name}: the old material stays, which is said once, at the second look`, async (t) => {
      const { watcher, put, changes, reloads, lines } = await start(t);
      await put(files);
      await look(watcher, 1);
      assert.deepEqual([reloads, lines], [[], []]);
      await look(watcher, 3);
      assert.equal(changes(), 0);
      assert.deepEqual(reloads, ["library failure"]);
      assert.equal(lines.length, 1);
      assert.match(JSON.stringify(lines[0]?.problems), words);
      assert.doesNotMatch(JSON.stringify(lines), /BEGIN|MIG|MII/);
    });
  }

  test("or away are told by the system's code, and taken up when they are back", async (t) => {
    const { folder, watcher, put, changes, reloads, lines } = await start(t);
    await rm(join(folder, "client.key"));
    await look(watcher, 3);
    assert.match(JSON.stringify(lines[0]?.problems), /certs\/client\.key cannot be read: ENOENT/);
    await put(NEXT);
    await look(watcher, 1);
    assert.deepEqual([changes(), reloads], [1, ["library failure", "library success"]]);
  });

  test("and then as they were need no reload, and are told anew when they break again", async (t) => {
    const { watcher, put, changes, reloads } = await start(t);
    for (let i = 0; i < 2; i++) {
      await put({ "ca.pem": "" });
      await look(watcher, 2);
      await put({ "ca.pem": pem("ca.pem") });
      await look(watcher, 2);
    }
    assert.deepEqual([changes(), reloads], [0, ["library failure", "library failure"]]);
  });
});

test("a watcher looks after every pause, until it is stopped", async () => {
  let looks = 0;
  let wake: () => void = () => undefined;
  const looked = new Promise<void>((resolve) => {
    wake = resolve;
  });
  const watcher = new TlsWatcher({
    targets: [
      {
        owner: { kind: "upstream", name: "library" },
        digest: "same",
        look: () => {
          if (++looks === 3) wake();
          return Promise.resolve({ digest: "same", take: () => [] });
        },
      },
    ],
    log: createLogger("silent"),
    onReload: () => undefined,
    now: () => NOW,
    pause: (_ms, signal) =>
      signal.aborted ? Promise.reject(new Error("stopped")) : new Promise(setImmediate),
  });
  watcher.start();
  await looked;
  await watcher.stop();
  const atStop = looks;
  await new Promise(setImmediate);
  assert.equal(looks, atStop);
});
