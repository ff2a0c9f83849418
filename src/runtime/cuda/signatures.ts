// The functions of NVIDIA's libraries that are called, as cuda.h and nvrtc.h declare them under the names that the library has: a test holds each
// to its header. All give back an error code, but those that say a version.

/**
 * Of a parameter: an integer of 32 or 64 bits, a byte, host memory (an array), a text or several. Handles, addresses on the device and sizes are
 * 64 bits, and so are addresses of host memory that the driver itself gave.
 */
export type ParameterKind = "i32" | "u32" | "u64" | "u8" | "memory" | "text" | "texts";

export type Signatures = Readonly<Record<string, readonly ParameterKind[]>>;

export const DRIVER = {
  cuInit: ["u32"],
  cuDriverGetVersion: ["memory"],
  cuGetErrorName: ["i32", "memory"],
  cuGetErrorString: ["i32", "memory"],
  cuDeviceGetCount: ["memory"],
  cuDeviceGet: ["memory", "i32"],
  cuDeviceGetName: ["memory", "i32", "i32"],
  cuDeviceGetAttribute: ["memory", "i32", "i32"],
  cuDeviceTotalMem_v2: ["memory", "i32"],
  cuDevicePrimaryCtxRetain: ["memory", "i32"],
  cuDevicePrimaryCtxRelease_v2: ["i32"],
  cuCtxSetCurrent: ["u64"],
  cuModuleLoadData: ["memory", "memory"],
  cuModuleUnload: ["u64"],
  cuModuleGetFunction: ["memory", "u64", "text"],
  cuFuncSetAttribute: ["u64", "u32", "i32"],
  cuMemGetInfo_v2: ["memory", "memory"],
  cuMemAlloc_v2: ["memory", "u64"],
  cuMemFree_v2: ["u64"],
  cuMemAllocHost_v2: ["memory", "u64"],
  cuMemFreeHost: ["u64"],
  cuMemcpyHtoDAsync_v2: ["u64", "memory", "u64", "u64"],
  cuMemcpyDtoHAsync_v2: ["u64", "u64", "u64", "u64"],
  cuMemcpyDtoDAsync_v2: ["u64", "u64", "u64", "u64"],
  cuMemsetD8Async: ["u64", "u8", "u64", "u64"],
  cuEventCreate: ["memory", "u32"],
  cuEventDestroy_v2: ["u64"],
  cuEventRecord: ["u64", "u64"],
  cuEventSynchronize: ["u64"],
  cuEventElapsedTime: ["memory", "u64", "u64"],
  cuStreamCreate: ["memory", "u32"],
  cuStreamDestroy_v2: ["u64"],
  cuStreamQuery: ["u64"],
  cuStreamSynchronize: ["u64"],
  cuStreamWaitEvent: ["u64", "u64", "u32"],
  cuStreamBeginCapture_v2: ["u64", "u32"],
  cuStreamEndCapture: ["u64", "memory"],
  cuGraphInstantiateWithFlags: ["memory", "u64", "u64"],
  cuGraphLaunch: ["u64", "u64"],
  cuGraphExecDestroy: ["u64"],
  cuGraphDestroy: ["u64"],
  cuLaunchKernel: ["u64", "u32", "u32", "u32", "u32", "u32", "u32", "u32", "u64", "u64", "u64"],
} as const satisfies Signatures;

/** Of drivers since CUDA 12: with an older one, who asks is told how to get a newer one, and not that a function is missing. */
export const DRIVER_SINCE_12 = {
  cuTensorMapEncodeTiled: ["u64", "u32", "u32", "u64", "memory", "memory", "memory", "memory", "u32", "u32", "u32", "u32"],
} as const satisfies Signatures;

export type DriverFunction = keyof typeof DRIVER | keyof typeof DRIVER_SINCE_12;

/** Of NVRTC, the compiler. */
export const NVRTC = {
  nvrtcVersion: ["memory", "memory"],
  nvrtcCreateProgram: ["memory", "text", "text", "i32", "u64", "u64"],
  nvrtcCompileProgram: ["u64", "i32", "texts"],
  nvrtcGetProgramLogSize: ["u64", "memory"],
  nvrtcGetProgramLog: ["u64", "memory"],
  nvrtcGetPTXSize: ["u64", "memory"],
  nvrtcGetPTX: ["u64", "memory"],
  nvrtcDestroyProgram: ["memory"],
} as const satisfies Signatures;

/** Of cuBLASLt, products of matrices. Addresses of factors are host memory, those of matrices the device's. */
export const CUBLASLT = {
  cublasLtCreate: ["memory"],
  cublasLtDestroy: ["u64"],
  cublasLtMatmulDescCreate: ["memory", "i32", "i32"],
  cublasLtMatmulDescDestroy: ["u64"],
  cublasLtMatmulDescSetAttribute: ["u64", "i32", "memory", "u64"],
  cublasLtMatrixLayoutCreate: ["memory", "i32", "u64", "u64", "u64"],
  cublasLtMatrixLayoutDestroy: ["u64"],
  cublasLtMatrixLayoutSetAttribute: ["u64", "i32", "memory", "u64"],
  cublasLtMatmulPreferenceCreate: ["memory"],
  cublasLtMatmulPreferenceDestroy: ["u64"],
  cublasLtMatmulPreferenceSetAttribute: ["u64", "i32", "memory", "u64"],
  cublasLtMatmulAlgoGetHeuristic: ["u64", "u64", "u64", "u64", "u64", "u64", "u64", "i32", "memory", "memory"],
  cublasLtMatmul: [
    ...(["u64", "u64", "memory", "u64", "u64", "u64", "u64", "memory"] as const),
    ...(["u64", "u64", "u64", "u64", "memory", "u64", "u64", "u64"] as const),
  ],
} as const satisfies Signatures;

/** Of cuDNN, convolutions. All that is said of one is attributes of descriptors. */
export const CUDNN = {
  cudnnCreate: ["memory"],
  cudnnDestroy: ["u64"],
  cudnnSetStream: ["u64", "u64"],
  cudnnBackendCreateDescriptor: ["i32", "memory"],
  cudnnBackendDestroyDescriptor: ["u64"],
  cudnnBackendSetAttribute: ["u64", "i32", "i32", "u64", "memory"],
  cudnnBackendGetAttribute: ["u64", "i32", "i32", "u64", "memory", "memory"],
  cudnnBackendFinalize: ["u64"],
  cudnnBackendExecute: ["u64", "u64", "u64"],
} as const satisfies Signatures;

/** Of other libraries what says their version, as a number. */
export const VERSIONS = {
  cublasLt: { cublasLtGetVersion: [] },
  cudnn: { cudnnGetVersion: [] },
  /** Of the toolkit that a cuDNN was made with: 13020 is 13.2. */
  cudart: { cudnnGetCudartVersion: [] },
} as const satisfies Readonly<Record<string, Signatures>>;
