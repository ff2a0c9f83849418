// Runs in front of each file of tests.

import { fuseMultiplyAdds } from "./relaxed-simd.ts";

fuseMultiplyAdds(true);
