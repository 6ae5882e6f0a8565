/**
 * What a schema needs to know of a descriptor file to check it, to link it and to route to its services: names, numbers
 * and types of its parts. Options, defaults and comments stay in the bytes until a type of the file is used.
 *
 * An outline is a tenth of the size of the decoded file and read five times as fast, which is what lets an API of
 * thousands of files start at once. `read-outline.ts` makes them.
 */
import type { FieldDescriptorProto_Label, FieldDescriptorProto_Type } from "@bufbuild/protobuf/wkt";

/** A file as a source hands it over, to be the receiver's own: linking writes into the outline. */
export interface DescriptorFile {
  readonly outline: FileOutline;
  /** The serialized FileDescriptorProto, without comments (`source_code_info`) and fields that protobuf does not know. */
  readonly bytes: Uint8Array;
}

/** A `google.protobuf.FileDescriptorProto`. */
export interface FileOutline {
  readonly name: string;
  readonly package: string;
  readonly syntax: string;
  readonly edition: number;
  /** Names of the imported files. */
  dependency: readonly string[];
  readonly messages: readonly MessageOutline[];
  readonly enums: readonly EnumOutline[];
  readonly extensions: readonly FieldOutline[];
  readonly services: readonly ServiceOutline[];
  /**
   * Whether the checks of this module are all that can go wrong with the file. One that holds more (defaults, extensions,
   * features, odd encodings) is built at once to see whether it can be; a plain one when it is used.
   */
  isPlain: boolean;
}

/** A `DescriptorProto`. */
export interface MessageOutline {
  readonly name: string;
  readonly fields: readonly FieldOutline[];
  readonly messages: readonly MessageOutline[];
  readonly enums: readonly EnumOutline[];
  readonly extensions: readonly FieldOutline[];
  /** Names, in the order that `FieldOutline.oneofIndex` counts. */
  readonly oneofs: readonly string[];
  readonly isMapEntry: boolean;
}

/** A `FieldDescriptorProto`: a field or an extension. */
export interface FieldOutline {
  readonly name: string;
  readonly number: number;
  readonly label: FieldDescriptorProto_Label;
  /** May hold a number that protobuf does not know; undefined where the descriptor leaves it to `typeName`. */
  type: FieldDescriptorProto_Type | undefined;
  typeName: string;
  /** Of an extension, else "". */
  extendee: string;
  jsonName: string | undefined;
  readonly oneofIndex: number | undefined;
  readonly isProto3Optional: boolean;
}

/** An `EnumDescriptorProto`. */
export interface EnumOutline {
  readonly name: string;
  /** Names of the values. */
  readonly values: readonly string[];
  /** Their numbers, in the same order: a list of small integers costs less than an object a value. */
  readonly numbers: readonly number[];
}

/** A `ServiceDescriptorProto`. */
export interface ServiceOutline {
  readonly name: string;
  readonly methods: readonly MethodOutline[];
}

/** A `MethodDescriptorProto`. */
export interface MethodOutline {
  readonly name: string;
  inputType: string;
  outputType: string;
  readonly clientStreaming: boolean;
  readonly serverStreaming: boolean;
  /** The option `google.api.http`: a serialized HttpRule, not looked into. */
  readonly httpRule: Uint8Array | undefined;
  /** The option `idempotency_level`; 0 where it is not set. May be a number that protobuf does not know. */
  readonly idempotencyLevel: number;
}
