/** Descriptor sets as they look after somebody has worked on the protos. */
import { readFileSync } from "node:fs";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

/** The descriptor set in `path` without the methods of these names, whatever their service. */
export function withoutMethods(path: string, ...names: readonly string[]): Uint8Array {
  const set = fromBinary(FileDescriptorSetSchema, readFileSync(path));
  for (const file of set.file) {
    for (const service of file.service) {
      service.method = service.method.filter(({ name }) => !names.includes(name));
    }
  }
  return toBinary(FileDescriptorSetSchema, set);
}
