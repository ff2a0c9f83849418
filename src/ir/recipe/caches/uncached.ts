// No feature cache, though there may be one: to compare with, or where neither the device nor a disk has room to spare.

import { defineCache } from "./define.ts";

export const uncached = defineCache({
  name: "uncached",
  doc: "every epoch computes what is frozen again; nothing is kept on the device, on the host or on disk",
  args: {},
  keeps: false,
  samples: [{}],
});
