/** Types and extensions by name, whatever schema they come from. */
import { createRegistry, type DescExtension, type DescMessage, type Registry } from "@bufbuild/protobuf";
import {
  file_google_protobuf_any,
  file_google_protobuf_duration,
  file_google_protobuf_empty,
  file_google_protobuf_field_mask,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
} from "@bufbuild/protobuf/wkt";
import { file_google_rpc_error_details } from "../../gen/google/rpc/error_details_pb.ts";
import { file_google_rpc_status } from "../../gen/google/rpc/status_pb.ts";

/**
 * Types by name: the loaded schemas first, then the well-known types and `google.rpc` details, which an Any may hold
 * although no schema of an upstream mentions them.
 */
export class TypeNames {
  readonly #loaded: Registry;
  readonly #builtIn: Registry;

  constructor(loaded: Registry) {
    this.#loaded = loaded;
    this.#builtIn = createRegistry(
      file_google_protobuf_any,
      file_google_protobuf_duration,
      file_google_protobuf_empty,
      file_google_protobuf_field_mask,
      file_google_protobuf_struct,
      file_google_protobuf_timestamp,
      file_google_protobuf_wrappers,
      file_google_rpc_error_details,
      file_google_rpc_status,
    );
  }

  /** The type that an Any's URL names: what stands after its last slash. */
  messageOf(typeUrl: string): DescMessage | undefined {
    const name = typeUrl.slice(typeUrl.lastIndexOf("/") + 1);
    return this.#loaded.getMessage(name) ?? this.#builtIn.getMessage(name);
  }

  /** The extension of `extendee` that goes by this full name. */
  extension(extendee: DescMessage, name: string): DescExtension | undefined {
    const extension = this.#loaded.getExtension(name);
    return extension?.extendee.typeName === extendee.typeName ? extension : undefined;
  }

  extensionFor(extendee: DescMessage, number: number): DescExtension | undefined {
    return this.#loaded.getExtensionFor(extendee, number);
  }
}
