// CUDA on one core of the host, for tests: a workgroup's threads are fibers that take turns at barriers, workgroups run one after the
// other. It is the memory model at its worst: between two barriers each thread runs alone, upwards and downwards by turns, so that
// a missing barrier shows; shared memory holds no numbers at first. Included before generated kernels and after nothing.
#pragma once
#include <csetjmp>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ucontext.h>

#define __global__
#define __device__
#define __forceinline__ inline
#define __launch_bounds__(threads, groups)
// In one section, so that a launch can fill all of it.
#define __shared__ static __attribute__((section("shared_arrays")))
extern "C" char __start_shared_arrays[] __attribute__((weak));
extern "C" char __stop_shared_arrays[] __attribute__((weak));

struct Index { unsigned x; };
static Index threadIdx, blockIdx;

struct float4 { float x, y, z, w; };
struct int4 { int x, y, z, w; };
struct uint4 { unsigned x, y, z, w; };
static inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
static inline int4 make_int4(int x, int y, int z, int w) { return {x, y, z, w}; }
static inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }

static inline float __int_as_float(unsigned bits) { float x; memcpy(&x, &bits, 4); return x; }
static inline unsigned __float_as_uint(float x) { unsigned bits; memcpy(&bits, &x, 4); return bits; }
static inline float __uint_as_float(unsigned bits) { return __int_as_float(bits); }
static inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
static inline int __float2int_rz(float x) {
  return x != x ? 0 : x >= 2147483648.0f ? 2147483647 : x <= -2147483648.0f ? -2147483647 - 1 : int(x);
}
static inline unsigned __float2uint_rz(float x) { return !(x > 0.0f) ? 0u : x >= 4294967296.0f ? 4294967295u : unsigned(x); }

namespace machine {
const int MOST_THREADS = 1024;
const size_t STACK = 64 * 1024;
enum State { FRESH, WAITING, DONE };
struct Fiber { ucontext_t context; jmp_buf place; State state; };
static Fiber fibers[MOST_THREADS];
static char *stacks;
static jmp_buf scheduler;
static unsigned threads, current, phase, step;
static void (*body)();

static void wait() {
  fibers[current].state = WAITING;
  if (_setjmp(fibers[current].place) == 0) _longjmp(scheduler, 1);
}

static void enter() {
  body();
  fibers[current].state = DONE;
  _longjmp(scheduler, 1);
}

// Runs every thread of a workgroup up to its end, from barrier to barrier; false where some ended while others wait.
static bool run_fibers() {
  if (!stacks) stacks = static_cast<char *>(malloc(MOST_THREADS * STACK));
  for (unsigned i = 0; i < threads; i++) fibers[i].state = FRESH;
  for (phase = 0;; phase++) {
    for (step = 0; step < threads; step++) {
      current = (phase + blockIdx.x) % 2 == 0 ? step : threads - 1 - step;
      threadIdx.x = current;
      Fiber &fiber = fibers[current];
      if (_setjmp(scheduler) != 0) continue;
      if (fiber.state == WAITING) _longjmp(fiber.place, 1);
      getcontext(&fiber.context);
      fiber.context.uc_stack.ss_sp = stacks + current * STACK;
      fiber.context.uc_stack.ss_size = STACK;
      fiber.context.uc_link = nullptr;
      makecontext(&fiber.context, enter, 0);
      setcontext(&fiber.context);
    }
    unsigned done = 0;
    for (unsigned i = 0; i < threads; i++) done += fibers[i].state == DONE;
    if (done == threads) return true;
    if (done > 0) return false;
  }
}

/** Runs a launch; `waits` where its threads meet at barriers. */
static bool launch(void (*kernel)(), unsigned groups, unsigned count, bool waits) {
  body = kernel;
  threads = count;
  // What is no number, as a float and as an index that is far out of range.
  if (waits && __start_shared_arrays) memset(__start_shared_arrays, 0xff, __stop_shared_arrays - __start_shared_arrays);
  for (blockIdx.x = 0; blockIdx.x < groups; blockIdx.x++) {
    if (waits) {
      if (!run_fibers()) return false;
    } else
      for (threadIdx.x = 0; threadIdx.x < count; threadIdx.x++) kernel();
  }
  return true;
}

static char shuffled[MOST_THREADS][8];
}  // namespace machine

static inline void __syncthreads() { machine::wait(); }

template <typename T> static T __shfl_xor_sync(unsigned, T x, int lanes) {
  const unsigned lane = threadIdx.x;
  memcpy(machine::shuffled[lane], &x, sizeof x);
  machine::wait();
  T other;
  memcpy(&other, machine::shuffled[lane ^ lanes], sizeof x);
  machine::wait();
  return other;
}
