/**
 * `npm run bench:codec`: the compiled codec against @bufbuild/protobuf and protobufjs with its ProtoJSON extension, in
 * one run. All go from bytes to bytes, as a gateway does. Rounds alternate, so that what else the machine does hits all
 * alike; the best round of each counts.
 */
import { fromBinary, fromJsonString, toBinary, toJsonString } from "@bufbuild/protobuf";
import protojson from "protobufjs/ext/protojson.js";
import { CompiledCodec } from "../src/transcode/compiled/index.ts";
import { loadSamples } from "./codec-samples.ts";

const ROUNDS = 12;
const ROUND_MS = 120;

protojson.install();
const { registry, samples } = loadSamples();
const codec = new CompiledCodec(registry, {
  unknownFields: "reject",
  ignoredQueryParameters: [],
  emitDefaults: false,
  enumsAsNumbers: false,
  int64: "string",
  protoFieldNames: false,
  pretty: false,
  prettyPrintParameter: false,
  maxDepth: 100,
});

console.log("sample  direction        bytes      sluice   bufbuild  ratio   protobufjs  ratio");
for (const { name, desc, type, json } of samples) {
  const read = codec.jsonReader(desc);
  const write = codec.jsonWriter(desc);
  const wire = Buffer.from(read(json).message);
  report(name, "JSON -> wire", json.length, [
    () => read(json),
    () => toBinary(desc, fromJsonString(desc, json.toString("utf8"))),
    () => type.encode(type.fromJsonString(json.toString("utf8"))).finish(),
  ]);
  report(name, "wire -> JSON", wire.length, [
    () => write(wire),
    () => Buffer.from(toJsonString(desc, fromBinary(desc, wire))),
    () => Buffer.from(type.toJsonString(type.decode(wire))),
  ]);
}

function report(name: string, direction: string, bytes: number, runs: readonly (() => unknown)[]): void {
  const best = runs.map(() => 0);
  for (let round = 0; round < ROUNDS; round++) {
    runs.forEach((run, index) => {
      best[index] = Math.max(best[index] ?? 0, ratePerSecond(run));
    });
  }
  const [own = 0, bufbuild = 1, protobufjs = 1] = best;
  const column = (rate: number): string => Math.round(rate).toLocaleString("en").padStart(11);
  const ratio = (peer: number): string => `${(own / peer).toFixed(2)}x`.padStart(7);
  console.log(
    `${name.padEnd(7)} ${direction} ${String(bytes).padStart(9)}${column(own)}${column(bufbuild)}${ratio(bufbuild)}` +
      `  ${column(protobufjs)}${ratio(protobufjs)}`,
  );
}

function ratePerSecond(run: () => unknown): number {
  const start = process.hrtime.bigint();
  let count = 0;
  let elapsedNs = 0;
  for (let batch = 1; elapsedNs < ROUND_MS * 1e6; batch = Math.min(batch * 2, 256)) {
    for (let index = 0; index < batch; index++) run();
    count += batch;
    elapsedNs = Number(process.hrtime.bigint() - start);
  }
  return (count * 1e9) / elapsedNs;
}
