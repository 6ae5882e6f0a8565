/** The manifests of deploy/kubernetes: of the shape that Kubernetes takes, and in step with each other and with the config. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { describe, it } from "node:test";
import { parseAllDocuments } from "yaml";
import { parseConfigText } from "../../../src/config/index.ts";

const FOLDER = "deploy/kubernetes";
const CHECKS = resolve(".cache/kubernetes-manifests");

interface Manifest {
  readonly file: string;
  readonly apiVersion: string;
  readonly kind: string;
  // Read from YAML that the schema check has passed; the tests below look for what must be there.
  readonly content: Tree;
}

/** A part of a manifest, reached by names and indexes. */
class Tree {
  readonly value: unknown;

  constructor(value: unknown) {
    this.value = value;
  }

  at(...path: readonly (string | number)[]): Tree {
    let value = this.value;
    for (const key of path) {
      value = typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
    }
    return new Tree(value);
  }

  get items(): readonly Tree[] {
    return Array.isArray(this.value) ? this.value.map((item) => new Tree(item)) : [];
  }

  get number(): number {
    return typeof this.value === "number" ? this.value : 0;
  }

  get text(): string {
    return typeof this.value === "string" ? this.value : "";
  }
}

const manifests: readonly Manifest[] = ["edge", "sidecar"].flatMap((folder) =>
  readdirSync(join(FOLDER, folder))
    .filter((name) => !["kustomization.yaml", "sluice.yaml"].includes(name))
    .flatMap((name) => read(join(FOLDER, folder, name))),
);
const pods = manifests
  .filter(({ kind }) => kind === "Deployment")
  .map(({ file, content }) => ({ file, spec: content.at("spec", "template", "spec") }));
const configs: readonly (readonly [file: string, text: string])[] = [
  [`${FOLDER}/edge/sluice.yaml`, readFileSync(`${FOLDER}/edge/sluice.yaml`, "utf8")],
  ...manifests
    .map(({ file, content }) => [file, content.at("data", "sluice.yaml").text] as const)
    .filter(([, text]) => text !== ""),
];

describe("Kubernetes manifests", () => {
  it("hold no field that Kubernetes does not know, and none of another type", () => {
    const faults = typeFaults(manifests);
    assert.deepEqual(faults, []);
  });

  it("are refused by that check where a field is misspelt", () => {
    const [deployment] = manifests.filter(({ kind }) => kind === "Deployment");
    assert.ok(deployment !== undefined);
    const text = JSON.stringify(deployment.content.value).replace('"image"', '"imagee"');
    const misspelt = { ...deployment, content: new Tree(JSON.parse(text)) };
    assert.match(typeFaults([misspelt]).join("\n"), /imagee/);
  });

  it("keep formats, ranges and required fields", () => {
    for (const manifest of manifests) {
      assert.doesNotThrow(() => validate(manifest), `${manifest.file}, ${manifest.kind}`);
    }
  });

  it("carry configs without a problem", () => {
    assert.equal(configs.length, 2);
    for (const [file, text] of configs) {
      const { problems } = parseConfigText(text, file, {});
      assert.deepEqual(problems, [], file);
    }
  });

  it("give a pod longer to end than preStop and draining take", () => {
    assert.equal(pods.length, 2);
    for (const { file, spec } of pods) {
      const config = configs.find(([name]) => name === file || name === `${FOLDER}/edge/sluice.yaml`);
      const drainSeconds = Number(/drainTimeout: (\d+)s/.exec(config?.[1] ?? "")?.[1]);
      const sleeps = containersOf(spec).map(
        (each) => each.at("lifecycle", "preStop", "sleep", "seconds").number,
      );
      const needed = Math.max(...sleeps) + drainSeconds;
      assert.ok(spec.at("terminationGracePeriodSeconds").number > needed, file);
    }
  });

  it("probe and route to ports that the container names", () => {
    for (const { file, spec } of pods) {
      const [sluice] = containersOf(spec).filter((each) => each.at("name").text === "sluice");
      assert.ok(sluice !== undefined, file);
      const ports = sluice.at("ports").items.map((port) => port.at("name").text);
      assert.deepEqual(ports, ["http", "admin"], file);
      for (const probe of ["startupProbe", "livenessProbe", "readinessProbe"]) {
        assert.equal(sluice.at(probe, "httpGet", "port").text, "admin", `${file}, ${probe}`);
      }
      assert.equal(sluice.at("readinessProbe", "httpGet", "path").text, "/readyz", file);
    }
  });

  it("mount ConfigMaps as folders, so that the gateway sees them change", () => {
    for (const { file, spec } of pods) {
      const mounts = containersOf(spec).flatMap((each) => each.at("volumeMounts").items);
      assert.ok(mounts.length > 0, file);
      assert.ok(
        mounts.every((mount) => mount.at("subPath").value === undefined),
        file,
      );
    }
  });

  it("run without root, without privileges and on a file system that is read-only", () => {
    for (const { file, spec } of pods) {
      assert.equal(spec.at("securityContext", "runAsNonRoot").value, true, file);
      const [sluice] = containersOf(spec).filter((each) => each.at("name").text === "sluice");
      assert.equal(sluice?.at("securityContext", "readOnlyRootFilesystem").value, true, file);
      assert.equal(sluice?.at("securityContext", "allowPrivilegeEscalation").value, false, file);
    }
  });

  it("are put together by kustomize", (t) => {
    if (spawnSync("kubectl", ["version", "--client"]).status !== 0) {
      t.skip("kubectl is not installed");
      return;
    }
    mkdirSync(".cache", { recursive: true });
    const folder = mkdtempSync(resolve(".cache/kustomize-"));
    try {
      cpSync(`${FOLDER}/edge`, folder, { recursive: true });
      cpSync("descriptors/library.binpb", join(folder, "api.binpb"));
      const { stdout, stderr, status } = spawnSync("kubectl", ["kustomize", folder], { encoding: "utf8" });
      assert.equal(status, 0, stderr);
      const kinds = parseAllDocuments(stdout).map((document) => new Tree(document.toJS()).at("kind").text);
      const expected = manifests.filter(({ file }) => file.includes("/edge/")).map(({ kind }) => kind);
      assert.deepEqual(kinds.toSorted(), [...expected, "ConfigMap", "ConfigMap"].toSorted());
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

function read(file: string): readonly Manifest[] {
  return parseAllDocuments(readFileSync(file, "utf8")).map((document) => {
    assert.deepEqual(document.errors, [], file);
    const content = new Tree(document.toJS());
    return { file, content, apiVersion: content.at("apiVersion").text, kind: content.at("kind").text };
  });
}

function containersOf(spec: Tree): readonly Tree[] {
  return [...spec.at("initContainers").items, ...spec.at("containers").items];
}

/** The class of a kind; its `validate` checks against Kubernetes' own OpenAPI description, and throws. */
type ModelClass = new (data: unknown) => { validate(): void };

/** @throws {Error} if a required field is missing or a value has the wrong format. */
function validate({ apiVersion, kind, content }: Manifest): void {
  const module: unknown = createRequire(import.meta.url)(`kubernetes-models/${apiVersion}/${kind}`);
  const found = new Tree(module).at(kind).value;
  assert.equal(typeof found, "function", `${apiVersion} ${kind}`);
  // The package makes all of its classes so.
  const Model = found as ModelClass;
  new Model(content.value).validate();
}

/** What TypeScript says of the manifests as literals of the kinds' types: it finds fields that do not exist. */
function typeFaults(checked: readonly Manifest[]): readonly string[] {
  mkdirSync(CHECKS, { recursive: true });
  const folder = mkdtempSync(join(CHECKS, "check-"));
  try {
    const lines = checked.flatMap(({ apiVersion, kind, content }, index) => [
      `import type { I${kind} as I${index} } from "kubernetes-models/${apiVersion}/${kind}";`,
      `export const manifest${index}: I${index} = ${JSON.stringify(content.value)};`,
    ]);
    writeFileSync(join(folder, "manifests.ts"), lines.join("\n"));
    const options = [
      "--ignoreConfig",
      "--noEmit",
      "--strict",
      "--skipLibCheck",
      "--module",
      "nodenext",
      "--types",
      "",
    ];
    const { stdout } = spawnSync(process.execPath, [tsc(), ...options, join(folder, "manifests.ts")], {
      encoding: "utf8",
    });
    return stdout.split("\n").filter((line) => line.includes("error"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function tsc(): string {
  return resolve("node_modules/typescript/bin/tsc");
}
