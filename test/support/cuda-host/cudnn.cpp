// cuDNN without NVIDIA's, for tests: the functions that are called, with convolutions over the host's memory that the driver of `driver.cpp` hands out,
// computed from what the descriptors say, and strict about what the real one refuses. Its engines are what precisions must tell apart: some are right for
// all, one rounds to tf32, and the others are wrong by more than any test allows. A call is work in the driver's stream, and takes as long as the test says.

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <functional>
#include <map>
#include <string>
#include <vector>

enum { OK = 0, BAD_PARAM = 2000, NOT_FINALIZED = 2004, SHAPE_MISMATCH = 2008, ATTRIBUTE_TYPE = 2010, NOT_SUPPORTED = 3000, EXECUTION_FAILED = 5000 };
enum { CONVOLUTION = 1, ENGINE = 2, CONFIG = 3, HEURISTICS = 4, PLAN = 5, FORWARD = 10, FILTER = 11, DATA = 12, GRAPH = 15, PACK = 16, TENSOR = 17 };
enum { HANDLE_TYPE = 0, DATA_TYPE = 1, BOOLEAN = 2, INT64 = 3, FLOAT = 4, POINTER = 6, MODE_TYPE = 7, HEUR_TYPE = 8, NOTE_TYPE = 11, DESCRIPTOR = 15 };
enum { F32 = 0, F16 = 2, BF16 = 9 };

struct Descriptor {
  int type;
  bool is_final = false;
  std::map<int, std::vector<uint64_t>> values = {};
  int64_t at(int name, int i = 0) const {
    auto found = values.find(name);
    return found == values.end() || size_t(i) >= found->second.size() ? 0 : int64_t(found->second[i]);
  }
  const Descriptor *to(int name, int i = 0) const { return reinterpret_cast<const Descriptor *>(at(name, i)); }
};

// What each attribute is made of, and of how many: 0 for any number. Some may be left out.
struct Rule {
  int descriptor, type, count;
  bool is_optional = false;
};
static const std::map<int, Rule> RULES = {
    {100, {CONVOLUTION, DATA_TYPE, 1}}, {101, {CONVOLUTION, MODE_TYPE, 1}}, {102, {CONVOLUTION, INT64, 2}}, {103, {CONVOLUTION, INT64, 2}},
    {104, {CONVOLUTION, INT64, 2}}, {105, {CONVOLUTION, INT64, 2}}, {106, {CONVOLUTION, INT64, 1}},
    {200, {HEURISTICS, HEUR_TYPE, 1}}, {201, {HEURISTICS, DESCRIPTOR, 1}}, {400, {PLAN, HANDLE_TYPE, 1}}, {401, {PLAN, DESCRIPTOR, 1}},
    {700, {FORWARD, FLOAT, 1}}, {701, {FORWARD, FLOAT, 1}}, {702, {FORWARD, DESCRIPTOR, 1}}, {703, {FORWARD, DESCRIPTOR, 1}},
    {704, {FORWARD, DESCRIPTOR, 1}}, {705, {FORWARD, DESCRIPTOR, 1}}, {706, {DATA, FLOAT, 1}}, {707, {DATA, FLOAT, 1}},
    {708, {DATA, DESCRIPTOR, 1}}, {709, {DATA, DESCRIPTOR, 1}}, {710, {DATA, DESCRIPTOR, 1}}, {711, {DATA, DESCRIPTOR, 1}},
    {712, {FILTER, FLOAT, 1}}, {713, {FILTER, FLOAT, 1}}, {714, {FILTER, DESCRIPTOR, 1}}, {715, {FILTER, DESCRIPTOR, 1}},
    {716, {FILTER, DESCRIPTOR, 1}}, {717, {FILTER, DESCRIPTOR, 1}}, {800, {GRAPH, HANDLE_TYPE, 1}}, {801, {GRAPH, DESCRIPTOR, 0}},
    {900, {TENSOR, INT64, 1}}, {901, {TENSOR, DATA_TYPE, 1}}, {902, {TENSOR, INT64, 4}}, {903, {TENSOR, INT64, 4}}, {906, {TENSOR, INT64, 1}},
    {907, {TENSOR, BOOLEAN, 1, true}}, {908, {TENSOR, BOOLEAN, 1, true}}, {1000, {PACK, INT64, 0}}, {1001, {PACK, POINTER, 0}}, {1003, {PACK, POINTER, 1}},
    {0, {0, 14, 1}}, {1, {0, DATA_TYPE, 1}}, {750, {13, DESCRIPTOR, 1}}, {751, {13, DESCRIPTOR, 1}}, {752, {13, DESCRIPTOR, 1, true}}, {753, {13, DESCRIPTOR, 1}},
    {1500, {18, DATA_TYPE, 1}}, {1520, {19, DESCRIPTOR, 1}}, {1521, {19, DESCRIPTOR, 1}}, {1522, {19, DESCRIPTOR, 1}}, {1523, {19, DESCRIPTOR, 1}},
    {1600, {21, 18, 1}}, {1601, {21, DATA_TYPE, 1}}, {1610, {22, DESCRIPTOR, 1}}, {1611, {22, DESCRIPTOR, 1}}, {1612, {22, DESCRIPTOR, 1}},
};

// Engines: their notes, their workspace, and whether they add what is not there.
struct Engine {
  std::vector<int> notes;
  int64_t workspace;
  bool is_wrong;
};
static const int64_t WORKSPACE = 4096;
static const std::vector<Engine> ENGINES = {
    {{0}, 0, false}, {{4}, 0, true}, {{}, WORKSPACE, false}, {{1, 0}, 0, true}, {{5, 6}, 0, true}, {{2}, 0, true}, {{3}, 0, true}, {{}, int64_t(1) << 40, true}, {{9}, 0, false},
    {{}, 0, false}, {{}, 0, false},
};
// The last ones are one of those before with other settings.
static int64_t number_of(int64_t engine) { return engine < 9 ? engine : 2; }
enum { TENSOR_CORES = 0 };

static std::string failing;
static double cost = 100;
static int live = 0, calls = 0, knowing = 3, toolkit = 13000;
static const uint64_t HANDLE = 0x37;

static int submit(void (*work)(void *), void *of, void (*done)(void *)) {
  const char *path = getenv("FAKE_CUDA_DRIVER");
  static void *driver = dlopen(path ? path : "libcuda.so.1", RTLD_NOW);
  auto call = driver ? reinterpret_cast<int (*)(void (*)(void *), void *, void (*)(void *), double)>(dlsym(driver, "fake_submit")) : nullptr;
  return call ? call(work, of, done, cost) : -1;
}

static float from_bits(uint32_t bits) {
  float x;
  memcpy(&x, &bits, 4);
  return x;
}
static uint32_t bits_of(float x) {
  uint32_t bits;
  memcpy(&bits, &x, 4);
  return bits;
}
static float loaded(const void *from, int type, int64_t at, bool is_tf32) {
  if (type == F16) return static_cast<const _Float16 *>(from)[at];
  if (type == BF16) return from_bits(uint32_t(static_cast<const uint16_t *>(from)[at]) << 16);
  const float x = static_cast<const float *>(from)[at];
  return is_tf32 ? from_bits((bits_of(x) + 0x1000) & ~0x1fffu) : x;
}
static void store(void *to, int type, int64_t at, float x) {
  if (type == F32) static_cast<float *>(to)[at] = x;
  else if (type == F16) static_cast<_Float16 *>(to)[at] = _Float16(x);
  else static_cast<uint16_t *>(to)[at] = (bits_of(x) + 0x7fff + ((bits_of(x) >> 16) & 1)) >> 16;
}

struct Tensor {
  int type;
  int64_t dims[4], strides[4];
  char *memory;
  int64_t place(int64_t a, int64_t b, int64_t c, int64_t d) const { return a * strides[0] + b * strides[1] + c * strides[2] + d * strides[3]; }
};
struct Work {
  int operation;
  Tensor image, filter, response;
  int64_t stride[2], padding[2], dilation[2];
  double alpha;
  bool is_tf32, is_wrong;
  unsigned char *workspace;
  int64_t workspace_bytes;
};

// Elements of a tensor by their places in a packed one, as they are multiplied.
static std::vector<float> gathered(const Tensor &it, bool is_tf32) {
  std::vector<float> all;
  for (int64_t a = 0; a < it.dims[0]; a++)
    for (int64_t b = 0; b < it.dims[1]; b++)
      for (int64_t c = 0; c < it.dims[2]; c++)
        for (int64_t d = 0; d < it.dims[3]; d++) all.push_back(loaded(it.memory, it.type, it.place(a, b, c, d), is_tf32));
  return all;
}
static size_t size_of(const Tensor &it) { return it.dims[0] * it.dims[1] * it.dims[2] * it.dims[3]; }

static void run(void *given) {
  const Work &it = *static_cast<Work *>(given);
  calls++;
  if (it.workspace_bytes) memset(it.workspace, 0xee, it.workspace_bytes);
  const Tensor &result = it.operation == FORWARD ? it.response : it.operation == DATA ? it.image : it.filter;
  std::vector<float> image, filter, response;
  if (&result != &it.image) image = gathered(it.image, it.is_tf32);
  if (&result != &it.filter) filter = gathered(it.filter, it.is_tf32);
  if (&result != &it.response) response = gathered(it.response, it.is_tf32);
  std::vector<double> sums(size_of(result));
  const int64_t *x = it.image.dims, *w = it.filter.dims, *y = it.response.dims;
  const int64_t per_group = w[0] / (x[1] / w[1]);
  for (int64_t n = 0; n < y[0]; n++)
    for (int64_t out = 0; out < y[1]; out++)
      for (int64_t c = 0; c < w[1]; c++)
        for (int64_t i = 0; i < w[2]; i++)
          for (int64_t j = 0; j < w[3]; j++)
            for (int64_t row = 0; row < y[2]; row++) {
              const int64_t h = row * it.stride[0] + i * it.dilation[0] - it.padding[0];
              if (h < 0 || h >= x[2]) continue;
              for (int64_t column = 0; column < y[3]; column++) {
                const int64_t v = column * it.stride[1] + j * it.dilation[1] - it.padding[1];
                if (v < 0 || v >= x[3]) continue;
                const int64_t at_x = ((n * x[1] + out / per_group * w[1] + c) * x[2] + h) * x[3] + v;
                const int64_t at_w = ((out * w[1] + c) * w[2] + i) * w[3] + j, at_y = ((n * y[1] + out) * y[2] + row) * y[3] + column;
                if (it.operation == FORWARD) sums[at_y] += double(image[at_x]) * filter[at_w];
                else if (it.operation == DATA) sums[at_x] += double(filter[at_w]) * response[at_y];
                else sums[at_w] += double(image[at_x]) * response[at_y];
              }
            }
  size_t i = 0;
  for (int64_t a = 0; a < result.dims[0]; a++)
    for (int64_t b = 0; b < result.dims[1]; b++)
      for (int64_t c = 0; c < result.dims[2]; c++)
        for (int64_t d = 0; d < result.dims[3]; d++) store(result.memory, result.type, result.place(a, b, c, d), it.alpha * sums[i++] + (it.is_wrong ? 1 : 0));
}

// The parts of an operation: its tensors as image, filter and response.
struct Parts {
  int convolution, image, filter, response, alpha, beta;
};
static Parts parts_of(int operation) {
  if (operation == FORWARD) return {702, 704, 703, 705, 700, 701};
  if (operation == DATA) return {708, 710, 709, 711, 706, 707};
  return {714, 716, 715, 717, 712, 713};
}

static int check_operation(const Descriptor &it) {
  const Parts parts = parts_of(it.type);
  for (int name : {parts.convolution, parts.image, parts.filter, parts.response})
    if (!it.values.count(name) || !it.to(name)->is_final) return NOT_FINALIZED;
  if (!it.values.count(parts.alpha) || it.at(parts.beta) != 0) return BAD_PARAM;
  const Descriptor &by = *it.to(parts.convolution), &x = *it.to(parts.image), &w = *it.to(parts.filter), &y = *it.to(parts.response);
  if (x.at(902, 0) != y.at(902, 0) || y.at(902, 1) != w.at(902, 0) || x.at(902, 1) % w.at(902, 1) || w.at(902, 0) % (x.at(902, 1) / w.at(902, 1))) return SHAPE_MISMATCH;
  for (int i = 0; i < 2; i++) {
    const int64_t around = by.at(105, i) + by.at(104, i) - by.at(102, i) * (w.at(902, 2 + i) - 1) - 1;
    if (y.at(902, 2 + i) != (x.at(902, 2 + i) + around) / by.at(103, i) + 1) return SHAPE_MISMATCH;
  }
  for (const Descriptor *one : {&x, &w, &y})
    for (int i = 0; i < 4; i++)
      if (i < 3 ? one->at(903, i) < one->at(903, i + 1) * one->at(902, i + 1) : one->at(903, i) != 1) return NOT_SUPPORTED;
  const Descriptor &result = it.type == FORWARD ? y : it.type == DATA ? x : w;
  int operands = -1;
  for (const Descriptor *one : {&x, &w, &y}) {
    if (one == &result) continue;
    if (operands >= 0 && one->at(901) != operands) return NOT_SUPPORTED;
    operands = one->at(901);
  }
  return result.at(901) == operands ? OK : NOT_SUPPORTED;
}

#include "graph.h"

static std::vector<const Descriptor *> operations_of(const Descriptor &graph) {
  std::vector<const Descriptor *> all;
  for (size_t i = 0; i < graph.values.at(801).size(); i++) all.push_back(graph.to(801, i));
  return all;
}

static int check(const Descriptor &it) {
  for (auto &[name, rule] : RULES)
    if (rule.descriptor == it.type && !rule.is_optional && !it.values.count(name)) return BAD_PARAM;
  switch (it.type) {
    case TENSOR: case POINTWISE: case MATMUL: case REDUCTION: return OK;
    case OF_POINTWISE: case OF_MATMUL: case OF_REDUCTION: return check_part(it);
    case CONVOLUTION: return it.at(106) == 2 && it.at(101) == 1 && it.at(100) == F32 ? OK : NOT_SUPPORTED;
    case FORWARD: case DATA: case FILTER: return check_operation(it);
    case GRAPH: {
      const std::vector<const Descriptor *> operations = operations_of(it);
      for (const Descriptor *one : operations)
        if (!one->is_final) return BAD_PARAM;
      return it.at(800) != int64_t(HANDLE) ? BAD_PARAM : operations.size() > 1 ? check_pattern(operations) : OK;
    }
    case HEURISTICS: return it.to(201)->is_final ? OK : NOT_FINALIZED;
    case PLAN: return it.at(400) == int64_t(HANDLE) && it.to(401)->is_final ? OK : BAD_PARAM;
    case PACK: return OK;
  }
  return NOT_SUPPORTED;
}

static size_t bytes_of(int type) { return type == BOOLEAN ? 1 : type == INT64 || type == POINTER || type == DESCRIPTOR || type == HANDLE_TYPE ? 8 : 4; }

#define CALL(name) \
  if (failing == #name) return EXECUTION_FAILED;

extern "C" {
void fake_dnn_fail(const char *name) { failing = name; }
void fake_dnn_cost(double microseconds) { cost = microseconds; }
// Which adviser knows engines: 3 is A, 1 is B, 2 the last resort.
void fake_dnn_knowing(int mode) { knowing = mode; }
// Descriptors and handles that were made and not given back; convolutions that were computed.
int fake_dnn_live() { return live; }
int fake_dnn_calls() { return calls; }

// Of which toolkit it was made.
void fake_dnn_toolkit(int version) { toolkit = version; }

size_t cudnnGetCudartVersion() { return toolkit; }
size_t cudnnGetVersion() { return 91301; }
int cudnnCreate(uint64_t *handle) { CALL(cudnnCreate); live++; *handle = HANDLE; return OK; }
int cudnnDestroy(uint64_t) { live--; return OK; }
int cudnnSetStream(uint64_t handle, uint64_t) { CALL(cudnnSetStream); return handle == HANDLE ? OK : BAD_PARAM; }
int cudnnBackendCreateDescriptor(int type, Descriptor **out) {
  CALL(cudnnBackendCreateDescriptor);
  live++;
  *out = new Descriptor{type};
  return OK;
}
int cudnnBackendDestroyDescriptor(Descriptor *it) { live--; delete it; return OK; }
int cudnnBackendSetAttribute(Descriptor *it, int name, int type, int64_t count, const void *values) {
  CALL(cudnnBackendSetAttribute);
  auto found = RULES.find(name);
  if (it->is_final || found == RULES.end() || found->second.descriptor != it->type || (found->second.count && found->second.count != count)) return BAD_PARAM;
  if (found->second.type != type) return ATTRIBUTE_TYPE;
  std::vector<uint64_t> &to = it->values[name];
  to.assign(count, 0);
  for (int64_t i = 0; i < count; i++) memcpy(&to[i], static_cast<const char *>(values) + i * bytes_of(type), bytes_of(type));
  return OK;
}
int cudnnBackendFinalize(Descriptor *it) {
  CALL(cudnnBackendFinalize);
  if (failing == "plans" && it->type == PLAN) return NOT_SUPPORTED;
  const int code = check(*it);
  it->is_final = code == OK;
  return code;
}
int cudnnBackendGetAttribute(Descriptor *it, int name, int, int64_t room, int64_t *count, void *values) {
  CALL(cudnnBackendGetAttribute);
  if (!it->is_final) return NOT_FINALIZED;
  *count = 0;
  if (it->type == HEURISTICS && name == 202) {
    if (it->at(200) != knowing) return OK;
    for (size_t i = 0; i < ENGINES.size() && *count < room; i++) {
      Descriptor *config = static_cast<Descriptor **>(values)[(*count)++];
      if (config->type != CONFIG) return BAD_PARAM;
      config->values[0] = {i};
      config->values[1] = {uint64_t(it->at(201))};
      config->is_final = true;
    }
    return OK;
  }
  *count = 1;
  if (it->type == CONFIG && name == 300) {
    Descriptor *engine = *static_cast<Descriptor **>(values);
    engine->values = it->values;
    engine->is_final = engine->type == ENGINE;
    return engine->is_final ? OK : BAD_PARAM;
  }
  if (it->type == ENGINE && name == 1301) return *static_cast<int64_t *>(values) = number_of(it->at(0)), OK;
  if (it->type == ENGINE && name == 1303) {
    const std::vector<int> &notes = ENGINES[it->at(0)].notes;
    memcpy(values, notes.data(), 4 * notes.size());
    return *count = notes.size(), OK;
  }
  if (it->type == PLAN && name == 402) return *static_cast<int64_t *>(values) = ENGINES[it->to(401)->at(0)].workspace, OK;
  return BAD_PARAM;
}
int cudnnBackendExecute(uint64_t handle, Descriptor *plan, Descriptor *pack) {
  CALL(cudnnBackendExecute);
  if (handle != HANDLE || plan->type != PLAN || pack->type != PACK || !plan->is_final || !pack->is_final) return BAD_PARAM;
  const std::vector<const Descriptor *> operations = operations_of(*plan->to(401)->to(1));
  const Engine &engine = ENGINES[plan->to(401)->at(0)];
  const bool is_tf32 = plan->to(401)->at(0) == TENSOR_CORES;
  unsigned char *workspace = reinterpret_cast<unsigned char *>(pack->at(1003));
  if (engine.workspace && !workspace) return BAD_PARAM;
  bool is_there = pack->values.at(1000).size() == pack->values.at(1001).size();
  auto memory_of = [&](const Descriptor &from) -> char * {
    for (size_t i = 0; i < pack->values.at(1000).size(); i++)
      if (pack->at(1000, i) == from.at(906)) return reinterpret_cast<char *>(pack->at(1001, i));
    return nullptr;
  };
  auto tensor = [&](const Descriptor &from) {
    Tensor made{int(from.at(901)), {}, {}, from.at(IS_VIRTUAL) ? nullptr : memory_of(from)};
    for (int i = 0; i < 4; i++) made.dims[i] = from.at(902, i), made.strides[i] = from.at(903, i);
    const bool is_aligned = uint64_t(made.memory) % from.at(900) == 0 && from.at(900) % (made.type == F32 ? 4 : 2) == 0;
    is_there = is_there && (from.at(IS_VIRTUAL) || (made.memory && is_aligned));
    return made;
  };
  if (operations.size() > 1) {
    GraphWork *work = new GraphWork{{}, {}, {}, is_tf32, engine.is_wrong};
    for (const Descriptor *one : operations) {
      for (const Descriptor *of : {left_of(*one), right_of(*one), result_of(*one)}) {
        if (!of) continue;
        const Tensor made = tensor(*of);
        // The host's numbers are read at once.
        if (of->at(IS_BY_VALUE)) work->scalars[of->at(906)] = made.memory ? *reinterpret_cast<float *>(made.memory) : 0;
        else work->tensors[of->at(906)] = made;
      }
      const Descriptor *right = right_of(*one);
      work->operations.push_back({one->type, mode_of(*one), left_of(*one)->at(906), right ? right->at(906) : -1, result_of(*one)->at(906)});
    }
    if (engine.workspace) memset(workspace, 0xee, engine.workspace);
    if (!is_there) return delete work, BAD_PARAM;
    return submit(run_graph, work, [](void *it) { delete static_cast<GraphWork *>(it); }) == 0 ? OK : EXECUTION_FAILED;
  }
  const Descriptor &operation = *operations[0];
  const Parts parts = parts_of(operation.type);
  Work *work = new Work{operation.type, tensor(*operation.to(parts.image)), tensor(*operation.to(parts.filter)), tensor(*operation.to(parts.response))};
  const Descriptor &by = *operation.to(parts.convolution);
  for (int i = 0; i < 2; i++) work->stride[i] = by.at(103, i), work->padding[i] = by.at(105, i), work->dilation[i] = by.at(102, i);
  work->alpha = from_bits(uint32_t(operation.at(parts.alpha)));
  work->is_tf32 = is_tf32;
  work->is_wrong = engine.is_wrong;
  work->workspace = workspace;
  work->workspace_bytes = engine.workspace;
  if (!is_there) return delete work, BAD_PARAM;
  return submit(run, work, [](void *it) { delete static_cast<Work *>(it); }) == 0 ? OK : EXECUTION_FAILED;
}
}
