/*
kernel segment_sum(p < 800) {
  read x: f32[512]
  read starts: i32[101]
  read order: i32[64]
  write y: f32[800]
  %0 = sum r in min(max(starts[p/8], 0), 64)..min(max(starts[p/8 + 1], 0), 64) of x[order[r]*8 + p%8]
  y[p] = max(%0, -9)
}
grid 13,1,1
*/
// segment_sum
extern "C" __global__ void __launch_bounds__(64, 1) segment_sum_898a682c(const float *__restrict__ x, const int *__restrict__ starts, const int *__restrict__ order, float *__restrict__ y) {
  const int point = (int(blockIdx.x) * 64) + int(threadIdx.x);
  if (800 <= point) { return; }
  float acc = 0.0f;
  const unsigned v = unsigned(point);
  const int i = int(v / 8u);
  const int i_1 = smaller(larger(starts[i + 1], 0), 64);
  const int i_2 = int(v % 8u);
  for (int r = smaller(larger(starts[i], 0), 64); r < i_1; r++) {
    acc += x[(order[r] * 8) + i_2];
  }
  y[point] = larger(acc, -9.0f);
}
