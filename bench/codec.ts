/**
 * `npm run bench:codec`: the compiled codec against @bufbuild/protobuf and protobufjs with its ProtoJSON extension, in
 * one run. All go from bytes to bytes, as a gateway does.
 */
import { fromBinary, fromJsonString, toBinary, toJsonString } from "@bufbuild/protobuf";
import protojson from "protobufjs/ext/protojson.js";
import { CompiledCodec } from "../src/transcode/compiled/index.ts";
import { OPTIONS } from "../test/contract/transcoder/codec.ts";
import { loadSamples } from "./codec-samples.ts";
import { bestRates, column, ratio } from "./rounds.ts";

protojson.install();
const { registry, samples } = loadSamples();
const codec = new CompiledCodec(registry, OPTIONS);

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
  const [own = 0, bufbuild = 1, protobufjs = 1] = bestRates(runs);
  console.log(
    `${name.padEnd(7)} ${direction} ${String(bytes).padStart(9)}${column(own)}${column(bufbuild)}${ratio(own, bufbuild)}` +
      `  ${column(protobufjs)}${ratio(own, protobufjs)}`,
  );
}
