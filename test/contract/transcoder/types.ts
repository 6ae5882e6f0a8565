/** The message types that the codec's tests share. */
import type { DescMessage, FileRegistry } from "@bufbuild/protobuf";
import { messageOf, registryOf } from "./schema.ts";

export const registry: FileRegistry = registryOf(
  {
    "demo.Inner": { fields: { name: "string", count: "int32", next: "demo.Inner" } },
    "demo.All": {
      fields: {
        double_value: "double",
        float_value: "float",
        int32_value: "int32",
        int64_value: "int64",
        uint32_value: "uint32",
        uint64_value: "uint64",
        bool_value: "bool",
        string_value: "string",
        bytes_value: "bytes",
        enum_value: "enum{NONE=0,ONE=1,TWO=2}",
        inner: "demo.Inner",
        optional_string: "optional string",
        optional_int64: "optional int64",
        text_list: "repeated string",
        int64_list: "repeated sint64",
        inner_list: "repeated demo.Inner",
        enum_list: "repeated enum{LIST_NONE=0,LIST_ONE=1}",
        string_map: "map<string,string>",
        int32_map: "map<int32,string>",
        uint64_map: "map<uint64,double>",
        bool_map: "map<bool,string>",
        inner_map: "map<string,demo.Inner>",
        one_string: "oneof choice: string",
        one_inner: "oneof choice: demo.Inner",
        one_value: "oneof choice: google.protobuf.Value",
        one_wrapper: "oneof choice: google.protobuf.Int64Value",
        odd_name: 'string [json_name="Odd Näme"]',
      },
    },
    "demo.Known": {
      fields: {
        any: "google.protobuf.Any",
        timestamp: "google.protobuf.Timestamp",
        duration: "google.protobuf.Duration",
        mask: "google.protobuf.FieldMask",
        struct: "google.protobuf.Struct",
        value: "google.protobuf.Value",
        list: "google.protobuf.ListValue",
        int64: "google.protobuf.Int64Value",
        text: "google.protobuf.StringValue",
        bytes: "google.protobuf.BytesValue",
        bool: "google.protobuf.BoolValue",
        float: "google.protobuf.FloatValue",
        empty: "google.protobuf.Empty",
        any_list: "repeated google.protobuf.Any",
        value_list: "repeated google.protobuf.Value",
        int64_list: "repeated google.protobuf.Int64Value",
        timestamp_map: "map<string,google.protobuf.Timestamp>",
      },
    },
    "legacy.Old": {
      syntax: "proto2",
      fields: {
        id: "required int64",
        name: "optional string",
        kind: "optional enum{KIND_A=1,KIND_B=2}",
        kinds: "repeated enum{KINDS_A=1,KINDS_B=2}",
        part: "optional group{number: optional int32, child: optional legacy.Old}",
        child: "optional legacy.Old",
      },
    },
    "legacy.Open": { syntax: "proto2", fields: { name: "optional string", late: "optional string = 900" } },
    "edition.Now": {
      syntax: "editions",
      fields: { id: "required int64", text: "string", plain: "implicit string" },
    },
  },
  {
    "legacy.note": { extendee: "legacy.Open", type: "optional string", number: 200 },
    "legacy.scores": { extendee: "legacy.Open", type: "repeated int64", number: 150 },
    "legacy.old": { extendee: "legacy.Open", type: "optional legacy.Old", number: 201 },
    "legacy.kind": { extendee: "legacy.Open", type: "optional google.protobuf.Timestamp", number: 202 },
  },
);

export const All: DescMessage = messageOf(registry, "demo.All");
export const Known: DescMessage = messageOf(registry, "demo.Known");
export const Inner: DescMessage = messageOf(registry, "demo.Inner");
export const Old: DescMessage = messageOf(registry, "legacy.Old");
export const Open: DescMessage = messageOf(registry, "legacy.Open");
export const Now: DescMessage = messageOf(registry, "edition.Now");
