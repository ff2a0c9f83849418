// Runs in front of each file of the tests that need no device: what fast-check draws is the same in every run, where its own seed would be the time.
// FUZZ_SEED draws something else.

import fc from "fast-check";

fc.configureGlobal({ seed: Number(process.env["FUZZ_SEED"] ?? 1) });
