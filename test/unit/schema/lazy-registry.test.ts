import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import {
  create,
  createFileRegistry,
  type DescField,
  type DescMessage,
  type FileRegistry,
  fromBinary,
  toBinary,
} from "@bufbuild/protobuf";
import {
  FileDescriptorProtoSchema,
  type FileDescriptorSet,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import {
  joinRegistries,
  type MessageShape,
  readDescriptorSet,
  type SchemaSet,
} from "../../../src/schema/index.ts";
import { MessageShapes } from "../../../src/schema/message-shape.ts";
import { buildSchema } from "../../support/in-one-go.ts";
import { build, fixture, sent, tiny } from "./descriptors.ts";

const SETS: readonly string[] = [
  "test/fixtures/protos/shop.binpb",
  "test/fixtures/protos/legacy.binpb",
  "test/fixtures/protos/editions.binpb",
  "test/fixtures/protos/editions_2024.binpb",
  "test/fixtures/echo/echo.binpb",
  "descriptors/library.binpb",
];

function schemaOf(path: string): SchemaSet {
  const { schema } = buildSchema([{ origin: path, files: readDescriptorSet(readFileSync(path)) }]);
  assert.ok(schema !== undefined);
  return schema;
}

function eager(path: string): FileRegistry {
  const set: FileDescriptorSet = fromBinary(FileDescriptorSetSchema, readFileSync(path));
  for (const file of set.file) {
    file.sourceCodeInfo = undefined;
    file.$unknown = undefined;
  }
  return createFileRegistry(set);
}

/** All that a message type says of itself, as text. */
function shown(message: DescMessage | undefined): unknown {
  return message?.members.map((member) =>
    member.kind === "oneof"
      ? `oneof ${member.name}: ${member.fields.map(shownField).join()}`
      : shownField(member),
  );
}

function shownField(field: DescField): string {
  const { name, jsonName, number, fieldKind, presence, utf8Validation } = field;
  // Kinds of fields have some of these properties each.
  const { mapKey, listKind, packed, delimitedEncoding } = field as unknown as Partial<
    Record<string, unknown>
  >;
  const types = [
    field.scalar,
    field.message?.typeName,
    field.enum?.typeName,
    field.enum?.open,
    mapKey,
    listKind,
  ];
  return [
    name,
    jsonName,
    number,
    fieldKind,
    presence,
    utf8Validation,
    packed,
    delimitedEncoding,
    ...types,
  ].join(" ");
}

describe("descriptors built on demand", () => {
  for (const path of SETS) {
    test(`are those of ${path} built at once`, () => {
      const { registry } = schemaOf(path);
      for (const expected of eager(path)) {
        const type = registry.get(expected.typeName);
        assert.equal(type?.kind, expected.kind);
        if (expected.kind === "message") {
          assert.deepEqual(shown(registry.getMessage(expected.typeName)), shown(expected));
        } else if (expected.kind === "enum") {
          const values = registry.getEnum(expected.typeName)?.values.map(({ proto }) => proto);
          assert.deepEqual(
            values,
            expected.values.map(({ proto }) => proto),
          );
        } else if (expected.kind === "extension") {
          const { extendee, number, typeName } = expected;
          assert.equal(registry.getExtension(typeName), registry.getExtensionFor(extendee, number));
          assert.equal(registry.getExtension(typeName)?.number, number);
        } else {
          assert.deepEqual(
            registry
              .getService(expected.typeName)
              ?.methods.map(({ input, output }) => [input.typeName, output.typeName]),
            expected.methods.map(({ input, output }) => [input.typeName, output.typeName]),
          );
        }
      }
    });

    test(`come with the files of ${path}, their bytes and imports`, () => {
      const { registry } = schemaOf(path);
      for (const { proto, dependencies } of eager(path).files) {
        const file = registry.getFile(proto.name);
        assert.ok(file !== undefined);
        const written = (each: typeof proto): Uint8Array => toBinary(FileDescriptorProtoSchema, each);
        assert.deepEqual(written(file.proto), written(proto));
        for (const [i, dependency] of dependencies.entries()) {
          assert.equal(file.dependencies[i], registry.getFile(dependency.proto.name));
        }
      }
    });
  }

  test("are one object for one type, whoever asks", () => {
    const { registry, services } = schemaOf("test/fixtures/protos/shop.binpb");
    const [method] = services[0]?.methods ?? [];
    assert.equal(method?.output, registry.getMessage("shop.Order"));
    assert.equal(method?.output, method?.descriptor.output);
    assert.equal(
      [...registry].find((type) => type.typeName === "shop.Order"),
      method?.output,
    );
  });

  test("are not built, nor their files decoded, before they are used", () => {
    const [file] = sent([tiny("a", [])]);
    assert.ok(file !== undefined);
    const { schema, problems } = buildSchema([
      { origin: "test", files: [{ outline: file.outline, bytes: Uint8Array.of(0xff) }] },
    ]);
    assert.deepEqual(problems, []);
    assert.equal(schema?.services[0]?.methods[0]?.inputShape.typeName, "a.M");
    assert.throws(() => schema?.registry.getMessage("a.M"), /^UnbuildableFile: a\.proto: /);
  });

  test("of files in a chain of imports deeper than calls can be", () => {
    const chain = Array.from({ length: 20_000 }, (_, i) => tiny(`p${i}`, i === 0 ? [] : [`.p${i - 1}.M`]));
    const { schema } = build(...chain);
    assert.equal(schema?.registry.getMessage("p19999.M")?.fields[0]?.message?.typeName, "p19998.M");
  });

  test("are not found for names that nothing has, or that are no types of their own", () => {
    const { registry } = schemaOf("test/fixtures/protos/shop.binpb");
    for (const name of ["", "shop", "shop.None", "__proto__", "shop.Order.LabelsEntry"]) {
      assert.equal(registry.get(name), undefined);
    }
    assert.equal(registry.getFile("none.proto"), undefined);
    assert.equal(registry.getEnum("shop.Order"), undefined);
    assert.equal(registry.getMessage("shop.Orders"), undefined);
  });
});

describe("the shape of a message", () => {
  for (const path of SETS) {
    test(`is that of its descriptor, in ${path}`, () => {
      const { services } = schemaOf(path);
      const seen = new Set<string>();
      const compare = (shape: MessageShape, desc: DescMessage): void => {
        assert.equal(shape.typeName, desc.typeName);
        if (seen.has(desc.typeName)) return;
        seen.add(desc.typeName);
        assert.equal(shape.fields.length, desc.fields.length);
        for (const [i, field] of desc.fields.entries()) {
          const same = shape.fields[i];
          assert.ok(same !== undefined);
          assert.deepEqual(
            [same.name, same.jsonName, same.number, same.fieldKind, same.oneof?.name],
            [field.name, field.jsonName, field.number, field.fieldKind, field.oneof?.name],
          );
          // Of lists and maps it is the type of the elements.
          assert.equal(same.scalar, field.scalar);
          assert.equal(same.message?.typeName, field.message?.typeName);
          if (same.message !== undefined && field.message !== undefined) compare(same.message, field.message);
        }
      };
      for (const { inputShape, outputShape, input, output } of services.flatMap(({ methods }) => methods)) {
        compare(inputShape, input);
        compare(outputShape, output);
      }
      assert.ok(seen.size > 0);
    });
  }

  test("of a name that the schema lacks is an error", () => {
    assert.throws(() => new MessageShapes(new Map()).of(".no.Such"), /no message no\.Such/);
  });
});

describe("joined registries", () => {
  const [a, b] = ["a", "b"].map((name) => build(tiny(name, []), tiny("shared", [])).schema?.registry);
  assert.ok(a !== undefined && b !== undefined);

  test("know the types of all, and the last one's of a name", () => {
    const joined = joinRegistries([a, b]);
    assert.equal(joined.getMessage("a.M"), a.getMessage("a.M"));
    assert.equal(joined.getMessage("shared.M"), b.getMessage("shared.M"));
    assert.equal(joined.getService("b.S")?.typeName, "b.S");
    assert.equal(joined.getMessage("b.S"), undefined);
    const names = [...joined].map(({ typeName }) => typeName);
    assert.equal(names.length, new Set(names).size);
    assert.ok(["a.M", "b.M", "shared.M"].every((name) => names.includes(name)));
  });

  test("of one are that one, and of none know nothing", () => {
    assert.equal(joinRegistries([a]), a);
    assert.equal(joinRegistries([]).get("a.M"), undefined);
  });
});

test("a file that another writer has put into bytes otherwise is the same file", () => {
  const [shop] = fixture("shop").filter(({ name }) => name === "shop/shop.proto");
  assert.ok(shop !== undefined);
  const usual = sent([shop]);
  const bytes = usual[0]?.bytes ?? new Uint8Array(0);
  // The syntax first, which compilers write last.
  const syntax = toBinary(
    FileDescriptorProtoSchema,
    create(FileDescriptorProtoSchema, { syntax: shop.syntax }),
  );
  const moved = Buffer.concat([syntax, bytes.subarray(0, bytes.length - syntax.length)]);
  const set = Buffer.concat([Buffer.of(0x0a, (moved.length & 0x7f) | 0x80, moved.length >> 7), moved]);
  const { problems } = buildSchema([
    { origin: "a", files: sent(fixture("shop")) },
    { origin: "b", files: readDescriptorSet(set) },
  ]);
  assert.deepEqual(problems, []);
});
