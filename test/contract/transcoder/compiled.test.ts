import { createCompiledFactory } from "../../../src/transcode/index.ts";
import { subjectOf } from "./codec.ts";
import { COMPILED_TEXTS } from "./compiled-texts.ts";
import { runContract } from "./suite.ts";

/** What the compiled codec does otherwise on purpose, by the name of the test. */
const DIFFERENCES: Readonly<Record<string, string>> = {
  "is written though a required field is missing: the reply is all that there is":
    "as protobuf's own parsers do, bytes without a required field are not taken for a message",
};

runContract(subjectOf(createCompiledFactory(), COMPILED_TEXTS, DIFFERENCES));
