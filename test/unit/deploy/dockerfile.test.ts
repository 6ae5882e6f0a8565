import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";

interface Instruction {
  readonly name: string;
  readonly value: string;
}

/** The instructions of a Dockerfile, continued lines joined, comments left out. */
function parseDockerfile(text: string): Instruction[] {
  return text
    .split("\n")
    .filter((line) => !line.startsWith("#"))
    .join("\n")
    .replaceAll(/\\\n\s*/g, "")
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const [name = "", ...rest] = line.split(" ");
      return { name, value: rest.join(" ").trim() };
    });
}

const instructions = parseDockerfile(readFileSync("Dockerfile", "utf8"));
const finalStage = instructions.slice(instructions.findLastIndex(({ name }) => name === "FROM"));

function finalValue(name: string): string {
  const found = finalStage.filter((instruction) => instruction.name === name);
  assert.equal(found.length, 1, `one ${name} in the final stage`);
  return found[0]?.value ?? "";
}

describe("Dockerfile", () => {
  it("has two stages on node:24-trixie-slim", () => {
    const bases = instructions.filter(({ name }) => name === "FROM").map(({ value }) => value);
    assert.deepEqual(bases, ["node:24-trixie-slim AS build", "node:24-trixie-slim"]);
  });

  it("runs as a user that is not root, by number", () => {
    assert.match(finalValue("USER"), /^[1-9]\d*:[1-9]\d*$/);
    const names = finalStage.map(({ name }) => name);
    assert.ok(names.indexOf("USER") < names.indexOf("ENTRYPOINT"));
  });

  it("leaves behind every package that the bundle holds", () => {
    const commands = instructions.filter(({ name }) => name === "RUN").map(({ value }) => value);
    assert.match(commands[0] ?? "", /^npm install\b/);
    assert.match(
      commands.at(-1) ?? "",
      /^npm run build && npm pkg delete dependencies devDependencies && npm prune$/,
    );
    assert.ok(
      finalStage.every(({ name }) => name !== "RUN"),
      "nothing is installed in the final stage",
    );
  });

  it("starts the gateway itself, so that signals reach it", () => {
    assert.deepEqual(JSON.parse(finalValue("ENTRYPOINT")), ["node", "/app/dist/main.js"]);
    assert.deepEqual(JSON.parse(finalValue("CMD")), ["serve", "--config", "/etc/sluice/sluice.yaml"]);
    assert.equal(finalValue("STOPSIGNAL"), "SIGTERM");
  });

  it("copies only what is there and what .dockerignore lets through", () => {
    const allowed = readFileSync(".dockerignore", "utf8")
      .split("\n")
      .filter((line) => line.startsWith("!"))
      .map((line) => line.slice(1));
    const sources = instructions
      .filter(({ name, value }) => name === "COPY" && !value.startsWith("--from="))
      .flatMap(({ value }) => value.split(" ").slice(0, -1));
    assert.deepEqual(sources.toSorted(), allowed.toSorted());
    assert.deepEqual(
      sources.filter((source) => !existsSync(source)),
      [],
    );
  });

  const replies: [title: string, status: number | undefined, exitCode: number][] = [
    ["is healthy when /healthz answers 200", 200, 0],
    ["is unhealthy when /healthz answers 503", 503, 1],
    ["is unhealthy when nobody answers", undefined, 1],
  ];
  for (const [title, status, exitCode] of replies) {
    it(title, async () => {
      const [, form = ""] = finalValue("HEALTHCHECK").split(" CMD ");
      const [, ...args]: string[] = JSON.parse(form);
      const server = createServer((request, reply) => {
        reply.writeHead(request.url === "/healthz" ? (status ?? 500) : 404).end();
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      // A TCP server has an AddressInfo once it listens.
      const { port } = server.address() as AddressInfo;
      if (status === undefined) server.close();
      const env = { ...process.env, SLUICE_HEALTH_URL: `http://127.0.0.1:${port}/healthz` };
      const [code] = await once(spawn(process.execPath, args, { env, stdio: "ignore" }), "exit");
      server.close();
      assert.equal(code, exitCode);
    });
  }
});
