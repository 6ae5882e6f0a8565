/** The reference: its texts are those of the cases. */
import { createReflectiveFactory } from "../../../src/transcode/index.ts";
import { subjectOf } from "./codec.ts";
import { runContract } from "./suite.ts";

const DIFFERENCES: Readonly<Record<string, string>> = {
  "though a required field is missing: the message may have it":
    "protobuf-es encodes no message without its required fields",
};

runContract(subjectOf(createReflectiveFactory(), {}, DIFFERENCES));
