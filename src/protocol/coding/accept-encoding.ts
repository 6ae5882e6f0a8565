/**
 * What content codings a client takes.
 *
 *     Accept-Encoding = [ codings [ weight ] *( OWS "," OWS codings [ weight ] ) ]
 *     codings         = content-coding | "identity" | "*"
 *
 * Several fields count as one. What is malformed is passed over, since plain bytes serve everybody. A client without the
 * field gets them too, though it would have to take any coding. Source: RFC 9110, sections 8.4.1.3 and 12.5.3.
 */
import type { HeaderList } from "../../http/index.ts";
import { weightOf } from "../weight.ts";
import type { ReplyCoding } from "./content-coding.ts";

/** The wishes of one client. */
export interface AcceptedCodings {
  /** The offer that it likes best, unless it likes plain bytes better. */
  readonly coding: ReplyCoding | undefined;
  /** Whether it refuses plain bytes. */
  readonly refusesPlain: boolean;
}

/** What the client of `headers` takes of `offers`, the dearest first; of those that it likes alike the first counts. */
export function acceptedCodings(headers: HeaderList, offers: readonly ReplyCoding[]): AcceptedCodings {
  const weights = codingWeights(headers);
  if (weights === undefined) return PLAIN;
  const others = weights.get("*");
  let coding: ReplyCoding | undefined;
  let best = 0;
  for (const offer of offers) {
    const weight =
      weights.get(offer) ?? (offer === "gzip" ? weights.get("x-gzip") : undefined) ?? others ?? 0;
    if (weight <= best) continue;
    coding = offer;
    best = weight;
  }
  const plain = weights.get("identity");
  // Plain bytes that are not spoken of are for want of anything better.
  if (plain !== undefined && plain > best) return PLAIN;
  return { coding, refusesPlain: (plain ?? others) === 0 };
}

const PLAIN: AcceptedCodings = { coding: undefined, refusesPlain: false };

/** Weights by coding, in lower case; undefined without any such field. */
function codingWeights(headers: HeaderList): ReadonlyMap<string, number> | undefined {
  let weights: Map<string, number> | undefined;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i] !== "accept-encoding") continue;
    weights ??= new Map();
    for (const item of (headers[i + 1] ?? "").split(",")) {
      const semicolon = item.indexOf(";");
      const name = (semicolon < 0 ? item : item.slice(0, semicolon)).trim().toLowerCase();
      const weight = semicolon < 0 ? 1 : parameterWeight(item.slice(semicolon + 1));
      if (name !== "" && weight !== undefined) weights.set(name, weight);
    }
  }
  return weights;
}

/** Of `q=0.5`; undefined for anything else. */
function parameterWeight(text: string): number | undefined {
  const equals = text.indexOf("=");
  if (text.slice(0, equals).trim().toLowerCase() !== "q") return undefined;
  return weightOf(text.slice(equals + 1).trim());
}
