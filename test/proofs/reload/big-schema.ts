/** A descriptor set of many files, for proofs of what takes longer the larger a schema is. */
import { create, toBinary } from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";

const FILES = 200;
const METHODS_OF_FILE = 10;
const FIELDS = 20;

/** 200 files with a service of ten methods and a message of twenty fields each. */
export function bigDescriptorSet(): Uint8Array {
  const file = Array.from({ length: FILES }, (_, i) =>
    create(FileDescriptorProtoSchema, {
      name: `big/v${i}.proto`,
      package: `big.v${i}`,
      syntax: "proto3",
      messageType: [
        {
          name: "Thing",
          field: Array.from({ length: FIELDS }, (_, n) => ({
            name: `field_${n}`,
            jsonName: `field${n}`,
            number: n + 1,
            label: FieldDescriptorProto_Label.OPTIONAL,
            type: FieldDescriptorProto_Type.STRING,
          })),
        },
      ],
      service: [
        {
          name: "Things",
          method: Array.from({ length: METHODS_OF_FILE }, (_, n) => ({
            name: `Do${n}`,
            inputType: `.big.v${i}.Thing`,
            outputType: `.big.v${i}.Thing`,
          })),
        },
      ],
    }),
  );
  return toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file }));
}
