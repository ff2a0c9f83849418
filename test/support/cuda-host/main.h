// The process that stands for a device: memory, and launches of the kernels that were compiled with it. It is told what to do on its
// standard input, in 32-bit words. Included behind the kernels and their table:
//
//   const Kernel KERNELS[] = { { thunk<&kernel>, threads, waits }, ... };
#pragma once
#include <utility>

struct Kernel {
  void (*run)();
  unsigned threads;
  bool waits;
};
extern const Kernel KERNELS[];

namespace machine {
static char *memory;
static uint32_t places[64];
static int32_t time_step;

template <typename T> T *argument(T **, size_t i) { return reinterpret_cast<T *>(memory + places[i]); }
static inline int argument(int *, size_t) { return time_step; }
// Behind the buffers.
static TensorMap maps[4];
static uint32_t count;
static inline TensorMap argument(TensorMap *, size_t i) { return maps[i - count]; }

template <typename... A, size_t... I> void call(void (*kernel)(A...), std::index_sequence<I...>) {
  kernel(argument(static_cast<A *>(nullptr), I)...);
}
template <typename... A> void call(void (*kernel)(A...)) { call(kernel, std::index_sequence_for<A...>()); }
template <auto kernel> void thunk() { call(kernel); }

static void *aligned_calloc(size_t bytes) {
  const size_t whole = (bytes + 255) / 256 * 256;
  return memset(aligned_alloc(256, whole), 0, whole);
}
static uint32_t word() {
  uint32_t value;
  if (fread(&value, 4, 1, stdin) != 1) exit(0);
  return value;
}

// As the driver is told of a matrix, but for the address, which is one of this memory.
static bool read_map(TensorMap &map) {
  const uint32_t type = word(), rank = word(), at = word();
  const uint64_t columns = word(), rows = word(), extents[] = {columns, rows}, stride = word();
  const uint32_t width = word(), height = word(), box[] = {width, height};
  const uint32_t right = word(), down = word(), steps[] = {right, down};
  const uint32_t interleave = word(), swizzle = word(), promotion = word(), fill = word();
  return encode(*reinterpret_cast<Map *>(&map), type, rank, reinterpret_cast<uint64_t>(memory) + at, extents, &stride, box, steps, interleave, swizzle, promotion, fill);
}
}  // namespace machine

enum Command { RESERVE = 1, WRITE, COPY, RUN, READ };

int main() {
  using namespace machine;
  for (;;) {
    const uint32_t command = word();
    switch (command) {
      case RESERVE:
        // Aligned as a GPU's.
        memory = static_cast<char *>(aligned_calloc(word()));
        break;
      case WRITE: {
        const uint32_t place = word(), bytes = word();
        if (bytes > 0 && fread(memory + place, bytes, 1, stdin) != 1) return 1;
        break;
      }
      case COPY: {
        const uint32_t to = word(), from = word(), bytes = word();
        memmove(memory + to, memory + from, bytes);
        break;
      }
      case RUN: {
        const Kernel &kernel = KERNELS[word()];
        // Of the launch: kernels of one text are one, whatever there is to do.
        const uint32_t groups = word();
        time_step = int32_t(word());
        count = word();
        for (uint32_t i = 0; i < count; i++) places[i] = word();
        const uint32_t more = word();
        for (uint32_t i = 0; i < more; i++)
          if (!read_map(maps[i])) return 4;
        if (!launch(kernel.run, groups, kernel.threads, kernel.waits)) {
          fprintf(stderr, "threads ended while others wait for them\n");
          return 2;
        }
        break;
      }
      case READ: {
        const uint32_t place = word(), bytes = word();
        fwrite(memory + place, bytes, 1, stdout);
        fflush(stdout);
        break;
      }
      default:
        return 3;
    }
  }
}
