/*
kernel softmax(row < 64) {
  read x: f32[64000]
  write y: f32[64000]
  %0 = max i < 1000 of x[row*1000 + i]
  %1 = sum j < 1000 of exp(x[row*1000 + j] - %0)
  for j2 < 1000: y[row*1000 + j2] = exp(x[row*1000 + j2] - %0)/%1
}
grid 64,1,1
*/
// softmax
extern "C" __global__ void __launch_bounds__(128, 1) softmax_20aa8988(const float *__restrict__ x, float *__restrict__ y) {
  __shared__ float partial[128];
  const int part = int(threadIdx.x);
  const int row = int(blockIdx.x);
  float acc = __int_as_float(0xff800000);
  const int i = row * 1000;
  for (int item = part; item < 1000; item += 128) {
    const int i_1 = i + item;
    const float x_v = x[i_1];
    acc = larger(acc, x_v);
  }
  const float own = lanes_max(acc);
  if ((int(threadIdx.x) % 32) == 0) {
    partial[int(threadIdx.x) / 32] = own;
  }
  __syncthreads();
  if (int(threadIdx.x) == 0) {
    partial[0] = larger(larger(larger(partial[0], partial[1]), partial[2]), partial[3]);
  }
  __syncthreads();
  const float result = partial[0];
  __syncthreads();
  float acc_1 = 0.0f;
  for (int item_1 = part; item_1 < 1000; item_1 += 128) {
    const int i_2 = i + item_1;
    const float x_v_1 = x[i_2];
    const float v = expf(x_v_1 - result);
    acc_1 += v;
  }
  const float own_1 = lanes_sum(acc_1);
  if ((int(threadIdx.x) % 32) == 0) {
    partial[int(threadIdx.x) / 32] = own_1;
  }
  __syncthreads();
  if (int(threadIdx.x) == 0) {
    partial[0] = ((partial[0] + partial[1]) + partial[2]) + partial[3];
  }
  __syncthreads();
  const float result_1 = partial[0];
  for (int item_2 = part; item_2 < 1000; item_2 += 128) {
    const int i_3 = i + item_2;
    const float x_v_2 = x[i_3];
    const float v_1 = expf(x_v_2 - result);
    y[i_3] = v_1 / result_1;
  }
}
