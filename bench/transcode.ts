/**
 * `npm run bench:transcode`: whole requests and replies of a binding, path, query and body together, by the compiled
 * codec against the reflective one, in one run.
 */

import { readFileSync } from "node:fs";
import { createFileRegistry, type DescMessage, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { createCompiledFactory, createReflectiveFactory } from "../src/transcode/index.ts";
import {
  assemble,
  type BindingWords,
  type RequestWords,
  subjectOf,
} from "../test/contract/transcoder/codec.ts";
import { messageOf, registryOf } from "../test/contract/transcoder/schema.ts";
import { loadSamples } from "./codec-samples.ts";
import { bestRates, column, ratio } from "./rounds.ts";

const BLOB_BYTES = 1024 * 1024;

const { samples } = loadSamples();
const books = createFileRegistry(
  fromBinary(FileDescriptorSetSchema, readFileSync("bench/codec-samples.binpb")),
);
const [small, medium] = samples;
if (small === undefined || medium === undefined) throw new Error("the samples are gone");
const wrapped = registryOf({
  "bench.Patch": {
    fields: {
      parent: "string",
      item: "{name: string, title: string, page_count: int32, price: double, tags: repeated string, inner: {note: string, id: int64}}",
      mask: "google.protobuf.FieldMask",
      validate_only: "bool",
    },
  },
  "bench.Upload": { fields: { parent: "string", file: "google.api.HttpBody", note: "string" } },
});
const Patch = messageOf(wrapped, "bench.Patch");
const Upload = messageOf(wrapped, "bench.Upload");
const HttpBody = messageOf(wrapped, "google.api.HttpBody");
const blob = Buffer.alloc(BLOB_BYTES, 0xa5);

const codecs = [createCompiledFactory(), createReflectiveFactory()].map((factory) => subjectOf(factory, {}));

console.log("request or reply            bytes   compiled reflective  ratio");
request("GET, capture, 3 parameters", small.desc, books, {
  words: { variables: ["name"] },
  parts: { captures: ["shelves/7/books/1041"], query: "pageSize=25&with_reviews=true&languageCode=en-GB" },
});
request("GET, 3 nested parameters", Patch, wrapped, {
  words: {},
  parts: { query: "item.name=a&item.title=b&item.inner.id=77" },
});
request("POST, 1.1 kB", medium.desc, books, { words: { body: "*" }, parts: { body: medium.json } });
request("POST, 1.1 kB, capture", medium.desc, books, {
  words: { body: "*", variables: ["name"] },
  parts: { body: medium.json, captures: ["shelves/7/books/1042"] },
});
request("PATCH with its mask", Patch, wrapped, {
  words: { body: "item", variables: ["item.name"], httpMethod: "PATCH" },
  parts: {
    captures: ["shelves/7/books/1041"],
    query: "validateOnly=true",
    body: JSON.stringify({
      title: "A title",
      pageCount: 264,
      price: 17.5,
      tags: ["a", "b"],
      inner: { note: "n" },
    }),
  },
});
request("POST, HttpBody of 1 MB", Upload, wrapped, {
  words: { body: "file", variables: ["parent"] },
  parts: { body: blob, contentType: "image/png", captures: ["shelves/7"], query: "note=n" },
});
const wire = wireOf(medium.desc, books, { words: { body: "*" }, parts: { body: medium.json } });
reply("reply, 1.1 kB", medium.desc, books, {}, wire);
reply("reply, indented", medium.desc, books, {}, wire, true);
reply("reply, one field", medium.desc, books, { responseBody: "authors" }, wire);
const raw = wireOf(HttpBody, wrapped, {
  words: { body: "*" },
  parts: { body: blob, contentType: "image/png" },
});
reply("reply, HttpBody of 1 MB", HttpBody, wrapped, {}, raw);

/** A rule and a request to it. */
interface Sample {
  readonly words: Omit<BindingWords, "input">;
  readonly parts: RequestWords;
}

function request(name: string, input: DescMessage, registry: typeof books, { words, parts }: Sample): void {
  const body = typeof parts.body === "string" ? Buffer.from(parts.body) : parts.body;
  const ready = body === undefined ? parts : { ...parts, body };
  const runs = codecs.map(({ compile }) => {
    const transcoder = compile({ input, ...words }, {}, registry);
    return () => assemble(transcoder, ready);
  });
  report(name, (body?.length ?? 0) + (parts.query?.length ?? 0), runs);
}

function reply(
  name: string,
  output: DescMessage,
  registry: typeof books,
  words: Omit<BindingWords, "input">,
  message: Uint8Array,
  pretty: boolean = false,
): void {
  const runs = codecs.map(({ compile }) => {
    const transcoder = compile({ input: output, output, ...words }, {}, registry);
    // A gateway sends bytes.
    return () => {
      const rendered = transcoder.render(message, pretty);
      return typeof rendered === "string" ? Buffer.from(rendered) : rendered;
    };
  });
  report(name, message.length, runs);
}

function wireOf(input: DescMessage, registry: typeof books, { words, parts }: Sample): Uint8Array {
  const [compiled] = codecs;
  if (compiled === undefined) throw new Error("no codec");
  return assemble(compiled.compile({ input, ...words }, {}, registry), parts).message;
}

function report(name: string, bytes: number, runs: readonly (() => unknown)[]): void {
  const [own = 0, reflective = 1] = bestRates(runs);
  console.log(
    `${name.padEnd(26)} ${String(bytes).padStart(8)}${column(own)}${column(reflective)}${ratio(own, reflective)}`,
  );
}
