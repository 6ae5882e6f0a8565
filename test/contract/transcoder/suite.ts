/** Every case that a codec has to pass. */
import { describe } from "node:test";
import { bindRequestCases } from "./bind-request.ts";
import { bindingPlanCases } from "./binding-plan.ts";
import type { Subject } from "./codec.ts";
import { completeCases } from "./complete.ts";
import { httpBodyCases } from "./http-body.ts";
import { multipartCases } from "./multipart.ts";
import { propertiesCases } from "./properties.ts";
import { queryCasesCases } from "./query-cases.ts";
import { readJsonCases } from "./read-json.ts";
import { updateMaskCases } from "./update-mask.ts";
import { writeJsonCases } from "./write-json.ts";

export function runContract(subject: Subject): void {
  describe(`the ${subject.factory.name} codec`, () => {
    bindingPlanCases(subject);
    bindRequestCases(subject);
    completeCases(subject);
    httpBodyCases(subject);
    multipartCases(subject);
    queryCasesCases(subject);
    readJsonCases(subject);
    writeJsonCases(subject);
    updateMaskCases(subject);
    propertiesCases(subject);
  });
}
