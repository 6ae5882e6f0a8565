/** The schema of everything in the config that has calls sent more than once. */
import type * as z from "zod";
import { Code, type CodeName } from "../status/index.ts";
import { choice, duration, integer, list, section, size } from "./fields.ts";

/** When a call that failed is sent again; only calls that may run twice without harm are. */
export interface RetryOptions {
  /** How often a call is sent at most, the first time included; 1 is once. */
  readonly attempts: number;
  /** The failures after which it is sent again. */
  readonly statuses: readonly Code[];
  readonly initialBackoffMs: number;
  readonly maxBackoffMs: number;
}

/** When a call that has not been answered is sent again; only calls that may run twice without harm are. */
export interface HedgingOptions {
  /** How often a call is sent at most, the first time included; 1 is once. */
  readonly attempts: number;
  readonly delayMs: number;
}

/** What repeating the calls of one upstream may cost. */
export interface RetryBudgetConfig {
  /** For 100 calls, so many may be repeated. */
  readonly percent: number;
  /** So many more each second. */
  readonly minPerSecond: number;
  /** Bytes of request messages that are kept for being sent again, for all calls together. */
  readonly keptBytes: number;
}

/** The keys of one level of the cascade; all may be absent. */
type Patch<T> = { readonly [K in keyof T]?: T[K] | undefined };

/** As gRFC A6 has it, "Limits on Retries and Hedges". */
const MAX_ATTEMPTS = 5;

/** Retries of a route. */
export function retrySection(): z.ZodType<Patch<RetryOptions>> {
  return section(
    "Sending a call again that failed; only for GET bindings and methods whose `idempotency_level` says that they may run twice.",
    {
      attempts: integer(
        "How often a call is sent at most, the first time included; 1 is never again.",
        1,
        MAX_ATTEMPTS,
      ).optional(),
      statuses: list("The failures after which it is sent again.", errorCode()).optional(),
      initialBackoff: duration(
        "The first pause is random, up to this; each further one up to twice as much.",
        { min: "1ms" },
      ).optional(),
      maxBackoff: duration("The longest pause.", { min: "1ms" }).optional(),
    },
  ).transform(({ attempts, statuses, initialBackoff, maxBackoff }) => ({
    attempts,
    statuses,
    initialBackoffMs: initialBackoff,
    maxBackoffMs: maxBackoff,
  }));
}

/** Hedging of a route. */
export function hedgingSection(): z.ZodType<Patch<HedgingOptions>> {
  return section(
    "Sending copies of a call that has not been answered; for the calls that `retry` is for, and instead of it.",
    {
      attempts: integer(
        "How often a call is sent at most, the first time included; 1 is once.",
        1,
        MAX_ATTEMPTS,
      ).optional(),
      delay: duration("How long an answer is waited for before the next copy goes out.", {
        min: "1ms",
      }).optional(),
    },
  ).transform(({ attempts, delay }) => ({ attempts, delayMs: delay }));
}

/** The budget of an upstream. */
export function retryBudgetSection(): z.ZodType<RetryBudgetConfig> {
  return section("How many calls may be repeated, retries and hedging together.", {
    percent: integer("Out of 100 calls that may be repeated.", 0, 100).prefault(20),
    minPerSecond: integer("So many each second besides, for upstreams with few calls.", 0, 100_000).prefault(
      10,
    ),
    keptBytes: size(
      "Request messages that are kept for being sent again, all together; what does not fit in is sent once.",
    ).prefault("64MiB"),
  });
}

function errorCode(): z.ZodType<Code> {
  // The keys of Code, which Object.keys widens to string.
  const names = Object.keys(Code).filter((name) => name !== "OK") as Exclude<CodeName, "OK">[];
  return choice("A gRPC code other than OK.", names)
    .meta({ title: "gRPC code" })
    .transform((name) => Code[name]);
}
