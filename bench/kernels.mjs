// Times single kernels on the WebGPU adapter at hand: node bench/kernels.mjs [FILTER] [ROWS,COLUMNS,THREADS_M,THREADS_N,DEPTH,UNROLL ...]

import { importTypeScript } from "./bundle.mjs";

const { main } = await importTypeScript("bench/kernels.ts");
await main(process.argv.slice(2));
