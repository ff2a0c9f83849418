// cuDNN 9: what it can do of a program's kernels, each a graph of its operations. What it loads besides it finds in its own folder.

import type { ContractionOfLibrary } from "../../ir/program.ts";
import { attentionOperation } from "./cudnn-attention.ts";
import { convolutionOperation } from "./cudnn-convolution.ts";
import { Descriptors, type CudnnLibrary } from "./cudnn-descriptors.ts";
import { askerOf, enqueue, plansOf, type GraphOperation } from "./cudnn-graph.ts";
import { CUDNN_STATUSES } from "./cudnn-values.ts";
import type { Koffi } from "./koffi.ts";
import { bind } from "./koffi.ts";
import { NativeLibrary, type LibraryPlan, type ProductLibrary } from "./library.ts";
import { CUDNN, VERSIONS } from "./signatures.ts";
import { versionOfNumber } from "./version.ts";

/** Throws where the library cannot be loaded, or does not begin. */
export function openCudnn(koffi: Koffi, path: string): ProductLibrary {
  const library: CudnnLibrary = new NativeLibrary(koffi, path, CUDNN, CUDNN_STATUSES);
  const version = bind(koffi, path, VERSIONS.cudnn, "u64").get("cudnnGetVersion")?.() ?? 0;
  const name = `cuDNN ${versionOfNumber(version)}`;
  const handle = library.handle("cudnnCreate");
  return {
    name,
    plansOf: (product) => {
      const operation = operationOf(product);
      return operation ? executable(koffi, library, handle, name, operation) : [];
    },
    dispose: () => library.attempt("cudnnDestroy", handle),
  };
}

/** What it is asked for, if it is asked at all. */
function operationOf(product: ContractionOfLibrary): GraphOperation | undefined {
  if (product.kind === "matmul") return undefined;
  return product.kind === "convolution" ? convolutionOperation(product) : attentionOperation(product);
}

/** Plans whose descriptors are given back with the last of them. */
function executable(koffi: Koffi, library: CudnnLibrary, handle: bigint, name: string, operation: GraphOperation): readonly LibraryPlan[] {
  const descriptors = new Descriptors(library);
  try {
    const plans = plansOf(descriptors, askerOf(handle), operation);
    let users = plans.length;
    if (users === 0) descriptors.dispose();
    return plans.map(({ plan, advice, engine, workspaceBytes }): LibraryPlan => ({
      name: `${name} ${advice} engine ${String(engine)} ${operation.name}`,
      workspaceBytes,
      enqueue: (place) => enqueue(library, handle, plan, operation, operation.scalars ? koffi.address(operation.scalars) : 0n, place),
      dispose: () => {
        users -= 1;
        if (users === 0) descriptors.dispose();
      },
    }));
  } catch (error) {
    descriptors.dispose();
    throw error;
  }
}
