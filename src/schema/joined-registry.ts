/** The registries of several schemas as one, without building anything. */
import type { DescExtension, DescMessage, Registry } from "@bufbuild/protobuf";
import { type DescType, TypesByName } from "./types-by-name.ts";

/** One registry over several. Where several have a type of one name, that of the last counts. */
export function joinRegistries(registries: readonly Registry[]): Registry {
  const [first] = registries;
  return first !== undefined && registries.length === 1 ? first : new JoinedRegistry(registries);
}

class JoinedRegistry extends TypesByName implements Registry {
  readonly kind = "registry";
  /** The last first. */
  readonly #registries: readonly Registry[];

  constructor(registries: readonly Registry[]) {
    super();
    this.#registries = registries.toReversed();
  }

  *[Symbol.iterator](): IterableIterator<DescType> {
    const seen = new Set<string>();
    for (const type of this.#registries.flatMap((registry) => [...registry])) {
      if (seen.has(type.typeName)) continue;
      seen.add(type.typeName);
      yield type;
    }
  }

  override get(typeName: string): DescType | undefined {
    return this.#first((registry) => registry.get(typeName));
  }

  getExtensionFor(extendee: DescMessage, number: number): DescExtension | undefined {
    return this.#first((registry) => registry.getExtensionFor(extendee, number));
  }

  #first<T>(look: (registry: Registry) => T | undefined): T | undefined {
    for (const registry of this.#registries) {
      const found = look(registry);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}
