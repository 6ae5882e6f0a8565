/** What the official suite is run over. */

/** A program under test. */
export interface ConformanceSubject {
  readonly name: string;
  /** The compiled program, relative to the project. */
  readonly testee: string;
}

export const SUBJECTS: readonly ConformanceSubject[] = [
  { name: "codec", testee: ".cache/tests/test/conformance/codec-testee.js" },
  { name: "gateway over HTTP", testee: ".cache/tests/test/conformance/gateway-testee.js" },
];
