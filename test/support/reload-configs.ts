/** Two configs that reloads go back and forth between. */

/** How many reloads the tests and proofs make. */
export const RELOADS = 100;

type Mapping = Readonly<Record<string, unknown>>;

/**
 * The second has another deadline for every route, another channel to the echo server (so that the one before is retired
 * with calls under way), and an upstream more. Both serve the same routes of the echo service at `address`.
 */
export function alternatingConfigs(
  engine: string,
  address: string,
  descriptors: string,
  extra: Mapping = {},
): readonly [Mapping, Mapping] {
  const base = { listeners: [{ address: "127.0.0.1:0", engine }], watch: false };
  const schema = { descriptors: [descriptors] };
  const library = { descriptors: [`${process.cwd()}/descriptors/library.binpb`] };
  return [
    { ...base, upstreams: { echo: { address, schema, deadline: "10s" }, ...extra } },
    {
      ...base,
      upstreams: {
        echo: { address, schema, deadline: "20s", maxReceiveMessageBytes: "3MiB" },
        library: { address, schema: library },
        ...extra,
      },
    },
  ];
}
