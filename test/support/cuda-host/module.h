// What stands for a module of kernels: a shared library that the driver of `driver.cpp` opens. Included behind the kernels and before their table.
#pragma once
#include <utility>

struct Kernel {
  const char *name;
  void (*run)();
  bool waits;
};
extern const Kernel KERNELS[];

namespace machine {
static void **given;

template <typename T> T *argument(T **, size_t i) { return *static_cast<T **>(given[i]); }
static inline TensorMap argument(TensorMap *, size_t i) { return *static_cast<TensorMap *>(given[i]); }
static inline int argument(int *, size_t i) { return *static_cast<int *>(given[i]); }

template <typename... A, size_t... I> void call(void (*kernel)(A...), std::index_sequence<I...>) {
  kernel(argument(static_cast<A *>(nullptr), I)...);
}
template <typename... A> void call(void (*kernel)(A...)) { call(kernel, std::index_sequence_for<A...>()); }
template <auto kernel> void thunk() { call(kernel); }
}  // namespace machine

extern "C" const Kernel *find_kernel(const char *name) {
  for (const Kernel *kernel = KERNELS; kernel->name; kernel++)
    if (!strcmp(kernel->name, name)) return kernel;
  return nullptr;
}

extern "C" bool run_kernel(const Kernel *kernel, unsigned groups, unsigned threads, unsigned shared, void **params) {
  machine::given = params;
  machine::most_asked = shared / 4;
  return machine::launch(kernel->run, groups, threads, kernel->waits);
}
