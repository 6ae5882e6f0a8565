import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Code } from "../../../src/status/index.ts";
import { Meters, type Sample } from "../../../src/telemetry/index.ts";
import { record } from "./records.ts";

const RPC = "library.v1.LibraryService.GetShelf";
const ROUTE = "/v1/{name=shelves/*}";

/** The samples of one metric, by their labels. */
async function samples(meters: Meters, name: string): Promise<ReadonlyMap<string, number>> {
  const lines = (await meters.render()).split("\n").filter((line) => line.startsWith(name));
  return new Map(
    lines.flatMap((line) => {
      const space = line.lastIndexOf(" ");
      const rest = line.slice(name.length, space);
      return rest === "" || rest.startsWith("{") ? [[rest, Number(line.slice(space + 1))] as const] : [];
    }),
  );
}

describe("a finished request", () => {
  test("counts under method, template, RPC and both statuses", async () => {
    const meters = new Meters();
    for (const fields of [{}, {}, { httpStatus: 404, code: Code.NOT_FOUND }]) {
      meters.requestStarted();
      meters.requestFinished(record(fields));
    }
    assert.deepEqual(
      await samples(meters, "sluice_requests_total"),
      new Map([
        [`{method="GET",route="${ROUTE}",rpc="${RPC}",http_status="200",grpc_status="OK"}`, 2],
        [`{method="GET",route="${ROUTE}",rpc="${RPC}",http_status="404",grpc_status="NOT_FOUND"}`, 1],
      ]),
    );
  });

  test("is timed in seconds, transcoding and upstream apart", async () => {
    const meters = new Meters();
    meters.requestStarted();
    meters.requestFinished(record());
    const sums: readonly [name: string, labels: string, seconds: number][] = [
      ["sluice_request_duration_seconds_sum", `{route="${ROUTE}",rpc="${RPC}"}`, 0.02],
      ["sluice_upstream_duration_seconds_sum", `{upstream="library",rpc="${RPC}"}`, 0.012],
      ["sluice_transcoding_duration_seconds_sum", `{rpc="${RPC}"}`, 0.0002],
    ];
    for (const [name, labels, seconds] of sums) {
      assert.deepEqual([...(await samples(meters, name))], [[labels, seconds]], name);
    }
    const buckets = await samples(meters, "sluice_upstream_duration_seconds_bucket");
    assert.equal(buckets.get(`{le="0.01",upstream="library",rpc="${RPC}"}`), 0);
    assert.equal(buckets.get(`{le="0.025",upstream="library",rpc="${RPC}"}`), 1);
  });

  test("keeps counting from one scrape to the next", async () => {
    const meters = new Meters();
    for (const total of [1, 2, 3]) {
      meters.requestFinished(record());
      assert.deepEqual([...(await samples(meters, "sluice_requests_total")).values()], [total]);
      assert.deepEqual(
        [...(await samples(meters, "sluice_request_duration_seconds_count")).values()],
        [total],
      );
    }
  });

  test("of one RPC at two upstreams is timed under each", async () => {
    const meters = new Meters();
    for (const upstream of ["a", "b", "b"]) meters.requestFinished(record({ upstream }));
    const counts = await samples(meters, "sluice_upstream_duration_seconds_count");
    assert.deepEqual(
      [...counts],
      [
        [`{upstream="a",rpc="${RPC}"}`, 1],
        [`{upstream="b",rpc="${RPC}"}`, 2],
      ],
    );
    assert.deepEqual([...(await samples(meters, "sluice_requests_total")).values()], [3]);
    assert.deepEqual([...(await samples(meters, "sluice_transcoding_duration_seconds_count")).values()], [3]);
  });

  test("that never reached an upstream has no upstream time", async () => {
    const meters = new Meters();
    meters.requestFinished(record({ upstreamMs: 0 }));
    assert.equal((await samples(meters, "sluice_upstream_duration_seconds_count")).size, 0);
  });

  test("without a route counts with empty labels, and not as an RPC", async () => {
    const meters = new Meters();
    const fields = { route: "", rpc: "", upstream: "", httpStatus: 404, code: Code.NOT_FOUND };
    meters.requestFinished(record({ ...fields, reason: "NO_ROUTE", upstreamMs: 0 }));
    assert.deepEqual(
      [...(await samples(meters, "sluice_requests_total"))],
      [['{method="GET",route="",rpc="",http_status="404",grpc_status="NOT_FOUND"}', 1]],
    );
    assert.deepEqual(
      [...(await samples(meters, "sluice_gateway_errors_total"))],
      [['{reason="NO_ROUTE"}', 1]],
    );
    assert.equal((await samples(meters, "sluice_transcoding_duration_seconds_count")).size, 0);
  });

  test("adds its unknown fields by number, not by name", async () => {
    const meters = new Meters();
    meters.requestFinished(record({ unknownFields: ["/a", "/b"] }));
    meters.requestFinished(record());
    assert.deepEqual([...(await samples(meters, "sluice_unknown_fields_total"))], [[`{rpc="${RPC}"}`, 2]]);
    assert.doesNotMatch(await meters.render(), /\/a/);
  });
});

describe("labels", () => {
  test("stay few whatever methods and paths clients make up", async () => {
    const meters = new Meters();
    for (let i = 0; i < 200; i++) {
      meters.requestFinished(
        record({ httpMethod: `M${i}`, path: `/p${i}`, peer: `192.0.2.${i}`, requestId: `r${i}`, route: "" }),
      );
    }
    assert.deepEqual(
      [...(await samples(meters, "sluice_requests_total"))],
      [[`{method="other",route="",rpc="${RPC}",http_status="200",grpc_status="OK"}`, 200]],
    );
  });

  for (const method of ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
    test(`know ${method}`, async () => {
      const meters = new Meters();
      meters.requestFinished(record({ httpMethod: method }));
      const [labels = ""] = (await samples(meters, "sluice_requests_total")).keys();
      assert.ok(labels.startsWith(`{method="${method}",`), labels);
    });
  }

  test("of a template with quotes and line breaks stay one line", async () => {
    const meters = new Meters();
    meters.requestFinished(record({ route: '/a"b\\c\nd' }));
    const [labels = ""] = (await samples(meters, "sluice_requests_total")).keys();
    assert.ok(labels.includes(String.raw`route="/a\"b\\c\nd"`), labels);
  });
});

describe("gauges", () => {
  test("requests in flight go up and down", async () => {
    const meters = new Meters();
    const inFlight = async (): Promise<number | undefined> =>
      (await samples(meters, "sluice_requests_in_flight")).get("");
    assert.equal(await inFlight(), 0);
    meters.requestStarted();
    meters.requestStarted();
    assert.equal(await inFlight(), 2);
    meters.requestFinished(record());
    assert.equal(await inFlight(), 1);
  });

  for (const kind of ["gauge", "counter"] as const) {
    test(`that are kept elsewhere are read at each scrape, and forget what is gone: a ${kind}`, async () => {
      const meters = new Meters();
      let now: readonly Sample[] = [
        [["a", "x"], 1],
        [["b", "x"], 0],
        [["a", "x"], 2],
      ];
      const labels = ["upstream", "endpoint"];
      meters.addReading({ name: "sluice_test", help: "For the test.", kind, labels, read: () => now });
      const read = async (): Promise<object> => [...(await samples(meters, "sluice_test"))];
      assert.deepEqual(await read(), [
        ['{upstream="a",endpoint="x"}', 3],
        ['{upstream="b",endpoint="x"}', 0],
      ]);
      now = [[["b", "x"], 1]];
      assert.deepEqual(await read(), [['{upstream="b",endpoint="x"}', 1]]);
    });
  }

  test("two sets of meters do not share a registry", async () => {
    const [first, second] = [new Meters(), new Meters()];
    first.requestStarted();
    assert.equal((await samples(second, "sluice_requests_in_flight")).get(""), 0);
    assert.match(first.contentType, /^text\/plain; version=0\.0\.4/);
  });
});
