/** What every registry of ours does alike: types of one kind are looked up as any type, and then must be of that kind. */
import type { DescEnum, DescExtension, DescMessage, DescService } from "@bufbuild/protobuf";

/** A type of any kind. */
export type DescType = DescMessage | DescEnum | DescExtension | DescService;

/** The look-ups of a registry by full name. */
export abstract class TypesByName {
  abstract get(typeName: string): DescType | undefined;

  getMessage(typeName: string): DescMessage | undefined {
    const type = this.get(typeName);
    return type?.kind === "message" ? type : undefined;
  }

  getEnum(typeName: string): DescEnum | undefined {
    const type = this.get(typeName);
    return type?.kind === "enum" ? type : undefined;
  }

  getExtension(typeName: string): DescExtension | undefined {
    const type = this.get(typeName);
    return type?.kind === "extension" ? type : undefined;
  }

  getService(typeName: string): DescService | undefined {
    const type = this.get(typeName);
    return type?.kind === "service" ? type : undefined;
  }
}
