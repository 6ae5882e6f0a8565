/** The metric of content codings: what compression saves, and what decoding lets in. */
import type { ContentCodings } from "../protocol/index.ts";
import type { Reading, Sample } from "../telemetry/index.ts";

/** What `codings` have done so far. */
export function codingReading(codings: Pick<ContentCodings, "totals">): Reading {
  return {
    name: "sluice_content_coding_bytes_total",
    help: "Bytes of bodies with a Content-Encoding, by direction (request, reply), coding, and side: coded, as the client sees them, or plain.",
    kind: "counter",
    labels: ["direction", "coding", "side"],
    read: (): Sample[] =>
      codings.totals.flatMap(({ direction, coding, codedBytes, plainBytes }): Sample[] => [
        [[direction, coding, "coded"], codedBytes],
        [[direction, coding, "plain"], plainBytes],
      ]),
  };
}
