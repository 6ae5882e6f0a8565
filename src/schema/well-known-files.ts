/**
 * Descriptor files that every schema can count on: what protoc ships with, google.api and google.rpc.
 * They stand in for imports that a source left out, and let an `Any` hold a well-known type or an error detail.
 */
import { type DescFile, toBinary } from "@bufbuild/protobuf";
import {
  FileDescriptorProtoSchema,
  file_google_protobuf_any,
  file_google_protobuf_api,
  file_google_protobuf_compiler_plugin,
  file_google_protobuf_cpp_features,
  file_google_protobuf_descriptor,
  file_google_protobuf_duration,
  file_google_protobuf_empty,
  file_google_protobuf_field_mask,
  file_google_protobuf_go_features,
  file_google_protobuf_java_features,
  file_google_protobuf_source_context,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_type,
  file_google_protobuf_wrappers,
} from "@bufbuild/protobuf/wkt";
import { file_google_api_annotations } from "../gen/google/api/annotations_pb.ts";
import { file_google_api_http } from "../gen/google/api/http_pb.ts";
import { file_google_api_httpbody } from "../gen/google/api/httpbody_pb.ts";
import { file_google_rpc_code } from "../gen/google/rpc/code_pb.ts";
import { file_google_rpc_error_details } from "../gen/google/rpc/error_details_pb.ts";
import { file_google_rpc_status } from "../gen/google/rpc/status_pb.ts";
import type { DescriptorFile } from "./file-outline.ts";
import { readDescriptorFile } from "./read-outline.ts";

const FILES: readonly DescFile[] = [
  file_google_protobuf_any,
  file_google_protobuf_api,
  file_google_protobuf_compiler_plugin,
  file_google_protobuf_cpp_features,
  file_google_protobuf_descriptor,
  file_google_protobuf_duration,
  file_google_protobuf_empty,
  file_google_protobuf_field_mask,
  file_google_protobuf_go_features,
  file_google_protobuf_java_features,
  file_google_protobuf_source_context,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_type,
  file_google_protobuf_wrappers,
  file_google_api_annotations,
  file_google_api_http,
  file_google_api_httpbody,
  file_google_rpc_code,
  file_google_rpc_error_details,
  file_google_rpc_status,
];

const NAMES: ReadonlySet<string> = new Set(FILES.map(({ proto }) => proto.name));

/** The origin of the files, where other files have the name of their source. */
export const BUILT_IN = "built-in files";

/** All of the files, in no particular order, made afresh: a schema writes into the files that it takes over. */
export function wellKnownFiles(): readonly DescriptorFile[] {
  return [...eachWellKnownFile()];
}

/** {@link wellKnownFiles}, one made after the other. */
export function* eachWellKnownFile(): Generator<DescriptorFile, void> {
  for (const { proto } of FILES) yield readDescriptorFile(toBinary(FileDescriptorProtoSchema, proto));
}

/** Whether `name` (`google/protobuf/any.proto`) is one of the files. */
export function isWellKnownFile(name: string): boolean {
  return NAMES.has(name);
}
