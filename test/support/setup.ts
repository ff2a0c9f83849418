// Runs in front of each file of tests.

import "./patient-dawn.mjs";
import { fuseMultiplyAdds } from "./relaxed-simd.ts";

fuseMultiplyAdds(true);
