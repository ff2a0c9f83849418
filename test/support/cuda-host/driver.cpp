// A driver without a GPU, for tests: what of NVIDIA's is called, over memory of the host, with a log of the calls and faults on demand.
// A stream does at once what it is told, unless it is being captured, or a test has streams as late as they may be; the first line of an image is the path of a library made with `module.h`.

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>
#include "tensor-map.h"

using Handle = uint64_t;
using Work = std::vector<std::function<bool()>>;

struct Module {
  void *library;
  const void *(*find)(const char *);
  bool (*run)(const void *, unsigned, unsigned, unsigned, void **);
};
struct Function {
  Module *module;
  const void *kernel;
  std::string name;
  // Bytes that a launch may ask for.
  unsigned most_shared = 48 * 1024;
};

enum { OK = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NOT_FOUND = 500, NOT_READY = 600, LAUNCH_FAILED = 719, CONTEXT_DESTROYED = 709, CAPTURE_INVALIDATED = 901 };

static std::string calls;
static std::string failing;
static int failure = 0, left = 0;
static size_t room = getenv("FAKE_CUDA_ROOM") ? strtoull(getenv("FAKE_CUDA_ROOM"), nullptr, 10) : size_t(1) << 32, used = 0;
// Of what is used, memory of the host, which takes none of the device's.
static size_t of_host = 0;
static std::set<Handle> host_memory;
static std::map<Handle, size_t> sizes;
static std::set<Handle> graphs;
static bool is_capturing = false;
static Work captured;
static bool is_lost = false;
// Who has the context: with the last of them it is gone.
static int retained = 0;
static unsigned polls = 0;
// Microseconds that work has taken, of a kernel so many unless a test says otherwise of those whose names have a text in them.
static const double USUAL = 200;
static double now = 0;
static std::string slow;
static double slowness = USUAL;

// Logs a call; the code that it is to fail with, or 0.
static int begin(const char *name) {
  calls += name;
  calls += '\n';
  if (is_lost) return LAUNCH_FAILED;
  if (failing == name && left-- == 0) return failure;
  return OK;
}
#define CALL(name)               \
  if (int code = begin(#name)) { \
    return code;                 \
  }

// What streams have to do where they are late: all of them (1), or the first alone (2), whatever is not waited for.
static int lateness = 0;
enum { FIRST = 7 };
struct Stream {
  Work work;
  size_t done = 0;
};
static std::map<Handle, Stream> streams;
static Handle next_stream = FIRST;
struct Event {
  double at = 0;
  Handle stream = FIRST;
  // How much its stream had done when it is.
  size_t position = 0;
};

static void drain(Handle stream, size_t position) {
  Stream &it = streams[stream];
  while (it.done < position && it.done < it.work.size()) {
    // What runs may wait for others.
    const std::function<bool()> work = it.work[it.done++];
    is_lost = !work() || is_lost;
  }
}
static void drain(Handle stream) { drain(stream, streams[stream].work.size()); }

static int submit(std::function<bool()> work, Handle stream = FIRST) {
  if (is_capturing && stream == FIRST) {
    captured.push_back(work);
    return OK;
  }
  if (lateness) {
    streams[stream].work.push_back(work);
    if (lateness == 2 && stream != FIRST) drain(stream);
    return is_lost ? LAUNCH_FAILED : OK;
  }
  if (work()) return OK;
  is_lost = true;
  return LAUNCH_FAILED;
}
// What a test says of the machine.
static int number(const char *name, int usual) {
  const char *text = getenv(name);
  return text ? atoi(text) : usual;
}
// What may not be called while a stream is captured.
static bool spoils() {
  if (!is_capturing) return false;
  calls += "(spoils the capture)\n";
  return true;
}

extern "C" {
const char *fake_log() {
  static std::string last;
  last = calls;
  calls.clear();
  return last.c_str();
}
void fake_fail(const char *name, int code, int after) {
  failing = name;
  failure = code;
  left = after;
}
void fake_room(uint64_t bytes) { room = bytes; }
uint64_t fake_used() { return used; }
// What streams beside the first have to do still.
int fake_undone() {
  int count = 0;
  for (auto &[stream, it] : streams) count += stream == FIRST ? 0 : int(it.work.size() - it.done);
  return count;
}
void fake_late(int how) {
  for (auto &[stream, _] : streams) drain(stream);
  lateness = how;
}
void fake_slow(const char *name, double microseconds) {
  slow = name;
  slowness = microseconds;
}
// For libraries of the tests: work of theirs, in its turn.
int fake_submit(void (*work)(void *), void *of, void (*done)(void *), double microseconds) {
  std::shared_ptr<void> held(of, done);
  return submit([=] {
    now += microseconds;
    work(held.get());
    return true;
  });
}

int cuInit(unsigned) { CALL(cuInit); return OK; }
int cuDriverGetVersion(int *version) { CALL(cuDriverGetVersion); *version = number("FAKE_CUDA_VERSION", 13000); return OK; }
int cuGetErrorName(int code, const char **name) {
  *name = code == OUT_OF_MEMORY ? "CUDA_ERROR_OUT_OF_MEMORY" : code == LAUNCH_FAILED ? "CUDA_ERROR_LAUNCH_FAILED" : code == 100 ? "CUDA_ERROR_NO_DEVICE" : "CUDA_ERROR_OTHER";
  return OK;
}
int cuGetErrorString(int, const char **text) { *text = "as the test wanted"; return OK; }
int cuDeviceGetCount(int *count) { CALL(cuDeviceGetCount); *count = 1; return OK; }
int cuDeviceGet(int *device, int) { CALL(cuDeviceGet); *device = 0; return OK; }
int cuDeviceGetName(char *name, int length, int) { CALL(cuDeviceGetName); strncpy(name, "Host", length); return OK; }
int cuDeviceGetAttribute(int *value, int attribute, int) {
  CALL(cuDeviceGetAttribute);
  const int capability = number("FAKE_CUDA_CAPABILITY", 90);
  *value = attribute == 75 ? capability / 10 : capability % 10;
  return OK;
}
int cuDeviceTotalMem_v2(uint64_t *bytes, int) { CALL(cuDeviceTotalMem_v2); *bytes = room; return OK; }
int cuMemGetInfo_v2(uint64_t *left, uint64_t *all) {
  CALL(cuMemGetInfo_v2);
  if (retained <= 0) return CONTEXT_DESTROYED;
  *left = room - (used - of_host);
  *all = room;
  return OK;
}
int cuDevicePrimaryCtxRetain(Handle *context, int) { CALL(cuDevicePrimaryCtxRetain); retained++; *context = 1; return OK; }
int cuDevicePrimaryCtxRelease_v2(int) { CALL(cuDevicePrimaryCtxRelease_v2); retained--; return OK; }
int cuCtxSetCurrent(Handle) { CALL(cuCtxSetCurrent); return OK; }

int cuModuleLoadData(Handle *out, const char *image) {
  CALL(cuModuleLoadData);
  if (retained <= 0) return CONTEXT_DESTROYED;
  if (!image) return 1;
  const std::string path = image;
  void *library = dlopen(path.substr(0, path.find('\n')).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) return 200;
  *out = Handle(new Module{library, reinterpret_cast<const void *(*)(const char *)>(dlsym(library, "find_kernel")),
                           reinterpret_cast<bool (*)(const void *, unsigned, unsigned, unsigned, void **)>(dlsym(library, "run_kernel"))});
  return OK;
}
int cuModuleUnload(Handle module) { CALL(cuModuleUnload); delete reinterpret_cast<Module *>(module); return OK; }
int cuModuleGetFunction(Handle *out, Handle handle, const char *name) {
  CALL(cuModuleGetFunction);
  Module *module = reinterpret_cast<Module *>(handle);
  const void *kernel = module->find(name);
  if (!kernel) return NOT_FOUND;
  *out = Handle(new Function{module, kernel, name});
  return OK;
}

int cuFuncSetAttribute(Handle function, unsigned attribute, int value) {
  CALL(cuFuncSetAttribute);
  if (attribute != 8 || value > 227 * 1024) return INVALID_VALUE;
  reinterpret_cast<Function *>(function)->most_shared = value;
  return OK;
}

static int allocate(Handle *out, size_t bytes, bool is_host) {
  if (spoils()) return CAPTURE_INVALIDATED;
  if (retained <= 0) return CONTEXT_DESTROYED;
  if (!is_host && used - of_host + bytes > room) return OUT_OF_MEMORY;
  *out = Handle(aligned_alloc(256, (bytes + 255) / 256 * 256));
  // As on a GPU, what was there before.
  memset(reinterpret_cast<void *>(*out), 0xff, bytes);
  sizes[*out] = bytes;
  used += bytes;
  if (is_host) {
    of_host += bytes;
    host_memory.insert(*out);
  }
  return OK;
}
static int release(Handle memory) {
  if (spoils()) return CAPTURE_INVALIDATED;
  if (!sizes.count(memory)) return INVALID_VALUE;
  used -= sizes[memory];
  if (host_memory.erase(memory)) of_host -= sizes[memory];
  sizes.erase(memory);
  free(reinterpret_cast<void *>(memory));
  return OK;
}
int cuMemAlloc_v2(Handle *out, size_t bytes) { CALL(cuMemAlloc_v2); return allocate(out, bytes, false); }
int cuMemFree_v2(Handle memory) { CALL(cuMemFree_v2); return release(memory); }
int cuMemAllocHost_v2(Handle *out, size_t bytes) { CALL(cuMemAllocHost_v2); return allocate(out, bytes, true); }
int cuMemFreeHost(Handle memory) { CALL(cuMemFreeHost); return release(memory); }

static int copy(Handle to, Handle from, size_t bytes, Handle stream) {
  return submit([=] {
    memmove(reinterpret_cast<void *>(to), reinterpret_cast<void *>(from), bytes);
    return true;
  }, stream);
}
int cuMemcpyHtoDAsync_v2(Handle to, const void *from, size_t bytes, Handle stream) {
  CALL(cuMemcpyHtoDAsync_v2);
  // Memory that is not the driver's own is put aside before the call returns.
  for (Handle memory : host_memory)
    if (Handle(from) >= memory && Handle(from) < memory + sizes[memory]) return copy(to, Handle(from), bytes, stream);
  auto aside = std::make_shared<std::vector<char>>(static_cast<const char *>(from), static_cast<const char *>(from) + bytes);
  return submit([=] {
    memcpy(reinterpret_cast<void *>(to), aside->data(), bytes);
    return true;
  }, stream);
}
int cuMemcpyDtoHAsync_v2(Handle to, Handle from, size_t bytes, Handle stream) { CALL(cuMemcpyDtoHAsync_v2); return copy(to, from, bytes, stream); }
int cuMemcpyDtoDAsync_v2(Handle to, Handle from, size_t bytes, Handle stream) { CALL(cuMemcpyDtoDAsync_v2); return copy(to, from, bytes, stream); }
int cuMemsetD8Async(Handle to, unsigned char value, size_t bytes, Handle stream) {
  CALL(cuMemsetD8Async);
  return submit([=] {
    memset(reinterpret_cast<void *>(to), value, bytes);
    return true;
  }, stream);
}

int cuEventCreate(Handle *out, unsigned) { CALL(cuEventCreate); *out = Handle(new Event); return OK; }
int cuEventDestroy_v2(Handle event) { CALL(cuEventDestroy_v2); delete reinterpret_cast<Event *>(event); return OK; }
int cuEventRecord(Handle event, Handle stream) {
  CALL(cuEventRecord);
  Event &it = *reinterpret_cast<Event *>(event);
  it.stream = stream;
  it.position = streams[stream].work.size() + 1;
  return submit([=] {
    reinterpret_cast<Event *>(event)->at = now;
    return true;
  }, stream);
}
int cuEventSynchronize(Handle event) {
  CALL(cuEventSynchronize);
  if (spoils()) return CAPTURE_INVALIDATED;
  const Event &it = *reinterpret_cast<Event *>(event);
  drain(it.stream, it.position);
  return OK;
}
int cuStreamWaitEvent(Handle stream, Handle event, unsigned) {
  CALL(cuStreamWaitEvent);
  // As it was recorded last.
  const Event it = *reinterpret_cast<Event *>(event);
  return submit([=] {
    drain(it.stream, it.position);
    return true;
  }, stream);
}
int cuEventElapsedTime(float *milliseconds, Handle from, Handle to) {
  CALL(cuEventElapsedTime);
  *milliseconds = float((reinterpret_cast<Event *>(to)->at - reinterpret_cast<Event *>(from)->at) / 1000);
  return OK;
}

// Where streams are late, the first is a session's own, and another one that it makes is beside it. Otherwise all are one.
static std::set<Handle> open_streams;
int cuStreamCreate(Handle *out, unsigned) {
  CALL(cuStreamCreate);
  *out = lateness && open_streams.count(FIRST) ? ++next_stream : Handle(FIRST);
  open_streams.insert(*out);
  return OK;
}
int cuStreamDestroy_v2(Handle stream) {
  CALL(cuStreamDestroy_v2);
  drain(stream);
  open_streams.erase(stream);
  streams.erase(stream);
  return OK;
}
int cuStreamSynchronize(Handle stream) {
  CALL(cuStreamSynchronize);
  if (spoils()) return CAPTURE_INVALIDATED;
  drain(stream);
  return OK;
}
int cuStreamQuery(Handle stream) {
  CALL(cuStreamQuery);
  if (spoils()) return CAPTURE_INVALIDATED;
  // Every other time there is still something to do.
  if (polls++ % 2 == 0) return NOT_READY;
  drain(stream);
  return OK;
}
int cuStreamBeginCapture_v2(Handle, unsigned) { CALL(cuStreamBeginCapture_v2); is_capturing = true; captured.clear(); return OK; }
int cuStreamEndCapture(Handle, Handle *graph) { CALL(cuStreamEndCapture); is_capturing = false; *graph = Handle(new Work(captured)); captured.clear(); return OK; }
int cuGraphInstantiateWithFlags(Handle *out, Handle graph, uint64_t) {
  CALL(cuGraphInstantiateWithFlags);
  *out = Handle(new Work(*reinterpret_cast<Work *>(graph)));
  graphs.insert(*out);
  return OK;
}
int cuGraphLaunch(Handle graph, Handle) {
  CALL(cuGraphLaunch);
  if (!graphs.count(graph)) return INVALID_VALUE;
  for (auto &work : *reinterpret_cast<Work *>(graph))
    if (int code = submit(work)) return code;
  return OK;
}
int cuGraphExecDestroy(Handle graph) {
  CALL(cuGraphExecDestroy);
  if (!graphs.erase(graph)) return INVALID_VALUE;
  delete reinterpret_cast<Work *>(graph);
  return OK;
}
int cuGraphDestroy(Handle graph) { CALL(cuGraphDestroy); delete reinterpret_cast<Work *>(graph); return OK; }

int cuTensorMapEncodeTiled(void *map, unsigned type, unsigned rank, Handle address, const uint64_t *extents, const uint64_t *strides, const uint32_t *box, const uint32_t *steps,
                           unsigned interleave, unsigned swizzle, unsigned promotion, unsigned fill) {
  CALL(cuTensorMapEncodeTiled);
  if (reinterpret_cast<uintptr_t>(map) % 128 != 0) return INVALID_VALUE;
  return machine::encode(*static_cast<machine::Map *>(map), type, rank, address, extents, strides, box, steps, interleave, swizzle, promotion, fill) ? OK : INVALID_VALUE;
}

int cuLaunchKernel(Handle handle, unsigned groups, unsigned gy, unsigned gz, unsigned threads, unsigned ty, unsigned tz, unsigned shared, Handle, void **params, void **) {
  CALL(cuLaunchKernel);
  if (gy != 1 || gz != 1 || ty != 1 || tz != 1) return INVALID_VALUE;
  Function *function = reinterpret_cast<Function *>(handle);
  if (shared > function->most_shared) return INVALID_VALUE;
  // Arguments are taken now, as a driver does: what the caller does with them later is nothing to the launch.
  struct Arguments {
    // As large as the largest, which is a map of a matrix.
    alignas(128) char values[64][128];
    void *pointers[64];
  };
  auto arguments = std::make_shared<Arguments>();
  for (int i = 0; i < 64; i++) {
    memcpy(arguments->values[i], params[i], 128);
    arguments->pointers[i] = arguments->values[i];
  }
  return submit([=] {
    // What comes before and after a library's product is little.
    bool is_little = false;
    for (const char *part : {"_slid_", "_steady_", "_rest_"}) is_little = is_little || function->name.find(part) != std::string::npos;
    now += !slow.empty() && function->name.find(slow) != std::string::npos ? slowness : is_little ? 10 : USUAL;
    return function->module->run(function->kernel, groups, threads, shared, arguments->pointers);
  });
}
}
