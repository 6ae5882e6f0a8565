import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type DescriptorProtoSchema, Edition, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { type DescriptorFile, readDescriptorFile } from "../../../src/schema/index.ts";
import { WireError } from "../../../src/schema/wire-cursor.ts";
import { buildSchema } from "../../support/in-one-go.ts";
import { build, file, fixture, problemLines, sent, serviceNames, tiny } from "./descriptors.ts";

type MessageInit = MessageInitShape<typeof DescriptorProtoSchema>;
type FileInit = MessageInitShape<typeof FileDescriptorProtoSchema>;

const INT32 = { type: 5, label: 1 } as const;

function message(init: MessageInit): { messageType: MessageInit[] } {
  return { messageType: [{ name: "M", ...init }] };
}

function nested(depth: number): MessageInit {
  let inner: MessageInit = { name: "M" };
  for (let i = 1; i < depth; i++) inner = { name: "M", nestedType: [inner] };
  return inner;
}

/** What is wrong, and what the problem has to say of it. */
const BROKEN: Readonly<Record<string, readonly [FileInit, RegExp]>> = {
  "a package that is no name": [{ package: "a..b" }, /package "a\.\.b"/],
  "a package with a line break": [{ package: "a\nb" }, /package "a\?b"/],
  "a package of a megabyte": [{ package: Array.from({ length: 500_000 }, () => "a").join(".") }, /package/],
  "a syntax that nobody knows": [{ syntax: "proto9" }, /syntax "proto9"/],
  "an edition before editions": [{ syntax: "editions", edition: Edition.EDITION_PROTO3 }, /edition 999/],
  "an edition of the future": [{ syntax: "editions", edition: Edition.EDITION_MAX }, /edition 2147483647/],
  "a message name in names of great length": [
    {
      messageType: [
        {
          name: "A".repeat(512),
          nestedType: [
            {
              name: "B".repeat(512),
              nestedType: [{ name: "C".repeat(512), nestedType: [{ name: "D".repeat(512) }] }],
            },
          ],
        },
      ],
    },
    /a full name is longer than 2048 characters: of message D/,
  ],
  "a message without a name": [message({ name: "" }), /"" is not a name/],
  "a message name with code in it": [message({ name: "M();//" }), /is not a name/],
  "a field name of an object's own": [
    message({ field: [{ name: "a.b", number: 1, ...INT32 }] }),
    /not a name/,
  ],
  "field number 0": [message({ field: [{ name: "a", number: 0, ...INT32 }] }), /field a: field number 0/],
  "a negative field number": [message({ field: [{ name: "a", number: -1, ...INT32 }] }), /field number -1/],
  "a field number too high": [
    message({ field: [{ name: "a", number: 2 ** 29, ...INT32 }] }),
    /field number 5368/,
  ],
  "a field number kept for protobuf": [
    message({ field: [{ name: "a", number: 19_000, ...INT32 }] }),
    /19000/,
  ],
  "a field number taken twice": [
    message({
      field: [
        { name: "a", number: 1, ...INT32 },
        { name: "b", number: 1, ...INT32 },
      ],
    }),
    /field b: number 1 is taken/,
  ],
  "a field name taken twice": [
    message({
      field: [
        { name: "a", number: 1, ...INT32 },
        { name: "a", number: 2, ...INT32 },
      ],
    }),
    /field a: the name is taken/,
  ],
  "a field without a type": [message({ field: [{ name: "a", number: 1, label: 1 }] }), /no known type/],
  "a type that nothing defines": [
    message({ field: [{ name: "a", number: 1, type: 11, label: 1, typeName: ".no.Such" }] }),
    /field broken\.M\.a needs type "\.no\.Such", which nothing defines/,
  ],
  "an enum used as a message": [
    {
      ...message({ field: [{ name: "a", number: 1, type: 11, label: 1, typeName: ".broken.E" }] }),
      enumType: [{ name: "E", value: [{ name: "X", number: 0 }] }],
    },
    /to be of another kind/,
  ],
  "a service used as a message": [
    {
      ...message({ field: [{ name: "a", number: 1, type: 11, label: 1, typeName: ".broken.S" }] }),
      service: [{ name: "S" }],
    },
    /which nothing defines/,
  ],
  "a oneof that is not there": [
    message({ field: [{ name: "a", number: 1, ...INT32, oneofIndex: 3 }] }),
    /of a oneof that is not there/,
  ],
  "a negative oneof": [message({ field: [{ name: "a", number: 1, ...INT32, oneofIndex: -1 }] }), /oneof/],
  "a repeated field in a oneof": [
    message({
      oneofDecl: [{ name: "o" }],
      field: [{ name: "a", number: 1, type: 5, label: 3, oneofIndex: 0 }],
    }),
    /in a oneof, but not optional/,
  ],
  "a map entry without a value": [
    message({
      nestedType: [{ name: "E", options: { mapEntry: true }, field: [{ name: "key", number: 1, ...INT32 }] }],
    }),
    /not a map entry/,
  ],
  "a map entry with a float as key": [
    message({
      nestedType: [
        {
          name: "E",
          options: { mapEntry: true },
          field: [
            { name: "key", number: 1, type: 2, label: 1 },
            { name: "value", number: 2, ...INT32 },
          ],
        },
      ],
    }),
    /not a map entry/,
  ],
  "a map entry used outside a map": [
    {
      messageType: [
        {
          name: "M",
          nestedType: [
            {
              name: "E",
              options: { mapEntry: true },
              field: [
                { name: "key", number: 1, ...INT32 },
                { name: "value", number: 2, ...INT32 },
              ],
            },
          ],
          field: [{ name: "e", number: 1, type: 11, label: 1, typeName: ".broken.M.E" }],
        },
      ],
    },
    /not a usable descriptor file/,
  ],
  "an enum without values": [{ enumType: [{ name: "E" }] }, /enum E: no values/],
  "an enum value taken twice": [
    {
      enumType: [
        {
          name: "E",
          value: [
            { name: "X", number: 0 },
            { name: "X", number: 1 },
          ],
        },
      ],
    },
    /value X: the name is taken/,
  ],
  "a method taken twice": [
    {
      ...message({}),
      service: [
        {
          name: "S",
          method: [1, 2].map(() => ({ name: "Get", inputType: ".broken.M", outputType: ".broken.M" })),
        },
      ],
    },
    /method Get: the name is taken/,
  ],
  "a method on a type that nothing defines": [
    {
      ...message({}),
      service: [{ name: "S", method: [{ name: "Get", inputType: ".broken.M", outputType: "" }] }],
    },
    /method broken\.S\.Get needs type ""/,
  ],
  "a message defined twice": [{ messageType: [{ name: "M" }, { name: "M" }] }, /defines broken\.M, which/],
  "an extension of nothing": [
    { extension: [{ name: "x", number: 100, ...INT32, extendee: ".no.Such" }] },
    /extension broken\.x needs type "\.no\.Such"/,
  ],
  "a default that no enum value has": [
    {
      syntax: "proto2",
      ...message({
        field: [{ name: "a", number: 1, type: 14, label: 1, typeName: ".broken.E", defaultValue: "Y" }],
      }),
      enumType: [{ name: "E", value: [{ name: "X", number: 0 }] }],
    },
    /not a usable descriptor file/,
  ],
  "messages nested without end": [{ messageType: [nested(90)] }, /nested more than 32 deep/],
};

describe("a broken file is a problem and the rest serves", () => {
  for (const [name, [init, expected]] of Object.entries(BROKEN)) {
    test(name, () => {
      const broken = file({ name: "broken.proto", package: "broken", ...init });
      const built = build(broken, tiny("good", []), tiny("needy", [".broken.M"]));
      assert.ok(serviceNames(built).includes("good.S"));
      assert.ok(!serviceNames(built).some((each) => each.startsWith("broken")));
      const problem = built.problems.find(({ where }) => where === "test: broken.proto");
      assert.match(problem?.what ?? "no problem", expected);
      assert.ok((problem?.what.length ?? 0) < 300);
    });
  }

  test("a file without a name", () => {
    const built = build(file({ package: "x", messageType: [{ name: "M" }] }), tiny("good", []));
    assert.deepEqual(problemLines(built), ["error test: : not a usable descriptor file: it has no name"]);
  });

  test("nesting as deep as compilers allow is fine", () => {
    const built = build(file({ name: "deep.proto", package: "deep", messageType: [nested(32)] }));
    assert.equal(built.schema?.registry.getMessage(`deep${".M".repeat(32)}`)?.name, "M");
  });

  test("a name that two files define belongs to the first", () => {
    const again = tiny("good", []);
    again.name = "copy.proto";
    const built = build(tiny("good", []), again);
    assert.deepEqual(problemLines(built), [
      "error test: copy.proto: defines good.M, which good.proto defines already",
    ]);
    assert.equal(built.schema?.services[0]?.file, "good.proto");
  });

  test("so many faults that no single one can be singled out end the set, not the process", () => {
    const broken = Array.from({ length: 40 }, (_, i) =>
      file({
        name: `b${i}.proto`,
        package: `b${i}`,
        syntax: "proto2",
        messageType: [
          {
            name: "M",
            field: [{ name: "a", number: 1, type: 14, label: 1, typeName: `.b${i}.E`, defaultValue: "Y" }],
          },
        ],
        enumType: [{ name: "E", value: [{ name: "X", number: 0 }] }],
      }),
    );
    const built = build(...broken, tiny("good", []));
    assert.equal(built.schema, undefined);
    assert.match(problemLines(built).at(-1) ?? "", /more than 16 of them are unusable/);
  });

  test("no files at all are a problem", () => {
    assert.deepEqual(problemLines(build()), ["warning test: no service is declared"]);
  });
});

describe("random damage", () => {
  const names = ["shop", "legacy", "editions"] as const;
  const bytes = new Map(
    names.map((name) => [name, fixture(name).map((each) => toBinary(FileDescriptorProtoSchema, each))]),
  );

  test("to the bytes of real descriptors never throws", () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 });
    let usable = 0;
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.nat(), damage, (name, which, changes) => {
        const files: DescriptorFile[] = [];
        for (const [i, original] of (bytes.get(name) ?? []).entries()) {
          const copy = Uint8Array.from(original);
          const isChosen = i === which % (bytes.get(name)?.length ?? 1);
          if (isChosen) for (const [at, value] of changes) copy[at % copy.length] = value;
          try {
            files.push(readDescriptorFile(copy));
          } catch (error) {
            // Sources answer this with a problem of their own.
            assert.ok(error instanceof WireError, String(error));
          }
        }
        const built = buildSchema([{ origin: "test", files }]);
        // What passed must hold: every type can be built, whenever it is.
        for (const type of built.schema?.registry ?? []) assert.ok(type.typeName !== "");
        if (built.schema !== undefined) usable++;
        assert.ok(built.schema !== undefined || built.problems.length > 0);
        for (const { what, where } of built.problems) assert.doesNotMatch(what + where, /\p{C}/u);
      }),
      // Found by chance: a tag within options that does not fit 32 bits.
      { numRuns: 250, examples: [["shop", 15, [[682775617, 16]]]] },
    );
    assert.ok(usable > 0);
  });

  test("to the structure of real descriptors never throws", () => {
    const [shop] = fixture("shop").filter(({ name }) => name === "shop/shop.proto");
    assert.ok(shop !== undefined);
    const odd = fc.oneof(
      fc.integer(),
      fc.string({ unit: "binary" }),
      fc.constantFrom("", ".", "..", ".shop.Order", "shop.Order.LinesEntry", "__proto__", "constructor"),
    );
    fc.assert(
      fc.property(fc.nat(), odd, fc.nat(), odd, (at, value, otherAt, otherValue) => {
        const copy = fromBinary(FileDescriptorProtoSchema, toBinary(FileDescriptorProtoSchema, shop));
        const slots = slotsOf(copy);
        for (const [position, put] of [
          [at, value],
          [otherAt, otherValue],
        ] as const) {
          const slot = slots[position % slots.length];
          if (slot !== undefined && typeof slot.holder[slot.key] === typeof put) slot.holder[slot.key] = put;
        }
        let files: readonly DescriptorFile[];
        try {
          files = sent([copy, ...fixture("shop").filter(({ name }) => name !== "shop/shop.proto")]);
        } catch {
          // Numbers too large to be sent.
          return;
        }
        const built = buildSchema([{ origin: "test", files }]);
        for (const type of built.schema?.registry ?? []) assert.ok(type.typeName !== "");
        assert.ok(built.schema !== undefined || built.problems.length > 0);
      }),
      { numRuns: 300 },
    );
  });
});

interface Slot {
  readonly holder: Record<string, unknown>;
  readonly key: string;
}

/** Every number and string in a descriptor, to be overwritten. */
function slotsOf(value: object): readonly Slot[] {
  // Descriptor messages are plain objects, and so are the arrays in them for this purpose.
  const holder = value as Record<string, unknown>;
  return Object.keys(holder).flatMap((key): readonly Slot[] => {
    const each = holder[key];
    if (typeof each === "number" || (typeof each === "string" && key !== "$typeName"))
      return [{ holder, key }];
    const isDeeper = typeof each === "object" && each !== null && !(each instanceof Uint8Array);
    return isDeeper ? slotsOf(each) : [];
  });
}
