/**
 * Descriptors for tests of rules: a service whose methods carry whatever HttpRule a test gives them.
 */
import {
  create,
  createFileRegistry,
  type DescMethod,
  type MessageInitShape,
  toBinary,
} from "@bufbuild/protobuf";
import {
  FileDescriptorProtoSchema,
  type FileDescriptorSet,
  FileDescriptorSetSchema,
  file_google_protobuf_field_mask,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";
import { HttpRuleSchema } from "../../../src/gen/google/api/http_pb.ts";
import type { MethodSchema } from "../../../src/schema/index.ts";

/** An annotation as protobuf-es takes it. */
export type RuleInit = MessageInitShape<typeof HttpRuleSchema>;

const SERVICE = "library.v1.Library";

/** The method `library.v1.Library.GetBook`, with `rule` as its annotation. */
export function methodWith(rule: RuleInit | undefined): Omit<MethodSchema, "kind"> {
  const registry = createFileRegistry(libraryFiles());
  const descriptor: DescMethod | undefined = registry.getService(SERVICE)?.methods[0];
  if (descriptor === undefined) throw new Error("the service above has a method");
  const { input, output } = descriptor;
  return {
    fullName: `${SERVICE}.GetBook`,
    rpcPath: `/${SERVICE}/GetBook`,
    input,
    output,
    descriptor,
    inputShape: input,
    outputShape: output,
    httpRule: rule === undefined ? undefined : toBinary(HttpRuleSchema, create(HttpRuleSchema, rule)),
    idempotency: "unknown",
  };
}

function libraryFiles(): FileDescriptorSet {
  const dependencies = [
    file_google_protobuf_timestamp,
    file_google_protobuf_wrappers,
    file_google_protobuf_struct,
    file_google_protobuf_field_mask,
  ].map(({ proto }) => proto);
  const file = create(FileDescriptorProtoSchema, {
    name: "library/v1/library.proto",
    package: "library.v1",
    syntax: "proto3",
    dependency: dependencies.map(({ name }) => name),
    messageType: [
      {
        name: "Book",
        field: [
          field("name", 1, Type.STRING),
          field("page_count", 2, Type.INT32),
          message("parent", 3, ".library.v1.Book"),
        ],
      },
      { name: "Nothing" },
      {
        name: "Request",
        field: [
          field("name", 1, Type.STRING),
          { ...field("shelf_id", 2, Type.INT64), jsonName: "shelfId" },
          message("book", 3, ".library.v1.Book"),
          { ...field("tags", 4, Type.STRING), label: Label.REPEATED },
          { ...message("counts", 5, ".library.v1.Request.CountsEntry"), label: Label.REPEATED },
          message("at", 6, ".google.protobuf.Timestamp"),
          message("limit", 7, ".google.protobuf.Int64Value"),
          message("mask", 8, ".google.protobuf.FieldMask"),
          message("extra", 9, ".google.protobuf.Value"),
          message("nothing", 10, ".library.v1.Nothing"),
          { ...field("isbn", 11, Type.STRING), oneofIndex: 0 },
          { ...message("other", 12, ".library.v1.Book"), oneofIndex: 0 },
          field("blob", 13, Type.BYTES),
          { ...message("books", 14, ".library.v1.Book"), label: Label.REPEATED },
        ],
        oneofDecl: [{ name: "choice" }],
        nestedType: [
          {
            name: "CountsEntry",
            field: [field("key", 1, Type.STRING), field("value", 2, Type.INT32)],
            options: { mapEntry: true },
          },
        ],
      },
    ],
    service: [
      {
        name: "Library",
        method: [{ name: "GetBook", inputType: ".library.v1.Request", outputType: ".library.v1.Book" }],
      },
    ],
  });
  return create(FileDescriptorSetSchema, { file: [...dependencies, file] });
}

function field(
  name: string,
  number: number,
  type: Type,
): { name: string; number: number; type: Type; label: Label } {
  return { name, number, type, label: Label.OPTIONAL };
}

function message(
  name: string,
  number: number,
  typeName: string,
): ReturnType<typeof field> & { typeName: string } {
  return { ...field(name, number, Type.MESSAGE), typeName };
}
