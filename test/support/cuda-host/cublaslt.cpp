// cuBLASLt without NVIDIA's, for tests: the functions that are called, with the numbers of products on the host's memory that the driver of `driver.cpp`
// hands out, and strict about what the real one refuses. It has two ways for each product: the first asks for a workspace and fills it. A sum is made of two
// parts, as inexact as it may be. A call is work in the driver's stream, and takes as long as the test says.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <string>
#include <vector>

enum { OK = 0, NOT_INITIALIZED = 1, INVALID_VALUE = 7, EXECUTION_FAILED = 13, NOT_SUPPORTED = 15 };

struct Operation {
  int compute, transposes[2] = {0, 0}, epilogue = 1;
  const void *bias = nullptr;
};
enum { F32 = 0, F16 = 2, BF16 = 14 };
struct Layout {
  int type;
  uint64_t rows, columns;
  int64_t step, stride = 0;
  int batch = 1;
};
struct Preference {
  uint64_t workspace = 0;
  int schemes = 7, alignment[4] = {256, 256, 256, 256};
};
struct Algorithm {
  uint64_t way, alignment[4], schemes, unused[2];
};
struct Result {
  Algorithm algorithm;
  uint64_t workspace;
  int status;
  float waves;
  int reserved[4];
};
static_assert(sizeof(Result) == 96 && sizeof(Algorithm) == 64, "as cublasLt.h has them");

static const uint64_t WORKSPACE = 4096;
static std::string failing;
static double cost = 100;
static int live = 0, calls = 0;

static int submit(void (*work)(void *), void *of, void (*done)(void *)) {
  const char *path = getenv("FAKE_CUDA_DRIVER");
  static void *driver = dlopen(path ? path : "libcuda.so.1", RTLD_NOW);
  auto call = driver ? reinterpret_cast<int (*)(void (*)(void *), void *, void (*)(void *), double)>(dlsym(driver, "fake_submit")) : nullptr;
  return call ? call(work, of, done, cost) : -1;
}

// To the formats that the real library multiplies in: what is between two numbers goes to the even one, of tf32 away from zero.
static float rounded(float x, int compute) {
  uint32_t bits;
  memcpy(&bits, &x, 4);
  if (compute == 77) bits = (bits + 0x1000) & ~0x1fffu;
  if (compute == 75) bits = (bits + 0x7fff + ((bits >> 16) & 1)) & ~0xffffu;
  if (compute == 74) return float(_Float16(x));
  memcpy(&x, &bits, 4);
  return x;
}

static float to_type(float x, int type) { return type == F32 ? x : rounded(x, type == F16 ? 74 : 75); }
static size_t bytes_of(int type) { return type == F32 ? 4 : 2; }

// Element `at` of memory of a type; a bf16 is the upper half of an f32.
static float loaded(const void *from, int type, int64_t at) {
  if (type == F32) return static_cast<const float *>(from)[at];
  if (type == F16) return static_cast<const _Float16 *>(from)[at];
  const uint32_t bits = uint32_t(static_cast<const uint16_t *>(from)[at]) << 16;
  float x;
  memcpy(&x, &bits, 4);
  return x;
}
static void store(void *to, int type, int64_t at, float x) {
  x = to_type(x, type);
  if (type == F32) static_cast<float *>(to)[at] = x;
  else if (type == F16) static_cast<_Float16 *>(to)[at] = _Float16(x);
  else {
    uint32_t bits;
    memcpy(&bits, &x, 4);
    static_cast<uint16_t *>(to)[at] = bits >> 16;
  }
}

struct Work {
  Operation operation;
  Layout a, b, c, d;
  const void *at_a, *at_b, *at_c;
  void *at_d;
  float alpha, beta;
  // Of parts of a sum.
  int part_type;
  unsigned char *workspace;
  uint64_t workspace_bytes;
};

// All elements of one of a batch's matrices as they are multiplied, those of one sum side by side.
static std::vector<float> gathered(const void *matrix, int64_t first, const Layout &layout, bool sums_go_down, int compute) {
  const uint64_t outer = sums_go_down ? layout.columns : layout.rows, inner = sums_go_down ? layout.rows : layout.columns;
  std::vector<float> elements;
  for (uint64_t i = 0; i < outer; i++)
    for (uint64_t k = 0; k < inner; k++)
      elements.push_back(rounded(loaded(matrix, layout.type, first + (sums_go_down ? k + i * layout.step : i + k * layout.step)), compute));
  return elements;
}

static void run(void *given) {
  const Work &it = *static_cast<Work *>(given);
  calls++;
  if (it.workspace_bytes) memset(it.workspace, 0xee, it.workspace_bytes);
  const uint64_t depth = it.operation.transposes[0] ? it.a.rows : it.a.columns;
  for (int batch = 0; batch < it.d.batch; batch++) {
    const std::vector<float> a = gathered(it.at_a, batch * it.a.stride, it.a, it.operation.transposes[0], it.operation.compute);
    const std::vector<float> b = gathered(it.at_b, batch * it.b.stride, it.b, !it.operation.transposes[1], it.operation.compute);
    for (uint64_t column = 0; column < it.d.columns; column++)
      for (uint64_t row = 0; row < it.d.rows; row++) {
        double parts[2] = {0, 0};
        for (uint64_t k = 0; k < depth; k++) parts[2 * k / depth] += double(a[row * depth + k]) * b[column * depth + k];
        float value = it.alpha * (to_type(parts[0], it.part_type) + to_type(parts[1], it.part_type));
        if (it.beta != 0) value += it.beta * loaded(it.at_c, it.c.type, batch * it.c.stride + row + column * it.c.step);
        if (it.operation.epilogue == 4) value += loaded(it.operation.bias, it.d.type, row);
        store(it.at_d, it.d.type, batch * it.d.stride + row + column * it.d.step, value);
      }
  }
}

#define CALL(name) \
  if (failing == #name) return EXECUTION_FAILED;

extern "C" {
void fake_lt_fail(const char *name) { failing = name; }
void fake_lt_cost(double microseconds) { cost = microseconds; }
// Descriptors that were made and not given back; products that were computed.
int fake_lt_live() { return live; }
int fake_lt_calls() { return calls; }

size_t cublasLtGetVersion() { return 130101; }
int cublasLtCreate(uint64_t *handle) { CALL(cublasLtCreate); live++; *handle = 0x17; return OK; }
int cublasLtDestroy(uint64_t) { live--; return OK; }
int cublasLtMatmulDescCreate(Operation **out, int compute, int scale) {
  CALL(cublasLtMatmulDescCreate);
  if (scale != 0) return NOT_SUPPORTED;
  live++;
  *out = new Operation{compute};
  return OK;
}
int cublasLtMatmulDescDestroy(Operation *it) { live--; delete it; return OK; }
int cublasLtMatmulDescSetAttribute(Operation *it, int attribute, const void *value, size_t bytes) {
  CALL(cublasLtMatmulDescSetAttribute);
  if (bytes != (attribute == 8 ? 8 : 4)) return INVALID_VALUE;
  switch (attribute) {
    case 3: case 4: memcpy(&it->transposes[attribute - 3], value, 4); return OK;
    case 7: memcpy(&it->epilogue, value, 4); return OK;
    case 8: memcpy(&it->bias, value, 8); return OK;
  }
  return INVALID_VALUE;
}
int cublasLtMatrixLayoutCreate(Layout **out, int type, uint64_t rows, uint64_t columns, int64_t step) {
  CALL(cublasLtMatrixLayoutCreate);
  if ((type != F32 && type != F16 && type != BF16) || step < int64_t(rows)) return INVALID_VALUE;
  live++;
  *out = new Layout{type, rows, columns, step};
  return OK;
}
int cublasLtMatrixLayoutDestroy(Layout *it) { live--; delete it; return OK; }
int cublasLtMatrixLayoutSetAttribute(Layout *it, int attribute, const void *value, size_t bytes) {
  CALL(cublasLtMatrixLayoutSetAttribute);
  if (attribute == 5 && bytes == 4) memcpy(&it->batch, value, 4);
  else if (attribute == 6 && bytes == 8) memcpy(&it->stride, value, 8);
  else return INVALID_VALUE;
  return OK;
}
int cublasLtMatmulPreferenceCreate(Preference **out) { CALL(cublasLtMatmulPreferenceCreate); live++; *out = new Preference; return OK; }
int cublasLtMatmulPreferenceDestroy(Preference *it) { live--; delete it; return OK; }
int cublasLtMatmulPreferenceSetAttribute(Preference *it, int attribute, const void *value, size_t bytes) {
  CALL(cublasLtMatmulPreferenceSetAttribute);
  if (attribute == 1 && bytes == 8) memcpy(&it->workspace, value, 8);
  else if (attribute == 3 && bytes == 4) memcpy(&it->schemes, value, 4);
  else if (attribute >= 5 && attribute <= 8 && bytes == 4) memcpy(&it->alignment[attribute - 5], value, 4);
  else return INVALID_VALUE;
  return OK;
}
// Whether the shapes are those of a product.
static bool fits(const Operation &it, const Layout &a, const Layout &b, const Layout &c, const Layout &d) {
  const uint64_t m = it.transposes[0] ? a.columns : a.rows, k = it.transposes[0] ? a.rows : a.columns;
  const uint64_t n = it.transposes[1] ? b.rows : b.columns, depth = it.transposes[1] ? b.columns : b.rows;
  return m == d.rows && n == d.columns && k == depth && c.rows == m && c.columns == n && a.batch == d.batch && b.batch == d.batch && c.batch == d.batch;
}
// Whether the types are among those that the real library's documentation lists together, for sums of f32.
static bool has_types(const Operation &it, const Layout &a, const Layout &b, const Layout &c, const Layout &d) {
  return a.type == b.type && c.type == d.type && (d.type == F32 || d.type == a.type) && (a.type == F32 || it.compute == 68);
}
int cublasLtMatmulAlgoGetHeuristic(uint64_t, Operation *operation, Layout *a, Layout *b, Layout *c, Layout *d, Preference *preference, int most, Result *results, int *found) {
  CALL(cublasLtMatmulAlgoGetHeuristic);
  if (!fits(*operation, *a, *b, *c, *d) || (preference->schemes & 1)) return INVALID_VALUE;
  if (!has_types(*operation, *a, *b, *c, *d)) return NOT_SUPPORTED;
  *found = 0;
  for (uint64_t way = 0; way < 2 && *found < most; way++) {
    Result &it = results[(*found)++];
    it = Result{{way, {}, uint64_t(preference->schemes), {}}, way == 0 ? WORKSPACE : 0, OK, 1, {}};
    for (int i = 0; i < 4; i++) it.algorithm.alignment[i] = preference->alignment[i];
  }
  return *found && preference->workspace >= WORKSPACE ? OK : NOT_SUPPORTED;
}
int cublasLtMatmul(uint64_t handle, Operation *operation, const float *alpha, const void *at_a, Layout *a, const void *at_b, Layout *b, const float *beta, const void *at_c, Layout *c, void *at_d, Layout *d,
                   const Algorithm *algorithm, unsigned char *workspace, size_t bytes, uint64_t) {
  CALL(cublasLtMatmul);
  if (handle != 0x17) return NOT_INITIALIZED;
  const void *places[] = {at_a, at_b, at_c, at_d};
  const int types[] = {a->type, b->type, c->type, d->type};
  for (int i = 0; i < 4; i++)
    if (uint64_t(places[i]) % std::min<uint64_t>(16, algorithm->alignment[i]) || algorithm->alignment[i] % bytes_of(types[i])) return INVALID_VALUE;
  if (!fits(*operation, *a, *b, *c, *d) || !has_types(*operation, *a, *b, *c, *d) || bytes != (algorithm->way == 0 ? WORKSPACE : 0)) return INVALID_VALUE;
  if (operation->epilogue == 4 && !operation->bias) return INVALID_VALUE;
  const int part_type = algorithm->schemes & 4 ? d->type : F32;
  Work *work = new Work{*operation, *a, *b, *c, *d, at_a, at_b, at_c, at_d, *alpha, *beta, part_type, workspace, bytes};
  return submit(run, work, [](void *it) { delete static_cast<Work *>(it); }) == 0 ? OK : EXECUTION_FAILED;
}
}
