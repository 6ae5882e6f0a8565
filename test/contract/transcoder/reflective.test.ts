/** The reference: its texts are those of the cases. */
import { createReflectiveFactory } from "../../../src/transcode/index.ts";
import { subjectOf } from "./codec.ts";
import { runContract } from "./suite.ts";

runContract(subjectOf(createReflectiveFactory(), {}));
