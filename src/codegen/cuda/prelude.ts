// What generated CUDA kernels call, once for a module of them: it needs no header, so that NVRTC compiles it with nothing installed beside.

import type { OperandType } from "../../ir/loop/expr.ts";

/** Sums that a lane of a warpgroup has of one product. */
const SUMS = 64;
const eachSum = (text: (i: number) => string): string => Array.from({ length: SUMS }, (_, i) => text(i)).join(", ");

/** A product of 64 rows and 128 columns over 8 words, by a warpgroup from shared memory; `flags` say that neither operand is transposed, where it might be. */
const wideProduct = (of: OperandType, depth: number, flags: string): string => `
__device__ __forceinline__ void multiply_wide_${of}(${eachSum((i) => `float &s${String(i)}`)}, unsigned long long left, unsigned long long right) {
#if defined(__CUDA_ARCH__)
  asm volatile("{ .reg .pred p; setp.eq.u32 p, 0, 0; wgmma.mma_async.sync.aligned.m64n128k${String(depth)}.f32.${of}.${of} {${eachSum((i) => `%${String(i)}`)}}, %${String(SUMS)}, %${String(SUMS + 1)}, p, 1, 1${flags}; }"
      : ${eachSum((i) => `"+f"(s${String(i)})`)} : "l"(left), "l"(right) : "memory");
#else
  float *const sums[] = {${eachSum((i) => `&s${String(i)}`)}};
  machine::multiply_wide(machine::of_${of}, sums, left, right);
#endif
}`;

export const PRELUDE = `// Vectors of four, element by element.
__device__ __forceinline__ float4 operator+(float4 a, float4 b) { return make_float4(a.x + b.x, a.y + b.y, a.z + b.z, a.w + b.w); }
__device__ __forceinline__ float4 operator*(float s, float4 v) { return make_float4(s * v.x, s * v.y, s * v.z, s * v.w); }
__device__ __forceinline__ float4 &operator+=(float4 &a, float4 b) { return a = a + b; }
__device__ __forceinline__ int4 operator+(int4 a, int4 b) { return make_int4(a.x + b.x, a.y + b.y, a.z + b.z, a.w + b.w); }
__device__ __forceinline__ int4 operator*(int s, int4 v) { return make_int4(s * v.x, s * v.y, s * v.z, s * v.w); }
__device__ __forceinline__ int4 &operator+=(int4 &a, int4 b) { return a = a + b; }
__device__ __forceinline__ uint4 operator+(uint4 a, uint4 b) { return make_uint4(a.x + b.x, a.y + b.y, a.z + b.z, a.w + b.w); }
__device__ __forceinline__ uint4 operator*(unsigned s, uint4 v) { return make_uint4(s * v.x, s * v.y, s * v.z, s * v.w); }
__device__ __forceinline__ uint4 &operator+=(uint4 &a, uint4 b) { return a = a + b; }

// The greater, or the less, of two; what is no number wins.
__device__ __forceinline__ float larger(float x, float y) {
#if defined(__CUDA_ARCH__)
  float z;
  asm("max.NaN.f32 %0, %1, %2;" : "=f"(z) : "f"(x), "f"(y));
  return z;
#else
  return x != x || y != y ? x + y : x < y ? y : x;
#endif
}
__device__ __forceinline__ float smaller(float x, float y) {
#if defined(__CUDA_ARCH__)
  float z;
  asm("min.NaN.f32 %0, %1, %2;" : "=f"(z) : "f"(x), "f"(y));
  return z;
#else
  return x != x || y != y ? x + y : y < x ? y : x;
#endif
}
__device__ __forceinline__ int larger(int x, int y) { return x < y ? y : x; }
__device__ __forceinline__ int smaller(int x, int y) { return y < x ? y : x; }
__device__ __forceinline__ unsigned larger(unsigned x, unsigned y) { return x < y ? y : x; }
__device__ __forceinline__ unsigned smaller(unsigned x, unsigned y) { return y < x ? y : x; }
__device__ __forceinline__ bool larger(bool x, bool y) { return x || y; }
__device__ __forceinline__ bool smaller(bool x, bool y) { return x && y; }

// Of what is no number 0.
__device__ __forceinline__ float sign_of(float x) { return float(x > 0.0f) - float(x < 0.0f); }
__device__ __forceinline__ int sign_of(int x) { return int(x > 0) - int(x < 0); }
__device__ __forceinline__ float magnitude(float x) { return fabsf(x); }
__device__ __forceinline__ int magnitude(int x) { return x < 0 ? int(0u - unsigned(x)) : x; }

// The nearest number of a format with fewer bits, as the f32 that it is; what is no number has bits that a carry would make a number of.
__device__ __forceinline__ float round_tf32(float x) { return x != x ? x : __uint_as_float((__float_as_uint(x) + 0x1000u) & 0xffffe000u); }
__device__ __forceinline__ float round_bf16(float x) {
  unsigned bits = __float_as_uint(x);
  return x != x ? x : __uint_as_float((bits + 0x7fffu + ((bits >> 16) & 1u)) & 0xffff0000u);
}
__device__ __forceinline__ float round_f16(float x) {
  unsigned bits = __float_as_uint(x);
  if (fabsf(x) < 6.103515625e-5f) return rintf(x * 16777216.0f) * 5.9604644775390625e-8f;
  if (fabsf(x) >= 65520.0f) return __uint_as_float((bits & 0x80000000u) | 0x7f800000u);
  return x != x ? x : __uint_as_float((bits + 0xfffu + ((bits >> 13) & 1u)) & 0xffffe000u);
}

// Floats of 16 bits in memory: a half, and the upper half of a float. What is stored was rounded before.
struct half_float {
  unsigned short bits;
  half_float() = default;
  __device__ __forceinline__ explicit half_float(float x) {
#if defined(__CUDA_ARCH__)
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(x));
#else
    bits = (unsigned short)machine::half_of(x);
#endif
  }
  __device__ __forceinline__ explicit operator float() const {
#if defined(__CUDA_ARCH__)
    float x;
    asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(bits));
    return x;
#else
    return machine::of_half(bits);
#endif
  }
};
struct upper_half {
  unsigned short bits;
  upper_half() = default;
  __device__ __forceinline__ explicit upper_half(float x) : bits((unsigned short)(__float_as_uint(x) >> 16)) {}
  __device__ __forceinline__ explicit operator float() const { return __uint_as_float(unsigned(bits) << 16); }
};

// Numbers of fewer bits in a word, the first in its lower half.
__device__ __forceinline__ unsigned word_tf32(float x) {
#if defined(__CUDA_ARCH__)
  unsigned word;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(word) : "f"(x));
  return word;
#else
  return __float_as_uint(round_tf32(x));
#endif
}
__device__ __forceinline__ unsigned word_bf16(float x, float y) {
#if defined(__CUDA_ARCH__)
  unsigned word;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(y), "f"(x));
  return word;
#else
  return __float_as_uint(round_bf16(x)) >> 16 | (__float_as_uint(round_bf16(y)) & 0xffff0000u);
#endif
}
__device__ __forceinline__ unsigned word_f16(float x, float y) {
#if defined(__CUDA_ARCH__)
  unsigned word;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(y), "f"(x));
  return word;
#else
  return machine::half_of(round_f16(x)) | unsigned(machine::half_of(round_f16(y))) << 16;
#endif
}

// A copy of some bytes to shared memory, where its place is counted in words; zeros where nothing is to be read.
template <int BYTES, typename T, typename S> __device__ __forceinline__ void copy_aside(T *shared, int place, const S *from, bool isRead) {
#if defined(__CUDA_ARCH__)
  unsigned at;
  asm("{ .reg .u64 p; cvta.to.shared.u64 p, %1; cvt.u32.u64 %0, p; }" : "=r"(at) : "l"(shared));
  if (BYTES == 16)
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(at + 4 * place), "l"(from), "r"(isRead ? 16 : 0) : "memory");
  else
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(at + 4 * place), "l"(from), "r"(isRead ? 4 : 0) : "memory");
#else
  machine::begin_copy(reinterpret_cast<char *>(shared) + 4 * place, from, BYTES, isRead);
#endif
}
__device__ __forceinline__ void end_batch() {
#if defined(__CUDA_ARCH__)
  asm volatile("cp.async.commit_group;" ::: "memory");
#else
  machine::end_batch();
#endif
}
// For all but the last batches.
template <int PENDING> __device__ __forceinline__ void wait_copies() {
#if defined(__CUDA_ARCH__)
  asm volatile("cp.async.wait_group %0;" ::"n"(PENDING) : "memory");
#else
  machine::wait_copies(PENDING);
#endif
}

// A matrix in memory, as the driver describes it (cuda.h's CUtensorMap), and copies of parts of it that the machine makes by itself; a barrier of copies counts
// their bytes, of those that its phase expects.
struct __align__(128) TensorMap { unsigned long long words[16]; };
__device__ __forceinline__ unsigned shared_at(const unsigned *word) {
#if defined(__CUDA_ARCH__)
  unsigned at;
  asm("{ .reg .u64 p; cvta.to.shared.u64 p, %1; cvt.u32.u64 %0, p; }" : "=r"(at) : "l"(word));
  return at;
#else
  return machine::shared_address(word);
#endif
}
__device__ __forceinline__ void init_barriers(unsigned *first, int count) {
  if (threadIdx.x > 0) return;
  for (int i = 0; i < count; i++)
#if defined(__CUDA_ARCH__)
    asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(shared_at(first + 2 * i)) : "memory");
#else
    machine::init_barrier(first + 2 * i);
#endif
}
__device__ __forceinline__ void expect_bytes(unsigned *barrier, int bytes) {
#if defined(__CUDA_ARCH__)
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_at(barrier)), "r"(bytes) : "memory");
#else
  machine::expect_bytes(barrier, bytes);
#endif
}
__device__ __forceinline__ void copy_tile(unsigned *to, const TensorMap &map, int column, int row, unsigned *barrier) {
#if defined(__CUDA_ARCH__)
  asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3}], [%4];"
               ::"r"(shared_at(to)), "l"(&map), "r"(column), "r"(row), "r"(shared_at(barrier)) : "memory");
#else
  machine::copy_tile(to, &map, column, row, barrier);
#endif
}
// Of the phase of that parity. Each poll may take a while, up to 20 us: after seconds at most it is given up.
__device__ __forceinline__ bool await_tiles(unsigned *barrier, int parity, bool are_there) {
#if defined(__CUDA_ARCH__)
  unsigned is_done = 0;
  for (int polls = 0; are_there && is_done == 0 && polls < 1 << 17; polls++)
    asm volatile("{ .reg .pred p; mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2, %3; selp.u32 %0, 1, 0, p; }"
                 : "=r"(is_done) : "r"(shared_at(barrier)), "r"(parity), "r"(20000) : "memory");
  return is_done != 0;
#else
  return are_there && machine::await_tiles(barrier, parity);
#endif
}

// Four matrices of eight rows of four words, each row from where one lane says; a lane gets word lane % 4 of row lane / 4 of each.
__device__ __forceinline__ void load_matrices(unsigned &a, unsigned &b, unsigned &c, unsigned &d, const unsigned *row) {
#if defined(__CUDA_ARCH__)
  unsigned at;
  asm("{ .reg .u64 p; cvta.to.shared.u64 p, %1; cvt.u32.u64 %0, p; }" : "=r"(at) : "l"(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];" : "=r"(a), "=r"(b), "=r"(c), "=r"(d) : "r"(at) : "memory");
#else
  machine::load_matrices(a, b, c, d, row);
#endif
}

// A product of 16 rows and 8 columns over 8 words, added to sums in f32.
#if defined(__CUDA_ARCH__)
#define MULTIPLY(of, shape)                                                                                                       \\
  __device__ __forceinline__ void multiply_##of(float &s, float &t, float &u, float &v, unsigned a, unsigned b, unsigned c,       \\
                                                unsigned d, unsigned e, unsigned f) {                                             \\
    asm("mma.sync.aligned." shape ".row.col.f32." #of "." #of ".f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};" \\
        : "+f"(s), "+f"(t), "+f"(u), "+f"(v)                                                                                      \\
        : "r"(a), "r"(b), "r"(c), "r"(d), "r"(e), "r"(f));                                                                        \\
  }
#else
#define MULTIPLY(of, shape)                                                                                                       \\
  inline void multiply_##of(float &s, float &t, float &u, float &v, unsigned a, unsigned b, unsigned c, unsigned d, unsigned e,   \\
                            unsigned f) {                                                                                         \\
    machine::multiply(machine::of_##of, s, t, u, v, a, b, c, d, e, f);                                                            \\
  }
#endif
MULTIPLY(tf32, "m16n8k8")
MULTIPLY(bf16, "m16n8k16")
MULTIPLY(f16, "m16n8k16")

// Memory that a launch asks for, aligned as matrices are that warpgroups multiply.
#if defined(__CUDA_ARCH__)
#define SHARED_AT_LAUNCH(type, name, length) extern __shared__ __align__(1024) type name[]
#else
#define SHARED_AT_LAUNCH(type, name, length) type *const name = machine::shared_at_launch(length)
#endif

// Where rows of 32 words begin in shared memory, eight rows 1024 bytes from the next eight, their sixteen bytes permuted by 128 bytes.
__device__ __forceinline__ unsigned long long matrix_at(const unsigned *row) {
  return (unsigned long long)((shared_at(row) & 0x3ffffu) >> 4) | 1ull << 16 | (1024ull >> 4) << 32 | 1ull << 62;
}

// What was stored to shared memory is there for the machine that multiplies and copies it, behind a barrier.
__device__ __forceinline__ void publish() {
#if defined(__CUDA_ARCH__)
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
#else
  machine::publish();
#endif
}
__device__ __forceinline__ void begin_products() {
#if defined(__CUDA_ARCH__)
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#else
  machine::begin_products();
#endif
}
__device__ __forceinline__ void end_products() {
#if defined(__CUDA_ARCH__)
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
#else
  machine::end_products();
#endif
}
// For all but the last batches.
template <int PENDING> __device__ __forceinline__ void wait_products() {
#if defined(__CUDA_ARCH__)
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(PENDING) : "memory");
#else
  machine::wait_products(PENDING);
#endif
}
// A sum is read behind the wait for it, and not before, wherever its register is.
__device__ __forceinline__ void settle(float &sum) {
#if defined(__CUDA_ARCH__)
  asm volatile("" : "+f"(sum)::"memory");
#endif
}
${[wideProduct("tf32", 8, ""), wideProduct("bf16", 16, ", 0, 0"), wideProduct("f16", 16, ", 0, 0")].join("\n")}

// All lanes of a warp get the same, to the last bit: each pair is combined in either order.
template <typename T> __device__ __forceinline__ T lanes_sum(T x) {
  for (int i = 16; i > 0; i /= 2) x += __shfl_xor_sync(0xffffffffu, x, i);
  return x;
}
template <typename T> __device__ __forceinline__ T lanes_max(T x) {
  for (int i = 16; i > 0; i /= 2) x = larger(x, T(__shfl_xor_sync(0xffffffffu, x, i)));
  return x;
}
template <typename T> __device__ __forceinline__ T lanes_min(T x) {
  for (int i = 16; i > 0; i /= 2) x = smaller(x, T(__shfl_xor_sync(0xffffffffu, x, i)));
  return x;
}

// Threefry-2x32-20 (Salmon et al. 2011), first word.
__device__ __forceinline__ void threefry_rounds(unsigned &x, unsigned &y, int a, int b, int c, int d) {
  x += y; y = ((y << a) | (y >> (32 - a))) ^ x;
  x += y; y = ((y << b) | (y >> (32 - b))) ^ x;
  x += y; y = ((y << c) | (y >> (32 - c))) ^ x;
  x += y; y = ((y << d) | (y >> (32 - d))) ^ x;
}
__device__ __forceinline__ unsigned threefry(unsigned k0, unsigned k1, unsigned c0, unsigned c1) {
  unsigned k2 = k0 ^ k1 ^ 0x1bd11bdau;
  unsigned x = c0 + k0, y = c1 + k1;
  threefry_rounds(x, y, 13, 15, 26, 6); x += k1; y += k2 + 1u;
  threefry_rounds(x, y, 17, 29, 16, 24); x += k2; y += k0 + 2u;
  threefry_rounds(x, y, 13, 15, 26, 6); x += k0; y += k1 + 3u;
  threefry_rounds(x, y, 17, 29, 16, 24); x += k1; y += k2 + 4u;
  threefry_rounds(x, y, 13, 15, 26, 6); x += k2;
  return x;
}
`;
