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
#include "tensor-map.h"

#define __global__
#define __grid_constant__
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
enum State { FRESH, WAITING, POLLING, DONE };
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

// Lets the other threads go on that are before the same barrier.
static void poll() {
  fibers[current].state = POLLING;
  if (_setjmp(fibers[current].place) == 0) _longjmp(scheduler, 1);
}

static void enter() {
  body();
  fibers[current].state = DONE;
  _longjmp(scheduler, 1);
}

static void take_turn(Fiber &fiber) {
  if (_setjmp(scheduler) != 0) return;
  if (fiber.state != FRESH) _longjmp(fiber.place, 1);
  getcontext(&fiber.context);
  fiber.context.uc_stack.ss_sp = stacks + current * STACK;
  fiber.context.uc_stack.ss_size = STACK;
  fiber.context.uc_link = nullptr;
  makecontext(&fiber.context, enter, 0);
  setcontext(&fiber.context);
}

// Runs every thread of a workgroup up to its end, from barrier to barrier; false where some ended while others wait.
static void forget_copies();
static void forget_products();
static void forget_tiles();
static bool are_all_there();
static bool run_fibers() {
  forget_copies();
  forget_products();
  forget_tiles();
  if (!stacks) stacks = static_cast<char *>(malloc(MOST_THREADS * STACK));
  for (unsigned i = 0; i < threads; i++) fibers[i].state = FRESH;
  for (phase = 0;; phase++) {
    // As often as some of them still poll.
    bool polls = true;
    for (bool is_first = true; polls; is_first = false) {
      polls = false;
      for (step = 0; step < threads; step++) {
        current = (phase + blockIdx.x) % 2 == 0 ? step : threads - 1 - step;
        threadIdx.x = current;
        if (is_first || fibers[current].state == POLLING) take_turn(fibers[current]);
        polls = polls || fibers[current].state == POLLING;
      }
    }
    unsigned done = 0;
    for (unsigned i = 0; i < threads; i++) done += fibers[i].state == DONE;
    if (done == threads) return are_all_there();
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

#define __align__(bytes) __attribute__((aligned(bytes)))

namespace machine {
/** Bits of a half that the float is one of. */
static inline unsigned half_of(float x) {
  const unsigned bits = __float_as_uint(x), sign = bits >> 16 & 0x8000u;
  const float magnitude = fabsf(x);
  if (magnitude != magnitude) return sign | 0x7e00u;
  if (magnitude > 65504.0f) return sign | 0x7c00u;
  if (magnitude < 6.103515625e-5f) return sign | unsigned(magnitude * 16777216.0f);
  return sign | (((bits & 0x7fffffffu) >> 13) - (112u << 10));
}
static inline float of_half(unsigned half) {
  const unsigned sign = (half & 0x8000u) << 16, exponent = half >> 10 & 31u, fraction = half & 1023u;
  if (exponent == 0) return __uint_as_float(sign | __float_as_uint(float(fraction) * 5.9604644775390625e-8f));
  return __uint_as_float(sign | (exponent == 31u ? 255u : exponent + 112u) << 23 | fraction << 13);
}

// Copies that a thread has begun. One lands when it is waited for and not before; until then its place holds no number, so that nobody may still read what
// was there, either.
struct Copy { char *to; const void *from; unsigned bytes, batch; bool is_read; };
const unsigned MOST_COPIES = 256;
static Copy copies[MOST_THREADS][MOST_COPIES];
static unsigned copy_counts[MOST_THREADS], batches[MOST_THREADS];
static inline void begin_copy(char *to, const void *from, unsigned bytes, bool is_read) {
  const unsigned lane = threadIdx.x;
  // As the instruction, which takes what is aligned.
  if (reinterpret_cast<uintptr_t>(to) % bytes != 0 || (is_read && reinterpret_cast<uintptr_t>(from) % bytes != 0)) abort();
  if (to < __start_shared_arrays || to + bytes > __stop_shared_arrays || copy_counts[lane] == MOST_COPIES) abort();
  copies[lane][copy_counts[lane]++] = {to, from, bytes, batches[lane], is_read};
  memset(to, 0xff, bytes);
}
static inline void end_batch() { batches[threadIdx.x]++; }
static inline void wait_copies(unsigned pending) {
  const unsigned lane = threadIdx.x;
  unsigned left = 0;
  for (unsigned i = 0; i < copy_counts[lane]; i++) {
    const Copy &copy = copies[lane][i];
    if (copy.batch + pending >= batches[lane]) copies[lane][left++] = copy;
    else if (copy.is_read) memcpy(copy.to, copy.from, copy.bytes);
    else memset(copy.to, 0, copy.bytes);
  }
  copy_counts[lane] = left;
}
static void forget_copies() {
  memset(copy_counts, 0, sizeof copy_counts);
  memset(batches, 0, sizeof batches);
}

static const unsigned *rows[MOST_THREADS];
static inline void load_matrices(unsigned &a, unsigned &b, unsigned &c, unsigned &d, const unsigned *row) {
  const unsigned lane = threadIdx.x, first = lane & ~31u;
  // As the instruction, which takes whole rows of sixteen bytes.
  if (reinterpret_cast<uintptr_t>(row) % 16 != 0) abort();
  rows[lane] = row;
  wait();
  unsigned *const words[] = {&a, &b, &c, &d};
  for (unsigned i = 0; i < 4; i++) *words[i] = rows[first + 8 * i + lane % 32 / 4][lane % 4];
  wait();
}

// What of a word is element i along k.
static inline float of_tf32(unsigned word, int) { return __uint_as_float(word); }
static inline float of_bf16(unsigned word, int i) { return __uint_as_float(i ? word & 0xffff0000u : word << 16); }
static inline float of_f16(unsigned word, int i) { return of_half(i ? word >> 16 : word & 0xffffu); }

static unsigned fragments[MOST_THREADS][6];
static inline void multiply(float (*element)(unsigned, int), float &s, float &t, float &u, float &v, unsigned a, unsigned b, unsigned c,
                            unsigned d, unsigned e, unsigned f) {
  const unsigned lane = threadIdx.x, first = lane & ~31u, g = lane % 32 / 4, column = 2 * (lane % 4);
  const unsigned own[] = {a, b, c, d, e, f};
  memcpy(fragments[lane], own, sizeof own);
  wait();
  float *const sums[] = {&s, &t, &u, &v};
  for (unsigned i = 0; i < 4; i++)
    for (unsigned word = 0; word < 8; word++) {
      const unsigned left = fragments[first + 4 * g + word % 4][word / 4 * 2 + i / 2];
      const unsigned right = fragments[first + 4 * (column + i % 2) + word % 4][4 + word / 4];
      for (int k = 0; k < (element == of_tf32 ? 1 : 2); k++) *sums[i] += element(left, k) * element(right, k);
    }
  wait();
}
// Memory that a launch asks for. Where it begins for the machine is not 0, but a multiple of what it is aligned to.
const unsigned MOST_SHARED = 227 * 1024 / 4, SHARED_AT = 3072;
__shared__ __align__(1024) unsigned asked[MOST_SHARED];
static unsigned asked_length, most_asked = MOST_SHARED;
static inline unsigned *shared_at_launch(unsigned length) {
  if (length > most_asked) abort();
  asked_length = length;
  return asked;
}
static inline unsigned shared_address(const unsigned *of) { return SHARED_AT + unsigned(reinterpret_cast<const char *>(of) - reinterpret_cast<const char *>(asked)); }

// What of it the machine that multiplies sees: as it was when a thread published it. What was changed since is no number to it, whichever comes first. Of
// threads that publish before one barrier, the last one's is all that is left of it.
static unsigned published[MOST_SHARED];
static inline void publish() {
  if (step + 1 == threads) memcpy(published, asked, 4 * asked_length);
}
static unsigned word_for_products(unsigned address) {
  const unsigned at = (address - SHARED_AT) / 4;
  if (address < SHARED_AT || address % 4 != 0 || at >= asked_length) abort();
  return published[at] == asked[at] ? published[at] : 0xffffffffu;
}

// A word of a matrix that a descriptor of wgmma is of (PTX ISA, matrix descriptor and canonical layouts, K-major): bits 0-13 where it begins, 16-29 how far it
// is to the next sixteen bytes along k, where those are not in one row, 32-45 to the next eight rows, all in sixteen bytes; 49-51 the base's offset; 62-63 the
// swizzle: none, or of rows of 128, 64 or 32 bytes, whose sixteen bytes have their number combined with that of eight, four or two rows in the address.
static unsigned word_of(uint64_t descriptor, unsigned row, unsigned word) {
  const unsigned start = unsigned(descriptor & 0x3fff) << 4, along = unsigned(descriptor >> 16 & 0x3fff) << 4, down = unsigned(descriptor >> 32 & 0x3fff) << 4;
  const unsigned mode = unsigned(descriptor >> 62), bytes = 4 * word;
  if (descriptor >> 49 & 7) abort();
  if (mode == 0) return word_for_products(start + row / 8 * down + row % 8 * 16 + bytes / 16 * along + bytes % 16);
  const unsigned length = 256u >> mode, address = start + row / 8 * down + row % 8 * length + bytes;
  return word_for_products(address ^ ((address >> 7 & (length / 16 - 1)) << 4));
}

// Copies of parts of matrices that the machine makes by itself, and barriers that count their bytes (PTX ISA, mbarrier): a phase is over when the one arrival
// that it waits for has been there and as many bytes as were expected. A part lands when somebody has waited for the phase and not before; until then its place
// holds no number. Of copies that are lost, which a test may ask for, bytes are not counted, but all they would bring is there at once.
struct Part { unsigned at; Map map; int column, row; unsigned barrier; };
struct Barrier { unsigned address, arrivals, phase; int64_t expected; };
const unsigned MOST_PARTS = 64, MOST_BARRIERS = 16;
static Part parts[MOST_PARTS];
static Barrier barriers[MOST_BARRIERS];
static unsigned part_count, barrier_count;
static Barrier &barrier_at(const unsigned *of) {
  for (unsigned i = 0; i < barrier_count; i++)
    if (barriers[i].address == shared_address(of)) return barriers[i];
  abort();
}
static inline void init_barrier(const unsigned *at) {
  if (shared_address(at) % 8 != 0 || barrier_count == MOST_BARRIERS || at + 2 > asked + asked_length) abort();
  barriers[barrier_count++] = {shared_address(at), 1, 0, 0};
}
static inline void expect_bytes(const unsigned *of, int bytes) {
  Barrier &barrier = barrier_at(of);
  // More arrivals than a phase has are an error of the machine.
  if (barrier.arrivals == 0) abort();
  barrier.arrivals--;
  barrier.expected += bytes;
}
// Sixteen bytes of a part: where they lie, the swizzle being one of addresses (CUDA C++ Programming Guide, tensor memory access): bits 4-6 are combined with
// bits 7-9, of rows of 64 or 32 bytes fewer of them.
static unsigned char *place_of(const Part &part, unsigned row, unsigned byte) {
  const unsigned length = part.map.box_columns * part.map.bytes, address = part.at + row * length + byte;
  const unsigned at = (address ^ ((address >> 7 & ((1u << part.map.swizzle) - 1)) << 4)) - SHARED_AT;
  if (at + 16 > 4 * asked_length) abort();
  return reinterpret_cast<unsigned char *>(asked) + at;
}
template <typename F> static void each_word_of(const Part &part, F visit) {
  for (unsigned row = 0; row < part.map.box_rows; row++)
    for (unsigned byte = 0; byte < part.map.box_columns * part.map.bytes; byte += 16) visit(place_of(part, row, byte), row, byte);
}
static void land(const Part &part) {
  each_word_of(part, [&](unsigned char *to, unsigned row, unsigned byte) {
    const Map &map = part.map;
    for (unsigned i = 0; i < 16; i += map.bytes) {
      const int64_t y = int64_t(part.row) + row, x = int64_t(part.column) + (byte + i) / map.bytes;
      const bool is_inside = y >= 0 && x >= 0 && uint64_t(y) < map.rows && uint64_t(x) < map.columns;
      if (is_inside) memcpy(to + i, reinterpret_cast<const char *>(map.address) + y * map.stride + x * map.bytes, map.bytes);
      else memset(to + i, 0, map.bytes);
    }
    // What the machine itself wrote, the machine that multiplies sees.
    memcpy(reinterpret_cast<unsigned char *>(published) + (to - reinterpret_cast<unsigned char *>(asked)), to, 16);
  });
}
static inline void copy_tile(const unsigned *to, const void *given, int column, int row, const unsigned *of) {
  Part part = {shared_address(to), {}, column, row, barrier_at(of).address};
  memcpy(&part.map, given, sizeof part.map);
  if (part.at % 128 != 0 || part_count == MOST_PARTS) abort();
  each_word_of(part, [](unsigned char *to, unsigned, unsigned) { memset(to, 0xff, 16); });
  if (getenv("FAKE_LOST_COPIES")) land(part);
  else parts[part_count++] = part;
}
static bool is_over(const Barrier &barrier) {
  int64_t bytes = 0;
  for (unsigned i = 0; i < part_count; i++)
    if (parts[i].barrier == barrier.address) bytes += parts[i].map.box_rows * parts[i].map.box_columns * parts[i].map.bytes;
  return barrier.arrivals == 0 && bytes == barrier.expected;
}
static void end_phase(Barrier &barrier) {
  unsigned left = 0;
  for (unsigned i = 0; i < part_count; i++) {
    if (parts[i].barrier == barrier.address) land(parts[i]);
    else parts[left++] = parts[i];
  }
  part_count = left;
  barrier = {barrier.address, 1, barrier.phase + 1, 0};
}
// False where the phase of that parity does not end: all other threads had their turn.
static inline bool await_tiles(const unsigned *of, int parity) {
  for (int tries = 0; tries < 3; tries++) {
    Barrier &barrier = barrier_at(of);
    if (int(barrier.phase % 2) == parity && is_over(barrier)) end_phase(barrier);
    if (int(barrier.phase % 2) != parity) return true;
    poll();
  }
  return false;
}
static void forget_tiles() { part_count = barrier_count = 0; }
// Nothing may still be on its way to a workgroup that has ended.
static bool are_all_there() { return part_count == 0; }

// Products that a thread has begun. They are done when they are waited for and not before, from what is there then.
struct Product { float (*element)(unsigned, int); float *sums[64]; uint64_t left, right; unsigned batch; };
const unsigned MOST_PRODUCTS = 16;
static Product products[MOST_THREADS][MOST_PRODUCTS];
static unsigned product_counts[MOST_THREADS], product_batches[MOST_THREADS], products_begun[MOST_THREADS];
static bool is_fenced[MOST_THREADS];
// What the first lane of a warpgroup that got there said, by how many products were before: all lanes have one.
static struct { uint64_t left, right; unsigned number; } agreed[MOST_THREADS / 128][64];

static inline void begin_products() { is_fenced[threadIdx.x] = true; }
static inline void end_products() { product_batches[threadIdx.x]++; }
static inline void multiply_wide(float (*element)(unsigned, int), float *const (&sums)[64], uint64_t left, uint64_t right) {
  const unsigned lane = threadIdx.x, number = ++products_begun[lane];
  if (!is_fenced[lane] || product_counts[lane] == MOST_PRODUCTS) abort();
  auto &first = agreed[lane / 128][number % 64];
  if (first.number != number) first = {left, right, number};
  if (first.left != left || first.right != right) abort();
  Product &product = products[lane][product_counts[lane]++];
  product = {element, {}, left, right, product_batches[lane]};
  memcpy(product.sums, sums, sizeof product.sums);
}
static void multiply_now(const Product &product) {
  const unsigned lane = threadIdx.x % 128, row = lane / 32 * 16 + lane % 32 / 4, column = 2 * (lane % 4);
  for (unsigned word = 0; word < 8; word++) {
    const unsigned left[] = {word_of(product.left, row, word), word_of(product.left, row + 8, word)};
    for (unsigned i = 0; i < 64; i++) {
      const unsigned right = word_of(product.right, i / 4 * 8 + column + i % 2, word);
      for (int k = 0; k < (product.element == of_tf32 ? 1 : 2); k++) *product.sums[i] += product.element(left[i / 2 % 2], k) * product.element(right, k);
    }
  }
}
static inline void wait_products(unsigned pending) {
  const unsigned lane = threadIdx.x;
  unsigned left = 0;
  for (unsigned i = 0; i < product_counts[lane]; i++) {
    const Product product = products[lane][i];
    if (product.batch + pending >= product_batches[lane]) products[lane][left++] = product;
    else multiply_now(product);
  }
  product_counts[lane] = left;
}
static void forget_products() {
  memset(published, 0xff, 4 * asked_length);
  memset(product_counts, 0, sizeof product_counts);
  memset(product_batches, 0, sizeof product_batches);
  memset(products_begun, 0, sizeof products_begun);
  memset(is_fenced, 0, sizeof is_fenced);
  memset(agreed, 0, sizeof agreed);
}
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
