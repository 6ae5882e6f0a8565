import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type FileDescriptorProtoSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";
import {
  type Diff,
  diffSchemas,
  formatDiff,
  isEmptyDiff,
  type SchemaSet,
} from "../../../src/schema/index.ts";
import { build, file, fixture } from "./descriptors.ts";

type FileInit = MessageInitShape<typeof FileDescriptorProtoSchema>;
type MessageInit = NonNullable<FileInit["messageType"]>[number];
type FieldInit = NonNullable<MessageInit["field"]>[number];
type EnumInit = NonNullable<FileInit["enumType"]>[number];

/** What a version of `t.S.Get(Ask) returns (Answer)` may have besides the least of it. */
interface Version {
  readonly answer?: readonly FieldInit[];
  readonly ask?: readonly FieldInit[];
  readonly messages?: readonly MessageInit[];
  readonly enums?: readonly EnumInit[];
  readonly oneofs?: readonly string[];
  readonly syntax?: "proto2" | "proto3";
  readonly reply?: string;
  readonly services?: FileInit["service"];
  readonly streaming?: "server";
}

function versionOf(version: Version): SchemaSet {
  const { answer = [], ask = [], messages = [], enums = [], oneofs = [], reply = "Answer" } = version;
  const { services = [], syntax = "proto3", streaming } = version;
  const get = { name: "Get", inputType: ".t.Ask", outputType: `.t.${reply}` };
  const init: FileInit = {
    name: "t.proto",
    package: "t",
    syntax,
    dependency: ["google/protobuf/timestamp.proto"],
    messageType: [
      { name: "Ask", field: [...ask] },
      { name: "Answer", field: [...answer], oneofDecl: oneofs.map((name) => ({ name })) },
      ...messages,
    ],
    enumType: [...enums],
    service: [{ name: "S", method: [{ ...get, serverStreaming: streaming === "server" }] }, ...services],
  };
  const { schema, problems } = build(file(init));
  assert.deepEqual(problems, []);
  assert.ok(schema !== undefined);
  return schema;
}

/** A field; numbers go up from 1 by the caller's choice. */
function field(name: string, type: Type, more: FieldInit = {}): FieldInit {
  return { name, number: 1, label: Label.OPTIONAL, type, ...more };
}

function ref(name: string, type: Type, typeName: string, more: FieldInit = {}): FieldInit {
  return field(name, type, { typeName, ...more });
}

function lines(diff: Diff): readonly string[] {
  return formatDiff(diff, 100);
}

const PAGES: FieldInit = field("pages", Type.INT32);
const COLOURS = (...values: readonly [name: string, number: number][]): Version => ({
  answer: [ref("colour", Type.ENUM, ".t.Colour")],
  enums: [{ name: "Colour", value: values.map(([name, number]) => ({ name, number })) }],
});
const INNER = (name: string, ...fields: readonly FieldInit[]): Version => ({
  answer: [ref("inner", Type.MESSAGE, `.t.${name}`)],
  messages: [{ name, field: [...fields] }],
});
const MAP = (key: Type, value: Type): Version => ({
  answer: [],
  messages: [
    {
      name: "Holder",
      field: [ref("m", Type.MESSAGE, ".t.Holder.MEntry", { label: Label.REPEATED })],
      nestedType: [
        {
          name: "MEntry",
          options: { mapEntry: true },
          field: [field("key", key), field("value", value, { number: 2 })],
        },
      ],
    },
  ],
  reply: "Holder",
});

const cases: Readonly<Record<string, readonly [before: Version, after: Version, lines: readonly string[]]>> =
  {
    "nothing new": [{ answer: [PAGES] }, { answer: [PAGES] }, []],
    "a field that came": [{}, { answer: [PAGES] }, ["+ field t.Answer.pages: int32"]],
    "a field that went": [{ answer: [PAGES] }, {}, ["- field t.Answer.pages (breaking)"]],
    "a field of a request that went": [{ ask: [PAGES] }, {}, ["- field t.Ask.pages (breaking)"]],
    "a number that turns into a string of digits": [
      { answer: [PAGES] },
      { answer: [field("pages", Type.INT64)] },
      ["~ field t.Answer.pages: int32 -> int64 (breaking)"],
    ],
    "another encoding of the same numbers": [
      { answer: [PAGES] },
      { answer: [field("pages", Type.SFIXED32)] },
      ["~ field t.Answer.pages: int32 -> sfixed32"],
    ],
    "a field that turns into a list": [
      { answer: [PAGES] },
      { answer: [field("pages", Type.INT32, { label: Label.REPEATED })] },
      ["~ field t.Answer.pages: int32 -> repeated int32 (breaking)"],
    ],
    "another name in JSON": [
      { answer: [PAGES] },
      { answer: [field("pages", Type.INT32, { jsonName: "pageCount" })] },
      ["~ field t.Answer.pages: JSON name pages -> pageCount (breaking)"],
    ],
    "another field number": [
      { answer: [PAGES] },
      { answer: [field("pages", Type.INT32, { number: 7 })] },
      ["~ field t.Answer.pages: number 1 -> 7"],
    ],
    "a field that may be absent now": [
      { answer: [PAGES] },
      { answer: [field("pages", Type.INT32, { proto3Optional: true, oneofIndex: 0 })], oneofs: ["_pages"] },
      ["~ field t.Answer.pages: int32 -> optional int32"],
    ],
    "a field that is required now": [
      { syntax: "proto2", ask: [PAGES] },
      { syntax: "proto2", ask: [field("pages", Type.INT32, { label: Label.REQUIRED })] },
      ["~ field t.Ask.pages: int32 -> required int32 (breaking)"],
    ],
    "a new field that is required": [
      { syntax: "proto2" },
      { syntax: "proto2", ask: [field("pages", Type.INT32, { label: Label.REQUIRED })] },
      ["+ field t.Ask.pages: required int32 (breaking)"],
    ],
    "a field that joins a oneof": [
      { answer: [PAGES] },
      { answer: [field("pages", Type.INT32, { oneofIndex: 0 })], oneofs: ["size"] },
      ["~ field t.Answer.pages: joins oneof size (breaking)"],
    ],
    "a field that leaves a oneof": [
      { answer: [field("pages", Type.INT32, { oneofIndex: 0 })], oneofs: ["size"] },
      { answer: [PAGES] },
      ["~ field t.Answer.pages: leaves oneof size"],
    ],
    "values of an enum": [
      COLOURS(["NONE", 0], ["RED", 1], ["BLUE", 2]),
      COLOURS(["NONE", 0], ["BLUE", 3], ["GREEN", 4]),
      [
        "- enum value t.Colour.RED (breaking)",
        "~ enum value t.Colour.BLUE: 2 -> 3 (breaking)",
        "+ enum value t.Colour.GREEN",
      ],
    ],
    "an alias that comes before the name that replies had": [
      COLOURS(["NONE", 0], ["RED", 1], ["RUBY", 1]),
      COLOURS(["NONE", 0], ["CRIMSON", 1], ["RED", 1], ["RUBY", 1]),
      [
        "~ enum value t.Colour.RED: replies have its alias CRIMSON (breaking)",
        "+ enum value t.Colour.CRIMSON",
      ],
    ],
    "an alias that comes after it": [
      COLOURS(["NONE", 0], ["RED", 1]),
      COLOURS(["NONE", 0], ["RED", 1], ["CRIMSON", 1]),
      ["+ enum value t.Colour.CRIMSON"],
    ],
    "a scalar that turns into a message": [
      { answer: [field("inner", Type.STRING)] },
      INNER("Inner"),
      ["~ field t.Answer.inner: string -> t.Inner (breaking)"],
    ],
    "a message of another name with the same fields": [
      INNER("Inner", PAGES),
      INNER("Other", PAGES),
      ["~ field t.Answer.inner: t.Inner -> t.Other"],
    ],
    "a message of another name with other fields": [
      INNER("Inner", PAGES),
      INNER("Other"),
      ["- field t.Inner.pages (breaking)", "~ field t.Answer.inner: t.Inner -> t.Other"],
    ],
    "a message in the place of one with a JSON form of its own": [
      { answer: [ref("inner", Type.MESSAGE, ".google.protobuf.Timestamp")] },
      INNER("Inner", field("seconds", Type.INT64)),
      ["~ field t.Answer.inner: google.protobuf.Timestamp -> t.Inner (breaking)"],
    ],
    "values of a map": [
      MAP(Type.STRING, Type.INT32),
      MAP(Type.STRING, Type.INT64),
      ["~ field t.Holder.m: map<string, int32> -> map<string, int64> (breaking)"],
    ],
    "keys of a map": [
      MAP(Type.STRING, Type.INT32),
      MAP(Type.BOOL, Type.INT32),
      ["~ field t.Holder.m: map<string, int32> -> map<bool, int32> (breaking)"],
    ],
    "a method that streams now": [
      {},
      { streaming: "server" },
      ["~ method t.S.Get: unary -> server streaming (breaking)"],
    ],
    "a method that gives another message": [
      { answer: [PAGES] },
      { reply: "Other", messages: [{ name: "Other" }] },
      ["- field t.Answer.pages (breaking)", "~ method t.S.Get: reply: t.Answer -> t.Other"],
    ],
    "a service that came": [
      {},
      { services: [{ name: "T", method: [{ name: "Get", inputType: ".t.Ask", outputType: ".t.Ask" }] }] },
      ["+ service t.T (1 method)"],
    ],
    "a service that went": [{ services: [{ name: "T" }] }, {}, ["- service t.T (0 methods) (breaking)"]],
    "a type that no method reaches": [{ messages: [{ name: "Idle", field: [PAGES] }] }, {}, []],
  };

describe("two versions of a schema", () => {
  for (const [name, [before, after, expected]] of Object.entries(cases)) {
    test(name, () => {
      const diff = diffSchemas(versionOf(before), versionOf(after));
      assert.deepEqual(lines(diff), expected);
      assert.equal(diff.breaking, expected.filter((line) => line.endsWith("(breaking)")).length);
      assert.equal(isEmptyDiff(diff), expected.length === 0);
    });
  }

  test("a type that refers to itself is compared once", () => {
    const tree = (...more: readonly FieldInit[]): SchemaSet =>
      versionOf({
        reply: "Tree",
        messages: [{ name: "Tree", field: [ref("left", Type.MESSAGE, ".t.Tree", { number: 9 }), ...more] }],
      });
    assert.deepEqual(lines(diffSchemas(tree(PAGES), tree())), ["- field t.Tree.pages (breaking)"]);
  });

  test("methods that come and go are told one by one", () => {
    const shop = fixture("shop");
    const after = fixture("shop");
    const service = after.flatMap((each) => each.service).find(({ name }) => name === "Orders");
    const [method] = service?.method ?? [];
    assert.ok(method !== undefined);
    const oldName = method.name;
    method.name = "Renamed";
    const [one, two] = [build(...shop).schema, build(...after).schema];
    assert.ok(one !== undefined && two !== undefined);
    assert.deepEqual(lines(diffSchemas(one, two)), [
      `- method shop.Orders.${oldName} (breaking)`,
      "+ method shop.Orders.Renamed",
    ]);
  });

  test("a huge diff is cut, breaking changes first, and counts what it leaves out", () => {
    const many = (count: number, prefix: string): readonly FieldInit[] =>
      Array.from({ length: count }, (_, i) => field(`${prefix}${i}`, Type.INT32, { number: i + 1 }));
    const diff = diffSchemas(
      versionOf({ answer: many(1500, "old") }),
      versionOf({ answer: many(3000, "new") }),
    );
    assert.deepEqual(diff.counts, { added: 3000, removed: 1500, changed: 0 });
    assert.equal(diff.breaking, 1500);
    assert.equal(diff.changes.length, 2000);
    const shown = formatDiff(diff, 3);
    assert.deepEqual(shown, [
      "- field t.Answer.old0 (breaking)",
      "- field t.Answer.old1 (breaking)",
      "- field t.Answer.old2 (breaking)",
      "... and 4,497 more",
    ]);
  });

  test("comparing pairs of types ends where hostile schemas would not", () => {
    // `near` steps on in both schemas, `far` in the second alone: n types against n others are n² pairs.
    const n = 400;
    const web = (prefix: string, step: number): SchemaSet =>
      versionOf({
        reply: `${prefix}0`,
        messages: Array.from({ length: n }, (_, i) => ({
          name: `${prefix}${i}`,
          field: [
            ref("near", Type.MESSAGE, `.t.${prefix}${(i + 1) % n}`, { number: 1 }),
            ref("far", Type.MESSAGE, `.t.${prefix}${(i + step) % n}`, { number: 2 }),
          ],
        })),
      });
    const diff = diffSchemas(web("A", 0), web("B", 1));
    assert.ok(diff.changes.length <= 2000);
    assert.ok(diff.breaking >= 1, "what was not compared counts as breaking");
    assert.ok(
      diff.changes.some(({ text }) => text === "~ the types: only 100,000 pairs of them were compared"),
    );
  });
});
