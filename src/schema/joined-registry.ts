/** The registries of several schemas as one, without building anything. */
import type { DescEnum, DescExtension, DescMessage, DescService, Registry } from "@bufbuild/protobuf";

/** One registry over several. Where several have a type of one name, that of the last counts. */
export function joinRegistries(registries: readonly Registry[]): Registry {
  const [first] = registries;
  return first !== undefined && registries.length === 1 ? first : new JoinedRegistry(registries);
}

class JoinedRegistry implements Registry {
  readonly kind = "registry";
  /** The last first. */
  readonly #registries: readonly Registry[];

  constructor(registries: readonly Registry[]) {
    this.#registries = registries.toReversed();
  }

  *[Symbol.iterator](): IterableIterator<DescMessage | DescEnum | DescExtension | DescService> {
    const seen = new Set<string>();
    for (const type of this.#registries.flatMap((registry) => [...registry])) {
      if (seen.has(type.typeName)) continue;
      seen.add(type.typeName);
      yield type;
    }
  }

  get(typeName: string): DescMessage | DescEnum | DescExtension | DescService | undefined {
    return this.#first((registry) => registry.get(typeName));
  }

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

  getExtensionFor(extendee: DescMessage, number: number): DescExtension | undefined {
    return this.#first((registry) => registry.getExtensionFor(extendee, number));
  }

  getService(typeName: string): DescService | undefined {
    const type = this.get(typeName);
    return type?.kind === "service" ? type : undefined;
  }

  #first<T>(look: (registry: Registry) => T | undefined): T | undefined {
    for (const registry of this.#registries) {
      const found = look(registry);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}
