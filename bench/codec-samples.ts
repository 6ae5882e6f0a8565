/** The messages that the codec is measured with: one schema, three sizes, as JSON. */
import { readFileSync } from "node:fs";
import { createFileRegistry, type DescMessage, fromBinary, type Registry } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import protobuf from "protobufjs";
import "protobufjs/ext/descriptor.js";

/** One message to measure. */
export interface Sample {
  readonly name: string;
  readonly desc: DescMessage;
  readonly type: protobuf.Type;
  readonly json: Buffer;
}

/** The samples, and the registry of their types. */
export function loadSamples(): { readonly registry: Registry; readonly samples: readonly Sample[] } {
  const bytes = readFileSync("bench/codec-samples.binpb");
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, bytes));
  // The descriptor extension adds this function without types for it.
  const rootType = protobuf.Root as unknown as { fromDescriptor(set: Uint8Array): protobuf.Root };
  const root = rootType.fromDescriptor(bytes).resolveAll();
  const sample = (name: string, type: string, value: unknown): Sample => {
    const desc = registry.getMessage(`bench.${type}`);
    if (desc === undefined) throw new Error(`no type ${type}`);
    return { name, desc, type: root.lookupType(`bench.${type}`), json: Buffer.from(JSON.stringify(value)) };
  };
  const samples = [
    sample("small", "GetBookRequest", {
      name: "shelves/7/books/1041",
      pageSize: 25,
      withReviews: true,
      languageCode: "en-GB",
    }),
    sample("medium", "Book", book(1)),
    sample("large", "Shelf", {
      name: "shelves/7",
      books: Array.from({ length: 100 }, (_unused, index) => book(index)),
      nextPageToken: "c2hlbGYtNy1wYWdlLTI",
    }),
  ];
  return { registry, samples };
}

function book(index: number): unknown {
  return {
    name: `shelves/7/books/${1041 + index}`,
    title: "The Structure of Scientific Revolutions, Annotated",
    isbn: "978-0-226-45811-3",
    id: `${7_203_685_477_580_000 + index}`,
    pageCount: 264 + index,
    price: 17.99,
    available: index % 2 === 0,
    genre: "GENRE_SCIENCE",
    published: "1962-08-14T09:30:00.250Z",
    tags: ["philosophy", "history", "science", "paradigm"],
    labels: { "first-edition": "yes", shelf: "A-17", "loan-period": "21d" },
    publisher: {
      name: "University of Chicago Press",
      address: {
        street: "1427 East 60th Street",
        city: "Chicago",
        country: "United States",
        postalCode: "60637",
      },
      revenue: "912345678901",
    },
    authors: [
      { name: "Thomas S. Kuhn", born: 1922, awards: ["George Sarton Medal", "Guggenheim Fellowship"] },
      { name: "Ian Hacking", born: 1936, awards: ["Holberg Prize"] },
    ],
    description:
      "A landmark in intellectual history which has attracted attention far beyond its own field; it argues that " +
      "science does not progress by the slow accumulation of facts, but through “revolutions” in which one " +
      'view of the world gives way to another: what Kuhn called a "paradigm shift".',
    editionYears: [1962, 1970, 1996, 2012],
    etag: "q83vEjRWeJq83vEjRWeJ",
  };
}
