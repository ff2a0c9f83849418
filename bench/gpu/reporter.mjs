// What became of each test, a line of JSON as soon as it is known, in the file that TLC_TEST_LOG names: a run that is cut off has not lost what it did.

import { appendFileSync } from "node:fs";

const log = (entry) => appendFileSync(process.env.TLC_TEST_LOG, `${JSON.stringify(entry)}\n`);

export default class {
  onTestCaseReady(test) {
    log({ name: test.fullName, state: "begun" });
  }

  onTestCaseResult(test) {
    const { state, errors } = test.result();
    log({ name: test.fullName, state, ...(errors?.length > 0 && { message: errors[0].message.slice(0, 400) }) });
  }

  // What fails outside of tests: a file that cannot be imported, say.
  onTestModuleEnd(module) {
    for (const { message } of module.errors()) log({ name: module.moduleId, state: "failed", message: message.slice(0, 400) });
  }
}
