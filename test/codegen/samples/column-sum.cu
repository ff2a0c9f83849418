/*
kernel column_sum(n < 10) {
  read x: f32[640]
  read-write y: f32[10]
  %0 = sum b < 64 of x[b*10 + n]
  y[n] = y[n] + %0
}
grid 2,1,1
*/
// column_sum
extern "C" __global__ void __launch_bounds__(64, 1) column_sum_8c405e78(const float *__restrict__ x, float *__restrict__ y) {
  __shared__ float partial[64];
  const int part = int(threadIdx.x) / 8;
  const int row = smaller((int(blockIdx.x) * 8) + (int(threadIdx.x) % 8), 9);
  const bool inside = ((int(blockIdx.x) * 8) + (int(threadIdx.x) % 8)) < 10;
  float acc = 0.0f;
  for (int item = part; item < 64; item += 8) {
    acc += x[(item * 10) + row];
  }
  partial[int(threadIdx.x)] = acc;
  __syncthreads();
  if (part < 4) {
    partial[int(threadIdx.x)] = partial[int(threadIdx.x)] + partial[int(threadIdx.x) + 32];
  }
  __syncthreads();
  if (part < 2) {
    partial[int(threadIdx.x)] = partial[int(threadIdx.x)] + partial[int(threadIdx.x) + 16];
  }
  __syncthreads();
  if (part < 1) {
    partial[int(threadIdx.x)] = partial[int(threadIdx.x)] + partial[int(threadIdx.x) + 8];
  }
  __syncthreads();
  const float result = partial[int(threadIdx.x) % 8];
  const float v = y[row] + result;
  if (inside & (part == 0)) {
    y[row] = v;
  }
}
