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

template <typename... A, size_t... I> void call(void (*kernel)(A...), std::index_sequence<I...>) {
  kernel(argument(static_cast<A *>(nullptr), I)...);
}
template <typename... A> void call(void (*kernel)(A...)) { call(kernel, std::index_sequence_for<A...>()); }
template <auto kernel> void thunk() { call(kernel); }

static uint32_t word() {
  uint32_t value;
  if (fread(&value, 4, 1, stdin) != 1) exit(0);
  return value;
}
}  // namespace machine

enum Command { RESERVE = 1, WRITE, COPY, RUN, READ };

int main() {
  using namespace machine;
  for (;;) {
    const uint32_t command = word();
    switch (command) {
      case RESERVE:
        memory = static_cast<char *>(calloc(word(), 1));
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
        const uint32_t count = word();
        for (uint32_t i = 0; i < count; i++) places[i] = word();
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
