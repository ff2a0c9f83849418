/*
kernel gelu(i < 1000) {
  read x0: f32[1000]
  write y: f32[1000]
  y[i] = x0[i]*0.5*(1 + erf(x0[i]*0.7071067811865476))
}
grid 16,1,1
*/
// gelu
extern "C" __global__ void __launch_bounds__(64, 1) gelu_3c018829(const float *__restrict__ x0, float *__restrict__ y) {
  const int point = (int(blockIdx.x) * 64) + int(threadIdx.x);
  if (1000 <= point) { return; }
  const float x0_v = x0[point];
  y[point] = (x0_v * 0.5f) * (1.0f + erff(x0_v * 0.70710677f));
}
