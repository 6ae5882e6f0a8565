import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  type DescriptorProto,
  type FieldDescriptorProto,
  FileDescriptorProtoSchema,
  type MethodDescriptorProto,
  SourceCodeInfoSchema,
} from "@bufbuild/protobuf/wkt";
import { readDescriptorFile, readDescriptorSet } from "../../../src/schema/index.ts";
import { WireError } from "../../../src/schema/wire-cursor.ts";
import { buildSchema } from "../../support/in-one-go.ts";
import { fixture, tiny } from "./descriptors.ts";

type FileInit = MessageInitShape<typeof FileDescriptorProtoSchema>;

const FIXTURES = ["shop", "legacy", "editions", "editions_2024", "shop_image"] as const;

function bytesOf(init: FileInit): Uint8Array {
  return toBinary(FileDescriptorProtoSchema, create(FileDescriptorProtoSchema, init));
}

/** A length-prefixed field, of less than 128 bytes. */
function part(tag: readonly number[], content: readonly number[]): readonly number[] {
  return [...tag, content.length, ...content];
}

const NAMED: readonly number[] = part([0x0a], [...Buffer.from("a.proto")]);

function message(proto: DescriptorProto): unknown {
  return {
    name: proto.name,
    fields: proto.field.map(field),
    messages: proto.nestedType.map(message),
    enums: proto.enumType.map(({ name, value }) => ({
      name,
      values: value.map((each) => each.name),
      numbers: value.map((each) => each.number),
    })),
    extensions: proto.extension.map(field),
    oneofs: proto.oneofDecl.map(({ name }) => name),
    isMapEntry: proto.options?.mapEntry ?? false,
  };
}

function methodWords(method: MethodWords): unknown {
  const { name, inputType, outputType, clientStreaming, serverStreaming } = method;
  return [name, inputType, outputType, clientStreaming, serverStreaming];
}

type MethodWords = Pick<
  MethodDescriptorProto,
  "name" | "inputType" | "outputType" | "clientStreaming" | "serverStreaming"
>;

function field(proto: FieldDescriptorProto): unknown {
  const has = (name: string): boolean => Object.hasOwn(proto, name);
  return {
    name: proto.name,
    number: proto.number,
    label: proto.label,
    type: has("type") ? proto.type : undefined,
    typeName: proto.typeName,
    extendee: proto.extendee,
    jsonName: has("jsonName") ? proto.jsonName : undefined,
    oneofIndex: has("oneofIndex") ? proto.oneofIndex : undefined,
    isProto3Optional: proto.proto3Optional,
  };
}

describe("an outline", () => {
  for (const name of FIXTURES) {
    test(`says of the files of ${name} what decoding them says`, () => {
      for (const proto of fixture(name)) {
        const { outline } = readDescriptorFile(toBinary(FileDescriptorProtoSchema, proto));
        assert.equal(outline.name, proto.name);
        assert.equal(outline.package, proto.package);
        assert.equal(outline.syntax, proto.syntax);
        assert.deepEqual(outline.dependency, proto.dependency);
        assert.deepEqual(outline.messages, proto.messageType.map(message));
        assert.deepEqual(outline.extensions, proto.extension.map(field));
        assert.deepEqual(
          outline.services.map(({ name, methods }) => [name, methods.map((method) => methodWords(method))]),
          proto.service.map((service) => [service.name, service.method.map((method) => methodWords(method))]),
        );
      }
    });
  }

  test("comes without comments and unknown fields in its bytes", () => {
    const bare = toBinary(FileDescriptorProtoSchema, tiny("a", []));
    const sourceCodeInfo = create(SourceCodeInfoSchema, { location: [{ path: [4, 0], span: [1, 2, 3] }] });
    const commented = toBinary(FileDescriptorProtoSchema, { ...tiny("a", []), sourceCodeInfo });
    // Field 8042, length-prefixed, and field 8043, a group.
    const additions = [0xd2, 0xf6, 0x03, 2, 1, 1, 0xdb, 0xf6, 0x03, 0x08, 1, 0xdc, 0xf6, 0x03];
    const { bytes } = readDescriptorFile(Uint8Array.from([...additions, ...commented, ...additions]));
    assert.deepEqual(Buffer.from(bytes), Buffer.from(bare));
  });

  test("joins an http rule that is given in parts", () => {
    const http = (content: readonly number[]): readonly number[] =>
      part([0x82, 0xd3, 0xe4, 0x93, 0x02], content);
    const method = part([0x12], part([0x22], [...http([0x12, 1, 0x2f]), ...http([0x3a, 1, 0x2a])]));
    const { outline } = readDescriptorFile(Uint8Array.from([...NAMED, ...part([0x32], method)]));
    assert.deepEqual([...(outline.services[0]?.methods[0]?.httpRule ?? [])], [0x12, 1, 0x2f, 0x3a, 1, 0x2a]);
  });
});

describe("an outline knows of a method's idempotency_level", () => {
  const levels: readonly [what: string, options: readonly number[], level: number, word: string][] = [
    ["nothing", [], 0, "unknown"],
    ["unknown", [0x90, 0x02, 0], 0, "unknown"],
    ["no side effects", [0x90, 0x02, 1], 1, "no_side_effects"],
    ["idempotent", [0x90, 0x02, 2], 2, "idempotent"],
    ["the last of two", [0x90, 0x02, 1, 0x90, 0x02, 2], 2, "idempotent"],
    ["a number that protobuf does not know", [0x90, 0x02, 3], 3, "unknown"],
  ];
  for (const [what, options, level, word] of levels) {
    test(what, () => {
      const types = part([0x12], [...Buffer.from(".M")]);
      const output = part([0x1a], [...Buffer.from(".M")]);
      const name = part([0x0a], [...Buffer.from("Get")]);
      const method = part([0x12], [...name, ...types, ...output, ...part([0x22], options)]);
      const service = part([0x32], [...part([0x0a], [...Buffer.from("S")]), ...method]);
      const message = part([0x22], part([0x0a], [...Buffer.from("M")]));
      const file = readDescriptorFile(Uint8Array.from([...NAMED, ...message, ...service]));
      assert.equal(file.outline.services[0]?.methods[0]?.idempotencyLevel, level);
      assert.equal(file.outline.isPlain, true);
      const { schema } = buildSchema([{ origin: "here", files: [file] }]);
      assert.equal(schema?.services[0]?.methods[0]?.idempotency, word);
    });
  }

  test("and leaves one of another wire type to a full decoding", () => {
    const method = part([0x12], part([0x22], part([0x92, 0x02], [1])));
    const { outline } = readDescriptorFile(Uint8Array.from([...NAMED, ...part([0x32], method)]));
    assert.equal(outline.services[0]?.methods[0]?.idempotencyLevel, 0);
    assert.equal(outline.isPlain, false);
  });
});

describe("a file is plain", () => {
  const M = { name: "M", field: [{ name: "a", number: 1, type: 9, label: 1 }] } as const;
  const plain: Readonly<Record<string, FileInit>> = {
    "with fields, oneofs, enums, services and reserved names": {
      messageType: [
        {
          ...M,
          field: [...M.field],
          reservedName: ["b"],
          reservedRange: [{ start: 4, end: 5 }],
          oneofDecl: [{ name: "o" }],
        },
      ],
      enumType: [{ name: "E", value: [{ name: "X", number: 0 }], reservedRange: [{ start: 4, end: 5 }] }],
      service: [{ name: "S", method: [{ name: "Get", options: { deprecated: true, idempotencyLevel: 1 } }] }],
    },
    "with options that are numbers and strings": {
      options: { javaPackage: "a.b", goPackage: "x", optimizeFor: 1, deprecated: true },
      messageType: [{ name: "M", options: { deprecated: true } }],
    },
  };
  const notPlain: Readonly<Record<string, FileInit>> = {
    "with a default": { messageType: [{ name: "M", field: [{ ...M.field[0], defaultValue: "x" }] }] },
    "with an extension": { extension: [{ ...M.field[0], extendee: ".a.M" }] },
    "with an extension range": { messageType: [{ name: "M", extensionRange: [{ start: 100, end: 200 }] }] },
    "with features": { options: { features: { fieldPresence: 1 } } },
    "of an edition": { syntax: "editions", edition: 1000 },
    "with options that are not interpreted": {
      options: { uninterpretedOption: [{ identifierValue: "x" }] },
    },
  };
  for (const [name, init] of Object.entries(plain)) {
    test(name, () => assert.equal(readDescriptorFile(bytesOf(init)).outline.isPlain, true));
  }
  for (const [name, init] of Object.entries(notPlain)) {
    test(`not ${name}`, () => assert.equal(readDescriptorFile(bytesOf(init)).outline.isPlain, false));
  }
});

describe("bytes that are no descriptor", () => {
  const groups = (depth: number): readonly number[] => [
    ...Array.from({ length: depth }, () => 0xa3).flatMap((start) => [start, 0x06]),
    ...Array.from({ length: depth }, () => 0xa4).flatMap((end) => [end, 0x06]),
  ];
  const wrong: Readonly<Record<string, readonly number[]>> = {
    "a name that is a number": [0x08, 1],
    "a message that is a number": [0x20, 1],
    "field number 0": [0x02, 1, 0],
    "a length beyond the end": [0x0a, 0x7f],
    "a negative length": [0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f],
    "a length beyond the end of the message around it": [0x22, 2, 0x0a, 5, 1, 1, 1, 1, 1],
    "a varint without end": [0x70, ...Array.from({ length: 11 }, () => 0xff)],
    "a varint that breaks off": [0x70, 0x80],
    "wire type 6": [0x0e, 1],
    "the end of a group that did not start": [0xa4, 0x06],
    "a group that ends as another": [0xa3, 0x06, 0xac, 0x06],
    "a group without end": [0xa3, 0x06],
    "groups nested without end": groups(500),
    "messages nested without end": nestedMessages(110),
  };
  for (const [name, bytes] of Object.entries(wrong)) {
    test(name, () => assert.throws(() => readDescriptorFile(Uint8Array.from(bytes)), WireError));
  }

  test("a descriptor cut at any place is one or none, and nothing else", () => {
    const whole = toBinary(FileDescriptorProtoSchema, fixture("legacy").at(-1) ?? tiny("a", []));
    let refused = 0;
    for (let length = 0; length < whole.length; length++) {
      try {
        readDescriptorFile(whole.subarray(0, length));
      } catch (error) {
        assert.ok(error instanceof WireError, String(error));
        refused++;
      }
    }
    assert.ok(refused > whole.length / 2);
  });

  test("a set whose file is a number", () => {
    assert.throws(() => readDescriptorSet(Uint8Array.of(0x08, 1)), WireError);
  });
});

/** Messages in messages, `depth` of them, in a file. */
function nestedMessages(depth: number): readonly number[] {
  let inner: readonly number[] = [];
  const within = (tag: number): readonly number[] => {
    const { length } = inner;
    return [tag, ...(length < 128 ? [length] : [(length & 0x7f) | 0x80, length >> 7]), ...inner];
  };
  for (let i = 1; i < depth; i++) inner = within(0x1a);
  return within(0x22);
}
