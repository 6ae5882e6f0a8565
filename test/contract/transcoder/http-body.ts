import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type DescMessage, fromJson, type JsonValue, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { StatusError } from "../../../src/status/index.ts";
import { sliceHttpBody } from "../../../src/transcode/http-body/slice-http-body.ts";
import type { HttpBodyReply } from "../../../src/transcode/index.ts";
import { assemble, type BindingWords, refusalText, type Subject, textOf } from "./codec.ts";
import { messageOf, registryOf } from "./schema.ts";

/** The cases, as tests of one codec. */
export function httpBodyCases(subject: Subject): void {
  const { compile, assembled } = subject;

  const registry = registryOf({
    "blob.Upload": {
      fields: {
        name: "string",
        file: "google.api.HttpBody",
        size: "int32",
        more: "repeated google.api.HttpBody",
      },
    },
    "blob.Reply": {
      fields: {
        page: "{file: google.api.HttpBody, title: string, at: google.protobuf.Timestamp}",
        file: "google.api.HttpBody",
        titles: "repeated string",
        count: "int32",
        maybe: "optional int64",
        labels: "map<string,string>",
        limit: "google.protobuf.Int64Value",
        extra: "google.protobuf.Struct",
        list: "google.protobuf.ListValue",
        kind: "enum{KIND_NONE=0,KIND_A=1}",
        data: "bytes",
      },
    },
    "blob.Grouped": {
      syntax: "proto2",
      fields: { part: "optional group{file: optional google.api.HttpBody}" },
    },
  });
  const Upload = messageOf(registry, "blob.Upload");
  const Reply = messageOf(registry, "blob.Reply");
  const HttpBody = messageOf(registry, "google.api.HttpBody");

  const png = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0xff, 0x00]);
  const file = { contentType: "image/png", data: png.toString("base64") };

  function bytesOf(desc: DescMessage, json: JsonValue): Uint8Array {
    return toBinary(desc, fromJson(desc, json, { registry }));
  }

  /** The reply as text, raw ones as `content type: hex`. */
  function rendered(words: Omit<BindingWords, "input">, reply: Uint8Array): string {
    const transcoder = compile({ input: Upload, output: Reply, ...words }, {}, registry);
    const output = transcoder.render(reply, false);
    assert.equal(transcoder.repliesWithHttpBody, isRaw(output));
    if (isRaw(output)) return `${output.contentType}: ${Buffer.from(output.data).toString("hex")}`;
    return textOf(output);
  }

  function isRaw(output: string | Uint8Array | HttpBodyReply): output is HttpBodyReply {
    return typeof output === "object" && "contentType" in output;
  }

  describe("an HttpBody in a reply", () => {
    it("goes out as its bytes, be it the reply, a field, or a nested field", () => {
      assert.equal(rendered({ output: HttpBody }, bytesOf(HttpBody, file)), "image/png: 89504e47ff00");
      assert.equal(
        rendered({ responseBody: "file" }, bytesOf(Reply, { file, count: 1 })),
        "image/png: 89504e47ff00",
      );
      assert.equal(
        rendered({ responseBody: "page.file" }, bytesOf(Reply, { page: { title: "t", file }, count: 1 })),
        "image/png: 89504e47ff00",
      );
    });

    it("is found in a group", () => {
      const Grouped = messageOf(registry, "blob.Grouped");
      const bytes = bytesOf(Grouped, { part: { file } });
      assert.equal(
        rendered({ output: Grouped, responseBody: "part.file" }, bytes),
        "image/png: 89504e47ff00",
      );
    });

    it("that is unset or empty is empty, without a type", () => {
      assert.equal(rendered({ output: HttpBody }, new Uint8Array(0)), ": ");
      assert.equal(rendered({ responseBody: "file" }, bytesOf(Reply, { count: 1 })), ": ");
      assert.equal(rendered({ responseBody: "page.file" }, bytesOf(Reply, { page: { title: "t" } })), ": ");
    });

    it("never shows its extensions", () => {
      const bytes = bytesOf(HttpBody, {
        ...file,
        extensions: [{ "@type": "type.googleapis.com/google.protobuf.Empty" }],
      });
      assert.equal(rendered({ output: HttpBody }, bytes), "image/png: 89504e47ff00");
    });

    it("is decided for each binding", () => {
      const reply = bytesOf(Reply, { page: { file }, titles: ["a"] });
      assert.equal(rendered({ responseBody: "page.file" }, reply), "image/png: 89504e47ff00");
      assert.equal(rendered({ responseBody: "titles" }, reply), '["a"]');
      assert.equal(rendered({}, reply), `{"page":{"file":${JSON.stringify(file)}},"titles":["a"]}`);
    });

    it("is a view of the reply, not a copy", () => {
      const bytes = bytesOf(HttpBody, file);
      assert.equal(sliceHttpBody(bytes, []).data.buffer, bytes.buffer);
    });

    it("takes the last of several values and merges pieces, as protobuf does", () => {
      const piece = (number: number, value: string): Uint8Array =>
        new BinaryWriter()
          .tag(2, WireType.LengthDelimited)
          .fork()
          .tag(number, WireType.LengthDelimited)
          .string(value)
          .join()
          .finish();
      const bytes = Buffer.concat([piece(2, "old"), piece(1, "text/plain"), piece(2, "new")]);
      const { contentType, data } = sliceHttpBody(bytes, [2]);
      assert.equal(`${contentType} ${Buffer.from(data).toString()}`, "text/plain new");
    });

    it("of a broken reply is refused, and never read beyond the end", () => {
      const rows: readonly (readonly [name: string, bytes: readonly number[]])[] = [
        ["a tag cut short", [0x80]],
        ["a length cut short", [0x12, 0x80]],
        ["a length beyond the end", [0x12, 0x05, 0x61]],
        ["a length beyond 32 bits", [0x12, 0xff, 0xff, 0xff, 0xff, 0x7f]],
        ["field number 0", [0x02, 0x00]],
        ["an end without a group", [0x1c]],
        ["a group without an end", [0x1b, 0x08, 0x01]],
        ["a group with another's end", [0x1b, 0x24]],
        ["groups without end", Array.from({ length: 500 }, () => 0x1b)],
        ["a wire type that does not exist", [0x1e]],
        ["eight bytes cut short", [0x19, 1, 2, 3]],
        ["a varint without end", [0x18, ...Array.from({ length: 11 }, () => 0xff)]],
      ];
      for (const [name, bytes] of rows) {
        assert.match(
          refusalText(() => sliceHttpBody(Uint8Array.from(bytes), [])),
          /^UPSTREAM_REPLY_INVALID/,
          name,
        );
      }
    });

    it("of any bytes at all is a slice or a refusal", () => {
      fc.assert(
        fc.property(
          fc.uint8Array({ maxLength: 40 }),
          fc.array(fc.nat(3), { maxLength: 2 }),
          (bytes, path) => {
            try {
              sliceHttpBody(bytes, path);
            } catch (error) {
              assert.ok(error instanceof StatusError);
            }
          },
        ),
        { numRuns: 2000 },
      );
    });

    it("is found past fields of every wire type", () => {
      const bytes = new BinaryWriter();
      bytes
        .tag(11, WireType.Varint)
        .uint64(2n ** 64n - 1n)
        .tag(12, WireType.Bit64)
        .double(1)
        .tag(13, WireType.Bit32)
        .float(1);
      bytes.tag(14, WireType.StartGroup).tag(1, WireType.Varint).int32(1).tag(14, WireType.EndGroup);
      bytes.tag(2, WireType.LengthDelimited).string("x");
      assert.equal(Buffer.from(sliceHttpBody(bytes.finish(), []).data).toString(), "x");
    });
  });

  describe("response_body", () => {
    const rows: readonly (readonly [field: string, reply: JsonValue, json: string])[] = [
      ["titles", { titles: ["a", "b"] }, '["a","b"]'],
      ["titles", {}, "[]"],
      ["count", { count: 3 }, "3"],
      ["count", {}, "0"],
      ["maybe", { maybe: "9007199254740993" }, '"9007199254740993"'],
      ["maybe", {}, '"0"'],
      ["labels", { labels: { a: "1", b: "2" } }, '{"a":"1","b":"2"}'],
      ["labels", {}, "{}"],
      ["page", { page: { title: "t" } }, '{"title":"t"}'],
      ["page", {}, "{}"],
      ["page.title", { page: { title: "t" } }, '"t"'],
      ["page.title", {}, '""'],
      ["page.at", { page: { at: "1970-01-01T00:00:00Z" } }, '"1970-01-01T00:00:00Z"'],
      ["page.at", {}, "null"],
      ["limit", { limit: "7" }, '"7"'],
      ["limit", {}, "null"],
      ["extra", { extra: { a: 1 } }, '{"a":1}'],
      ["extra", {}, "{}"],
      ["list", {}, "[]"],
      ["kind", { kind: "KIND_A" }, '"KIND_A"'],
      ["kind", {}, '"KIND_NONE"'],
      ["data", { data: "AQI=" }, '"AQI="'],
    ];
    for (const [responseBody, reply, json] of rows) {
      it(`"${responseBody}" of ${JSON.stringify(reply)} replies ${json}`, () =>
        assert.equal(rendered({ responseBody }, bytesOf(Reply, reply)), json));
    }

    it("is indented where that is asked for", () => {
      const transcoder = compile({ input: Upload, output: Reply, responseBody: "titles" }, {}, registry);
      assert.equal(textOf(transcoder.render(bytesOf(Reply, { titles: ["a"] }), true)), '[\n  "a"\n]');
    });

    it("of bytes that are no reply is refused", () => {
      assert.match(
        refusalText(() => rendered({ responseBody: "titles" }, Buffer.from([0xff]))),
        /^UPSTREAM_REPLY_INVALID/,
      );
    });
  });

  describe("an HttpBody in a request", () => {
    const body = Buffer.concat([png, Buffer.from('{"a":')]);
    const data = body.toString("base64");

    it("takes any bytes, with their content type verbatim", () => {
      for (const contentType of [
        "image/png",
        "",
        "application/json; charset=latin1",
        "multipart/form-data; boundary=x",
        "Text/X",
      ]) {
        const expected = contentType === "" ? { data } : { contentType, data };
        assert.deepEqual(
          assembled({ input: HttpBody, body: "*" }, { body, contentType }, {}, registry),
          expected,
        );
        assert.deepEqual(assembled({ input: Upload, body: "file" }, { body, contentType }, {}, registry), {
          file: expected,
        });
      }
    });

    it("is present though the body is empty", () => {
      assert.deepEqual(
        assembled({ input: Upload, body: "file" }, { contentType: "image/png" }, {}, registry),
        {
          file: { contentType: "image/png" },
        },
      );
    });

    it("leaves the other fields to path and query, and keeps them out of itself", () => {
      const words = { input: Upload, body: "file", variables: ["name"] };
      assert.deepEqual(assembled(words, { body, captures: ["n"], query: "size=2" }, {}, registry), {
        name: "n",
        file: { data },
        size: 2,
      });
      const inside = (query: string): string =>
        refusalText(() => assemble(compile(words, {}, registry), { body, captures: ["n"], query }));
      assert.match(
        inside("file.content_type=x"),
        /^PARAM_INVALID file.content_type: "file" is filled by the body alone/,
      );
      assert.match(inside("file=x"), /^PARAM_INVALID file: an HttpBody is filled by the body alone/);
      const top = compile({ input: HttpBody, body: "*" }, {}, registry);
      assert.match(
        refusalText(() => assemble(top, { body, query: "content_type=x" })),
        /^PARAM_UNKNOWN content_type/,
      );
    });

    it("is an ordinary message inside of JSON", () => {
      assert.deepEqual(
        assembled({ input: Upload, body: "*" }, { body: JSON.stringify({ more: [file] }) }, {}, registry),
        { more: [file] },
      );
    });
  });
}
