import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { clone, create, createFileRegistry, getOption, type Message } from "@bufbuild/protobuf";
import {
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  SourceCodeInfoSchema,
} from "@bufbuild/protobuf/wkt";
import { http } from "../../../src/gen/google/api/annotations_pb.ts";
import { buildSchema } from "../../support/in-one-go.ts";
import { build, file, fixture, problemLines, sent, serviceNames, tiny } from "./descriptors.ts";

const shop = fixture("shop");

function only(...names: readonly string[]): readonly FileDescriptorProto[] {
  return shop.filter(({ name }) => names.includes(name));
}

function changed<T extends FileDescriptorProto>(original: T | undefined, change: (copy: T) => void): T {
  assert.ok(original !== undefined);
  // clone keeps the type that it is given.
  const copy = clone(FileDescriptorProtoSchema, original as Message as FileDescriptorProto) as T;
  change(copy);
  return copy;
}

describe("services and methods", () => {
  const { schema, problems } = buildSchema([{ origin: "shop.binpb", files: sent(shop) }]);

  test("a compiled set builds without a problem", () => {
    assert.deepEqual(problems, []);
    assert.deepEqual(
      schema?.services.map(({ fullName, file }) => ({ fullName, file })),
      [{ fullName: "shop.Orders", file: "shop/shop.proto" }],
    );
  });

  test("methods have their names, paths and kinds", () => {
    assert.deepEqual(
      schema?.services[0]?.methods.map(({ fullName, rpcPath, kind }) => `${fullName} ${rpcPath} ${kind}`),
      [
        "shop.Orders.GetOrder /shop.Orders/GetOrder unary",
        "shop.Orders.UpdateOrder /shop.Orders/UpdateOrder unary",
        "shop.Orders.WatchOrders /shop.Orders/WatchOrders server_streaming",
        "shop.Orders.UploadOrders /shop.Orders/UploadOrders client_streaming",
        "shop.Orders.Chat /shop.Orders/Chat bidi_streaming",
      ],
    );
    assert.equal(schema?.services[0]?.methods[0]?.output.typeName, "shop.Order");
  });

  test("the http option can be read", () => {
    const method = schema?.services[0]?.methods[1]?.descriptor;
    assert.ok(method !== undefined);
    assert.deepEqual(getOption(method, http).pattern, {
      case: "patch",
      value: "/v1/{order.name=orders/*}",
    });
  });

  test("the registry knows types that only an Any would name", () => {
    for (const name of ["google.protobuf.Duration", "google.rpc.BadRequest", "google.api.HttpBody"]) {
      assert.equal(schema?.registry.getMessage(name)?.typeName, name);
    }
  });

  test("reflection services cannot be routed to, others about the server can", () => {
    const built = build(
      changed(tiny("grpc", []), (copy) => {
        copy.package = "grpc.reflection.v1";
        for (const method of copy.service[0]?.method ?? []) {
          method.inputType = method.outputType = ".grpc.reflection.v1.M";
        }
      }),
      changed(tiny("health", []), (copy) => {
        copy.package = "grpc.health.v1";
        for (const method of copy.service[0]?.method ?? []) {
          method.inputType = method.outputType = ".grpc.health.v1.M";
        }
      }),
    );
    assert.deepEqual(serviceNames(built), ["grpc.health.v1.S"]);
  });

  for (const name of ["editions", "editions_2024", "legacy", "shop_image"]) {
    test(`the fixture ${name} builds without a problem`, () => {
      const built = buildSchema([{ origin: name, files: sent(fixture(name)) }]);
      assert.deepEqual(problemLines(built), []);
      assert.equal(built.schema?.services.length, 1);
    });
  }

  test("features of editions reach the fields", () => {
    const built = build(...fixture("editions"));
    const fields = built.schema?.registry.getMessage("editions.Parcel")?.fields ?? [];
    assert.deepEqual(
      fields.map(({ name, presence }) => `${name} ${presence}`),
      ["weight 2", "label 1", "inner 1", "marks 2", "kind 1"],
    );
    assert.ok(fields[2]?.fieldKind === "message" && fields[2].delimitedEncoding);
    assert.equal(built.schema?.registry.getEnum("editions.Kind")?.open, false);
  });
});

describe("merging", () => {
  test("files come in any order", () => {
    const built = build(...[...shop].reverse());
    assert.deepEqual(problemLines(built), []);
    assert.deepEqual(serviceNames(built), ["shop.Orders"]);
  });

  test("the same file twice is fine, with comments or buf's additions in one of them", () => {
    const commented = shop.map((each) =>
      changed(each, (copy) => {
        copy.sourceCodeInfo = create(SourceCodeInfoSchema, { location: [{ path: [4, 0], span: [1, 2, 3] }] });
      }),
    );
    const built = buildSchema([
      { origin: "a", files: sent(shop) },
      { origin: "b", files: sent(commented) },
      { origin: "c", files: sent(fixture("shop_image")) },
    ]);
    assert.deepEqual(problemLines(built), []);
  });

  test("two different files of one name are a problem that names both origins; the first stays", () => {
    const other = changed(only("shop/shop.proto")[0], (copy) => {
      copy.service = [];
    });
    const built = buildSchema([
      { origin: "old.binpb", files: sent(shop) },
      { origin: "new.binpb", files: sent([other]) },
    ]);
    assert.deepEqual(problemLines(built), [
      "error new.binpb: shop/shop.proto: differs from the file of this name in old.binpb, which is used",
    ]);
    assert.deepEqual(serviceNames(built), ["shop.Orders"]);
  });

  test("two versions of a well-known file are a warning only", () => {
    const other = changed(
      shop.find(({ name }) => name === "google/protobuf/empty.proto"),
      (copy) => {
        copy.messageType[0]?.reservedName.push("later");
      },
    );
    const built = buildSchema([
      { origin: "a", files: sent(shop) },
      { origin: "b", files: sent([other]) },
    ]);
    assert.equal(built.problems[0]?.severity, "warning");
    assert.deepEqual(serviceNames(built), ["shop.Orders"]);
  });

  test("the digest depends on the files, not on their order or comments", () => {
    const digest = build(...shop).schema?.digest;
    assert.match(digest ?? "", /^[0-9a-f]{64}$/);
    assert.equal(build(...[...shop].reverse()).schema?.digest, digest);
    const other = shop.map((each) =>
      each.name !== "shop/shop.proto"
        ? each
        : changed(each, (copy) => {
            copy.service[0]?.method.pop();
          }),
    );
    assert.notEqual(build(...other).schema?.digest, digest);
  });

  test("the files that were handed in are not changed", () => {
    const before = createFileRegistry(create(FileDescriptorSetSchema, { file: [...shop] }));
    const names = shop.map(({ name }) => name);
    build(...only("shop/shop.proto", "shop/types/money.proto"));
    assert.deepEqual(
      shop.map(({ name }) => name),
      names,
    );
    assert.ok(before.getFile("shop/shop.proto")?.dependencies.length === 4);
  });
});

describe("imports", () => {
  test("google's files are supplied where they are missing", () => {
    const built = build(...only("shop/shop.proto", "shop/types/money.proto"));
    assert.deepEqual(problemLines(built), []);
    const [service] = built.schema?.services ?? [];
    const [method] = service?.methods ?? [];
    assert.ok(method !== undefined);
    assert.equal(getOption(method.descriptor, http).pattern.case, "get");
  });

  test("copies of google's files under other names give way without a word", () => {
    const vendored = shop.map((each) =>
      changed(each, (copy) => {
        const vendor = (name: string): string => (name.startsWith("google/") ? `third_party/${name}` : name);
        copy.name = vendor(copy.name);
        copy.dependency = copy.dependency.map(vendor);
      }),
    );
    const built = build(...vendored);
    assert.deepEqual(problemLines(built), []);
    const [method] = built.schema?.services[0]?.methods ?? [];
    assert.ok(method !== undefined);
    assert.equal(getOption(method.descriptor, http).pattern.case, "get");
    assert.equal(built.schema?.registry.getFile("third_party/google/api/http.proto"), undefined);
  });

  test("a missing import drops the file and those that need it; the rest serves", () => {
    const built = build(
      ...only("shop/shop.proto"),
      tiny("a", [".shop.Order"], ["shop/shop.proto"]),
      tiny("b", [".a.M"], ["a.proto"]),
      tiny("c", [".c.M"]),
    );
    assert.deepEqual(serviceNames(built), ["c.S"]);
    const [first = "", ...others] = problemLines(built);
    assert.match(
      first,
      /^error test: shop\/shop\.proto: imports shop\/types\/money\.proto, which no source has; /,
    );
    assert.deepEqual(others, [
      "error test: a.proto: needs shop/shop.proto, which was left out",
      "error test: b.proto: needs a.proto, which was left out",
    ]);
  });

  test("a missing import of which nothing is used is a warning, and the file serves", () => {
    const built = build(tiny("a", [], ["validate/validate.proto"]));
    assert.deepEqual(serviceNames(built), ["a.S"]);
    assert.deepEqual(problemLines(built), [
      "warning test: a.proto: imports validate/validate.proto, which cannot be had; no type of it is used",
    ]);
  });

  test("imports that a source left out, or named wrongly, are found by the types", () => {
    const built = build(tiny("a", [".b.M"], ["wrong/name.proto"]), tiny("b", [".c.M"]), tiny("c", []));
    assert.deepEqual(serviceNames(built), ["a.S", "b.S", "c.S"]);
  });

  test("relative type names resolve from the innermost scope outwards", () => {
    const inner = file({
      name: "inner.proto",
      package: "x.y",
      messageType: [
        {
          name: "T",
          nestedType: [{ name: "T", field: [field("self", "T")] }],
          field: [field("nested", "T.T")],
        },
        { name: "U", field: [field("t", "T"), field("outer", "y.T"), field("top", "x.y.T.T")] },
      ],
    });
    const built = build(inner, tiny("s", []));
    assert.deepEqual(problemLines(built), []);
    const typesOf = (name: string): readonly (string | undefined)[] =>
      built.schema?.registry.getMessage(name)?.fields.map((each) => each.message?.typeName) ?? [];
    assert.deepEqual(typesOf("x.y.U"), ["x.y.T", "x.y.T", "x.y.T.T"]);
    assert.deepEqual(typesOf("x.y.T"), ["x.y.T.T"]);
    assert.deepEqual(typesOf("x.y.T.T"), ["x.y.T.T"]);
  });

  test("files that import each other are a problem, and so are those that need them", () => {
    const built = build(
      tiny("a", [".b.M"], ["b.proto"]),
      tiny("b", [".a.M"], ["a.proto"]),
      tiny("c", [".a.M"], ["a.proto"]),
      tiny("d", []),
    );
    assert.deepEqual(serviceNames(built), ["d.S"]);
    assert.equal(built.problems.length, 3);
    assert.match(problemLines(built)[0] ?? "", /^error test: a\.proto: imports b\.proto in a circle/);
  });

  test("a file that imports itself serves", () => {
    assert.deepEqual(serviceNames(build(tiny("a", [], ["a.proto"]))), ["a.S"]);
  });

  test("a long chain of imports, and one that fans out, build quickly", () => {
    const chain = Array.from({ length: 300 }, (_, i) =>
      tiny(`p${i}`, i === 0 ? [] : [`.p${i - 1}.M`], i < 2 ? [] : [`p${i - 1}.proto`, `p${i - 2}.proto`]),
    );
    const built = build(...chain.reverse());
    assert.equal(built.schema?.services.length, 300);
  });

  test("JSON names that a descriptor lacks are those that a compiler gives", () => {
    const built = build(
      file({
        name: "j.proto",
        package: "j",
        messageType: [
          {
            name: "M",
            field: ["foo_bar", "_lead", "trail_", "two__under", "a1_2b", "Upper"].map((name, i) => ({
              name,
              number: i + 1,
              type: 9,
              label: 1,
            })),
          },
        ],
      }),
    );
    assert.deepEqual(
      built.schema?.registry.getMessage("j.M")?.fields.map(({ jsonName }) => jsonName),
      ["fooBar", "Lead", "trail", "twoUnder", "a12b", "Upper"],
    );
  });
});

function field(
  name: string,
  typeName: string,
): {
  name: string;
  number: number;
  type: number;
  label: number;
  typeName: string;
} {
  return { name, number: name.length, type: 11, label: 1, typeName };
}
