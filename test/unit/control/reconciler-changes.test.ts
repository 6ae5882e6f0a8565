/** What becomes of a new config, and of a new schema, while another one serves. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import type { SchemaCache } from "../../../src/control/index.ts";
import { readDescriptorFile, readDescriptorSet, type SchemaFiles } from "../../../src/schema/index.ts";
import type { Problem } from "../../../src/status/index.ts";
import { AWAY, Bench, echo, library, settle, upstreams } from "./reconciler-bench.ts";

const BROKEN: Problem = { severity: "error", where: "api.binpb", what: "is cut off", hint: "write it again" };

/** The library service without its first method. */
function smallerLibrary(): SchemaFiles {
  const set = fromBinary(FileDescriptorSetSchema, readFileSync("descriptors/library.binpb"));
  const files = set.file.map((file) => {
    for (const service of file.service) service.method.shift();
    return readDescriptorFile(toBinary(FileDescriptorProtoSchema, file));
  });
  return { files, problems: [] };
}

/** The library service with its files the other way round. */
function reversedLibrary(): SchemaFiles {
  const files = readDescriptorSet(readFileSync("descriptors/library.binpb"));
  return { files: files.toReversed(), problems: [] };
}

describe("a new config", () => {
  test("that says the same changes nothing", async () => {
    const bench = new Bench();
    await bench.serving(upstreams(["a"]), { a: library });
    const applied = await bench.apply(upstreams(["a"]));
    assert.deepEqual(
      { ...applied, problems: applied.problems.length },
      { result: "unchanged", revision: 1, changes: [], problems: 0 },
    );
    assert.equal(bench.opened.length, 1);
    assert.equal(bench.compiled.length, 1);
    await bench.reconciler.stop();
  });

  test("with other options keeps the units, and reads no schema", async () => {
    const bench = new Bench();
    await bench.serving(upstreams(["a"]), { a: library });
    const { result } = await bench.apply(upstreams(["a"], "host:1", ", deadline: 3s"));
    assert.equal(result, "applied");
    assert.equal(bench.opened.length, 1);
    assert.equal(bench.source("a").tries.length, 1);
    assert.equal(bench.published.at(-1)?.routes[0]?.settings.deadlineMs, 3000);
    await bench.reconciler.stop();
  });

  test("with another route set of a listener serves by it, though its upstreams are the same", async () => {
    const bench = new Bench();
    const listener = (more: string): string => `listeners: [{ address: "127.0.0.1:1"${more} }]`;
    await bench.serving(upstreams(["a"]), { a: library }, listener(""));
    const rest = ", routes: { exclude: [{ path: /v1/shelves }] }";
    const applied = await bench.apply(upstreams(["a"]), listener(rest));
    assert.deepEqual([applied.result, applied.revision], ["applied", 2]);
    assert.equal(bench.published.at(-1)?.listeners[0]?.matcher.match("GET", "/v1/shelves").kind, "not-found");
    const same = await bench.apply(upstreams(["a"]), listener(rest));
    assert.equal(same.result, "unchanged");
    await bench.reconciler.stop();
  });

  test("with other options for some routes of all upstreams serves by them", async () => {
    const bench = new Bench();
    await bench.serving(upstreams(["a"]), { a: library });
    const { revision } = await bench.apply(upstreams(["a"]), "routes: [{ path: /v1/**, deadline: 3s }]");
    assert.equal(revision, 2);
    assert.equal(bench.published.at(-1)?.routes[0]?.settings.deadlineMs, 3000);
    await bench.reconciler.stop();
  });

  test("with a rule that replaces an annotation tells which routes come and go", async () => {
    const bench = new Bench();
    await bench.serving(upstreams(["a"]), { a: library });
    const rule = `, http: { rules: [{ selector: library.v1.LibraryService.GetShelf, get: "/v2/{name=shelves/*}" }] }`;
    const { changes } = await bench.apply(upstreams(["a"], "host:1", rule));
    assert.deepEqual(changes, ["- GET /v1/{name=shelves/*} (breaking)", "+ GET /v2/{name=shelves/*}"]);
    await bench.reconciler.stop();
  });

  test("with one upstream more, and one less, opens the one and retires the other", async () => {
    const bench = new Bench();
    await bench.serving(upstreams(["a", "b"]), { a: library, b: echo });
    const applying = bench.apply(upstreams(["a", "c"]));
    await settle();
    assert.equal(bench.unit("b").isClosed, false, "nothing goes before the new snapshot serves");
    bench.source("c").now.succeed(echo());
    const { changes } = await applying;
    await settle();
    assert.deepEqual(changes, ["- upstream b", "+ upstream c"]);
    assert.deepEqual(
      bench.opened.map(({ upstream, isClosed }) => [upstream, isClosed]),
      [
        ["a", false],
        ["b", true],
        ["c", false],
      ],
    );
    assert.deepEqual(bench.reconciler.known, ["a", "c"]);
    await bench.reconciler.stop();
  });

  test("with another address goes over to it once its schema is there, and then closes the old", async () => {
    const bench = new Bench();
    await bench.serving(upstreams(["a"]), { a: library });
    const [old] = bench.opened;
    const applying = bench.apply(upstreams(["a"], "host:2"));
    await settle();
    assert.equal(bench.published.length, 1);
    bench.source("a").now.succeed(library());
    const { changes } = await applying;
    await settle();
    assert.deepEqual(changes, ["~ upstream a: connected anew"]);
    assert.equal(bench.compiled.at(-1)?.units.get("a")?.channel, bench.unit("a").channel);
    const [first, second] = bench.compiled.map(({ schemas }) => schemas.get("a"));
    assert.equal(first, second, "the same files are the same schema, with all that was compiled of it");
    assert.equal(old?.isClosed, true);
    await bench.reconciler.stop();
  });

  test("with an address where nobody answers leaves the old form, and its options, until somebody does", async () => {
    const bench = new Bench();
    await bench.serving(upstreams(["a", "b"]), { a: library, b: echo });
    const [old] = bench.opened;
    const next = `${upstreams(["a"], "host:2", ", deadline: 3s")}\n${upstreams(["b"], "host:1", ", deadline: 4s")}`;
    const applying = bench.apply(next);
    await settle();
    bench.source("a").now.fail(AWAY);
    await applying;
    const deadlines = (): unknown =>
      Object.fromEntries(
        (bench.published.at(-1)?.routes ?? []).map((route) => [route.upstream, route.settings.deadlineMs]),
      );
    const before = bench.published[0]?.routes[0]?.settings.deadlineMs;
    assert.deepEqual(deadlines(), { a: before, b: 4000 }, "the others change all the same");
    assert.equal(old?.isClosed, false);
    assert.deepEqual(bench.reconciler.pending, [], "it is served, in its old form");
    await bench.wake();
    bench.source("a").now.succeed(library());
    await settle();
    assert.deepEqual(deadlines(), { a: 3000, b: 4000 });
    assert.equal(old?.isClosed, true);
    await bench.reconciler.stop();
  });

  test("that goes back before the new form has come gives that up", async () => {
    const bench = new Bench();
    await bench.serving(upstreams(["a"]), { a: library });
    const applying = bench.apply(upstreams(["a"], "host:2"));
    await settle();
    bench.source("a").now.fail(AWAY);
    await applying;
    await bench.apply(upstreams(["a"]));
    await settle();
    assert.deepEqual(
      bench.opened.map(({ address, isClosed }) => [address, isClosed]),
      [
        ["host:1", false],
        ["host:2", true],
      ],
    );
    await bench.reconciler.stop();
  });

  test("under which an upstream cannot be opened leaves its old form, and says why", async () => {
    const bench = new Bench();
    await bench.serving(upstreams(["a"]), { a: library });
    bench.unopenable.a = BROKEN;
    const applied = await bench.apply(upstreams(["a"], "host:2"));
    assert.deepEqual(applied.problems, [BROKEN]);
    assert.equal(bench.unit("a").isClosed, false);
    assert.equal(bench.routes.length > 0, true);
    assert.deepEqual(bench.reconciler.problems, [BROKEN]);
    await bench.reconciler.stop();
  });

  test("under which an upstream could not be opened is tried again by itself", async () => {
    const bench = new Bench();
    bench.unopenable.b = BROKEN;
    await bench.serving(upstreams(["a", "b"]), { a: library });
    const again = async (): Promise<void> => {
      for (const { end } of bench.pauses.filter(({ ms }) => ms === 5000).splice(-1)) end();
      await settle();
    };
    await again();
    assert.deepEqual(bench.reconciler.problems, [BROKEN]);
    delete bench.unopenable.b;
    await again();
    bench.source("b").now.succeed(echo());
    await settle();
    assert.deepEqual(bench.reconciler.known, ["a", "b"]);
    assert.equal(bench.reconciler.problems.includes(BROKEN), false);
    const told = bench.said("problem").filter(({ problem }) => String(problem).includes(BROKEN.what));
    assert.equal(told.length, 1, "told once");
    await bench.reconciler.stop();
  });

  test("is refused as a whole under strict, and what was opened for it closed", async () => {
    const bench = new Bench();
    await bench.serving(upstreams(["a"]), { a: library }, "strict: true");
    bench.compileProblems = [BROKEN];
    const applying = bench.apply(upstreams(["a", "b"]), "strict: true");
    await settle();
    bench.source("b").now.succeed(echo());
    const applied = await applying;
    await settle();
    assert.equal(applied.result, "refused");
    assert.equal(applied.problems.includes(BROKEN), true);
    assert.equal(bench.published.length, 1);
    assert.equal(bench.unit("b").isClosed, true);
    assert.deepEqual(bench.reconciler.known, ["a"]);
    await bench.reconciler.stop();
  });

  for (const [title, change] of [
    ["an upstream that cannot be opened", upstreams(["a"], "host:2")],
    ["strict itself, where there were problems before", upstreams(["a"])],
  ] as const) {
    test(`is refused under strict for ${title}, though no route would change`, async () => {
      const bench = new Bench();
      const isStrictBefore = change !== upstreams(["a"]);
      bench.compileProblems = isStrictBefore ? [] : [BROKEN];
      await bench.serving(upstreams(["a"]), { a: library }, `strict: ${isStrictBefore}`);
      bench.unopenable.a = BROKEN;
      const applied = await bench.apply(change, "strict: true");
      assert.deepEqual([applied.result, applied.revision], ["refused", 1]);
      assert.equal(applied.problems.includes(BROKEN), true);
      assert.equal(bench.reconciler.footing?.config.strict, isStrictBefore, "the old config is in force");
      await bench.reconciler.stop();
    });
  }
});

describe("a schema that is looked at again", () => {
  test("is read when a fingerprint changed, and changes nothing where it is the same in another order", async () => {
    const bench = new Bench();
    await bench.serving(upstreams(["a"]), { a: library });
    await bench.look();
    assert.equal(bench.source("a").tries.length, 1, "nothing said that it may have changed");
    bench.changes("a", reversedLibrary);
    await bench.look();
    assert.equal(bench.source("a").tries.length, 2);
    assert.equal(bench.compiled.length, 1);
    await bench.reconciler.stop();
  });

  test("is read when its interval has passed", async () => {
    const bench = new Bench();
    await bench.serving(upstreams(["a"]), { a: library });
    bench.now += 59_000;
    await bench.look();
    assert.equal(bench.source("a").tries.length, 1);
    bench.now += 1000;
    await bench.look();
    assert.equal(bench.source("a").tries.length, 2, "60 s, of which chance takes nothing here");
    await bench.reconciler.stop();
  });

  test("is published where it is another one, once two readings agree, with what it changes", async () => {
    const bench = new Bench();
    await bench.serving(upstreams(["a"]), { a: library });
    const before = bench.routes.length;
    bench.changes("a", smallerLibrary);
    await bench.look();
    assert.equal(bench.source("a").tries.length, 3);
    assert.equal(bench.published.length, 2);
    assert.equal(bench.routes.length < before, true);
    const changes = bench.said("changed").map(({ change }) => String(change));
    assert.equal(
      changes.some((line) => /^- [A-Z]+ \/v1\/.* \(breaking\)$/.test(line)),
      true,
      changes.join("\n"),
    );
    assert.equal(
      changes.some((line) => line.startsWith("- method library.v1.LibraryService.")),
      true,
    );
    const counts = bench.reconciler.schemaChanges.get("a")?.counts;
    assert.equal((counts?.removed ?? 0) >= 2, true);
    await bench.reconciler.stop();
  });

  test("that reads differently each time is not taken", async () => {
    const bench = new Bench();
    await bench.serving(upstreams(["a"]), { a: library });
    let readings = 0;
    bench.changes("a", () => {
      const set = fromBinary(FileDescriptorSetSchema, readFileSync("descriptors/library.binpb"));
      readings++;
      const files = set.file.map((file) => {
        file.options = undefined;
        file.dependency.push("x".repeat(readings));
        return readDescriptorFile(toBinary(FileDescriptorProtoSchema, file));
      });
      return { files, problems: [] };
    });
    for (let i = 0; i < 5; i++) await bench.look();
    assert.equal(bench.published.length, 1);
    assert.deepEqual(bench.said("schema not loaded; the last good one stays"), [
      { upstream: "a", cause: "Error: the schema reads differently each time" },
    ]);
    await bench.reconciler.stop();
  });

  for (const [title, answer, cause] of [
    [
      "that has come to have errors",
      () => ({ ...smallerLibrary(), problems: [BROKEN] }),
      "api.binpb: is cut off (write it again)",
    ],
    ["that is gone", () => ({ files: [], problems: [BROKEN] }), "api.binpb: is cut off (write it again)"],
  ] as const) {
    test(`${title} is not taken: the last good one stays, which is told once`, async () => {
      const bench = new Bench();
      await bench.serving(upstreams(["a", "b"]), { a: library, b: echo });
      bench.changes("a", answer);
      await bench.look();
      bench.changes("a", answer);
      await bench.look();
      assert.equal(bench.compiled.length, 1);
      assert.deepEqual(bench.said("schema not loaded; the last good one stays"), [{ upstream: "a", cause }]);
      assert.equal(bench.reconciler.footing?.served.get("a")?.live.follower.fault, cause);
      bench.changes("a", library);
      await bench.look();
      assert.equal(bench.reconciler.footing?.served.get("a")?.live.follower.fault, undefined);
      assert.equal(bench.compiled.length, 1, "it is what it was");
      await bench.reconciler.stop();
    });
  }

  test("that cannot be read now stays, and is tried again soon", async () => {
    const bench = new Bench();
    await bench.serving(upstreams(["a"]), { a: library });
    bench.changes("a", () => {
      throw AWAY;
    });
    await bench.look();
    assert.deepEqual(bench.said("schema not loaded; the last good one stays"), [
      { upstream: "a", cause: "nobody is at home" },
    ]);
    bench.source("a").answer = smallerLibrary;
    bench.now += 1000;
    await bench.look();
    assert.equal(bench.published.length, 2);
    await bench.reconciler.stop();
  });

  test("of one upstream leaves the units of all others", async () => {
    const bench = new Bench();
    await bench.serving(upstreams(["a", "b"]), { a: library, b: echo });
    bench.changes("a", smallerLibrary);
    await bench.look();
    assert.deepEqual(
      bench.opened.map(({ isClosed }) => isClosed),
      [false, false],
    );
    assert.equal(bench.source("b").tries.length, 1);
    await bench.reconciler.stop();
  });
});

describe("onBreakingChange: hold", () => {
  const HOLD = ", schema: { reflection: true, onBreakingChange: hold }";
  const held = (names: readonly string[], address = "host:1"): string =>
    names.map((name) => `  ${name}: { address: "${address}"${HOLD} }`).join("\n");

  test("keeps the old routes until the new schema is confirmed by its digest", async () => {
    const bench = new Bench();
    await bench.serving(held(["a"]), { a: library });
    const before = bench.routes;
    bench.changes("a", smallerLibrary);
    await bench.look();
    assert.equal(bench.published.length, 1);
    const waiting = bench.reconciler.held.get("a");
    assert.ok(waiting);
    assert.equal(
      waiting.changes.some((line) => line.startsWith("- method library.v1.LibraryService.")),
      true,
    );
    assert.equal(await bench.reconciler.confirm("a", "another"), "unknown");
    assert.equal(await bench.reconciler.confirm("b", waiting.digest), "unknown");
    const applied = await bench.reconciler.confirm("a", waiting.digest);
    assert.equal(applied !== "unknown" && applied.result, "applied");
    assert.equal(bench.routes.length < before.length, true);
    assert.equal(bench.reconciler.held.size, 0);
    await bench.reconciler.stop();
  });

  test("is over when the old schema comes back", async () => {
    const bench = new Bench();
    await bench.serving(held(["a"]), { a: library });
    bench.changes("a", smallerLibrary);
    await bench.look();
    assert.equal(bench.reconciler.held.size, 1);
    bench.changes("a", library);
    await bench.look();
    assert.equal(bench.reconciler.held.size, 0);
    assert.equal(bench.published.length, 1);
    await bench.reconciler.stop();
  });

  test("lets through what breaks nobody", async () => {
    const bench = new Bench();
    await bench.serving(held(["a"]), { a: smallerLibrary });
    bench.changes("a", library);
    await bench.look();
    assert.equal(bench.reconciler.held.size, 0);
    assert.equal(bench.published.length, 2);
    await bench.reconciler.stop();
  });

  test("holds one upstream and lets the others change", async () => {
    const bench = new Bench();
    await bench.serving(`${held(["a"])}\n${upstreams(["b"])}`, { a: library, b: echo });
    bench.changes("a", smallerLibrary);
    await bench.look();
    const applied = await bench.apply(`${held(["a"])}\n${upstreams(["b"], "host:1", ", deadline: 3s")}`);
    assert.equal(applied.result, "applied");
    assert.equal(bench.reconciler.held.has("a"), true);
    assert.equal(bench.routes.includes("GET /v1/{name=shelves/*}"), true);
    await bench.reconciler.stop();
  });

  test("keeps an upstream at its old address while the schema of the new one waits", async () => {
    const bench = new Bench();
    await bench.serving(held(["a"]), { a: library });
    const applying = bench.apply(held(["a"], "host:2"));
    await settle();
    bench.source("a").now.succeed(smallerLibrary());
    await applying;
    assert.equal(bench.opened[0]?.isClosed, false);
    assert.equal(bench.published.length, 1);
    const waiting = bench.reconciler.held.get("a");
    assert.ok(waiting);
    await bench.reconciler.confirm("a", waiting.digest);
    await settle();
    assert.equal(bench.opened[0]?.isClosed, true);
    assert.equal(bench.published.length, 2);
    await bench.reconciler.stop();
  });

  test("is over at once where the config comes to say apply", async () => {
    const bench = new Bench();
    await bench.serving(held(["a"]), { a: library });
    bench.changes("a", smallerLibrary);
    await bench.look();
    await bench.apply(upstreams(["a"]));
    assert.equal(bench.reconciler.held.size, 0);
    assert.equal(bench.published.length, 2);
    assert.equal(bench.opened.length, 1, "the policy is no part of the unit");
    await bench.reconciler.stop();
  });
});

describe("a cached schema", () => {
  const cache = (files: SchemaFiles | undefined): SchemaCache & { readonly stored: number[] } => {
    const stored: number[] = [];
    return {
      stored,
      load: async () => (files === undefined ? undefined : { origin: "cache", files: files.files }),
      store: async (sources) => {
        stored.push(sources.length);
      },
    };
  };

  test("serves while the upstream is away, and gives way to the live one", async () => {
    const bench = new Bench();
    bench.caches.a = cache(smallerLibrary());
    const started = bench.apply(upstreams(["a"]));
    await settle();
    bench.source("a").now.fail(AWAY);
    await started;
    await settle();
    const live = bench.reconciler.footing?.served.get("a")?.live;
    assert.equal(live?.follower.found?.from, "cache");
    assert.equal(live?.follower.fault, "nobody is at home");
    const cached = bench.routes.length;
    assert.ok(cached > 0);
    bench.source("a").answer = library;
    await bench.look();
    assert.ok(bench.routes.length > cached);
    assert.equal(live?.follower.found?.from, "sources");
    assert.equal(live?.follower.fault, undefined);
    await bench.reconciler.stop();
  });

  test("is written whenever a good one was read, and not read where the sources answer", async () => {
    const bench = new Bench();
    const own = cache(undefined);
    bench.caches.a = own;
    await bench.serving(upstreams(["a"]), { a: library });
    bench.changes("a", smallerLibrary);
    await bench.look();
    bench.changes("a", () => ({ files: [], problems: [BROKEN] }));
    await bench.look();
    assert.deepEqual(own.stored, [1, 1]);
    await bench.reconciler.stop();
  });
});
