// A tensor map as the machine of `machine.h` reads it, made of what cuTensorMapEncodeTiled is told: as cuda.h documents it, of two dimensions.
#pragma once
#include <cstdint>

namespace machine {
struct Map {
  uint64_t address, columns, rows, stride;
  uint32_t bytes, box_columns, box_rows, swizzle;
};
static_assert(sizeof(Map) <= 128, "a CUtensorMap");

// False for what a driver refuses.
static inline bool encode(Map &map, uint32_t type, uint32_t rank, uint64_t address, const uint64_t *extents, const uint64_t *strides, const uint32_t *box,
                          const uint32_t *steps, uint32_t interleave, uint32_t swizzle, uint32_t promotion, uint32_t fill) {
  // By CUtensorMapDataType: bytes of an element.
  const uint32_t sizes[] = {1, 2, 4, 4, 8, 8, 2, 4, 8, 2, 4, 4, 4};
  if (type > 12 || rank != 2 || address % 16 != 0 || interleave != 0 || swizzle > 3 || promotion > 3 || fill > 1) return false;
  const uint32_t bytes = sizes[type], span = 16u << swizzle;
  for (int i = 0; i < 2; i++)
    if (extents[i] == 0 || extents[i] > uint64_t(1) << 32 || box[i] == 0 || box[i] > 256 || steps[i] != 1) return false;
  if (strides[0] % 16 != 0 || strides[0] >= uint64_t(1) << 40 || strides[0] < extents[0] * bytes) return false;
  if (box[0] * bytes % 16 != 0 || (swizzle > 0 && box[0] * bytes > span)) return false;
  map = {address, extents[0], extents[1], strides[0], bytes, box[0], box[1], swizzle};
  return true;
}
}  // namespace machine
