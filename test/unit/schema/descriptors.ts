/** Descriptor files for the tests of schemas: compiled fixtures, and small ones made by hand. */
import { readFileSync } from "node:fs";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Type,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import { type BuiltSchema, type DescriptorFile, readDescriptorFile } from "../../../src/schema/index.ts";
import { buildSchema } from "../../support/in-one-go.ts";

/** The files of a compiled fixture, e.g. `shop`. */
export function fixture(name: string): readonly FileDescriptorProto[] {
  return fromBinary(FileDescriptorSetSchema, readFileSync(`test/fixtures/protos/${name}.binpb`)).file;
}

export function file(init: MessageInitShape<typeof FileDescriptorProtoSchema>): FileDescriptorProto {
  return create(FileDescriptorProtoSchema, { syntax: "proto3", ...init });
}

/** A proto3 file `<name>.proto`, package `name`, message `M` with fields of the given types, and a service on it. */
export function tiny(
  name: string,
  fieldTypes: readonly string[],
  dependency: string[] = [],
): FileDescriptorProto {
  return file({
    name: `${name}.proto`,
    package: name,
    dependency,
    messageType: [
      {
        name: "M",
        field: fieldTypes.map((typeName, i) => ({
          name: `f${i + 1}`,
          number: i + 1,
          type: FieldDescriptorProto_Type.MESSAGE,
          label: 1,
          typeName,
        })),
      },
    ],
    service: [{ name: "S", method: [{ name: "Get", inputType: `.${name}.M`, outputType: `.${name}.M` }] }],
  });
}

/** The files as a source reads them off the wire. */
export function sent(files: readonly FileDescriptorProto[]): readonly DescriptorFile[] {
  return files.map((each) => readDescriptorFile(toBinary(FileDescriptorProtoSchema, each)));
}

export function build(...files: readonly FileDescriptorProto[]): BuiltSchema {
  return buildSchema([{ origin: "test", files: sent(files) }]);
}

export function serviceNames({ schema }: BuiltSchema): readonly string[] {
  return schema?.services.map(({ fullName }) => fullName) ?? [];
}

/** Severity, place and text of every problem, a line each. */
export function problemLines({ problems }: Pick<BuiltSchema, "problems">): readonly string[] {
  return problems.map(({ severity, where, what }) => `${severity} ${where}: ${what}`);
}
