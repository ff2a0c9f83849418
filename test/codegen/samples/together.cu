// grid 11,1,1
// softmax_and_double_and_column_sum
extern "C" __global__ void __launch_bounds__(256, 1) softmax_and_double_and_column_sum_8f0023cc(const float *__restrict__ p0, float *__restrict__ p1, const float *__restrict__ p2, float *__restrict__ p3, const float *__restrict__ p4, float *__restrict__ p5) {
  __shared__ float partial[256];
  if (blockIdx.x < 8) {
    const int part = int(threadIdx.x);
    const int row = int(blockIdx.x);
    float acc = __int_as_float(0xff800000);
    const int i = row * 2000;
    for (int item = part; item < 2000; item += 256) {
      const int i_1 = i + item;
      const float p0_v = p0[i_1];
      acc = larger(acc, p0_v);
    }
    const float own = lanes_max(acc);
    if ((int(threadIdx.x) % 32) == 0) {
      partial[int(threadIdx.x) / 32] = own;
    }
    __syncthreads();
    if (int(threadIdx.x) == 0) {
      partial[0] = larger(larger(larger(larger(larger(larger(larger(partial[0], partial[1]), partial[2]), partial[3]), partial[4]), partial[5]), partial[6]), partial[7]);
    }
    __syncthreads();
    const float result = partial[0];
    __syncthreads();
    float acc_1 = 0.0f;
    for (int item_1 = part; item_1 < 2000; item_1 += 256) {
      const int i_2 = i + item_1;
      const float p0_v_1 = p0[i_2];
      const float v = expf(p0_v_1 - result);
      acc_1 += v;
    }
    const float own_1 = lanes_sum(acc_1);
    if ((int(threadIdx.x) % 32) == 0) {
      partial[int(threadIdx.x) / 32] = own_1;
    }
    __syncthreads();
    if (int(threadIdx.x) == 0) {
      partial[0] = ((((((partial[0] + partial[1]) + partial[2]) + partial[3]) + partial[4]) + partial[5]) + partial[6]) + partial[7];
    }
    __syncthreads();
    const float result_1 = partial[0];
    for (int item_2 = part; item_2 < 2000; item_2 += 256) {
      const int i_3 = i + item_2;
      const float p0_v_2 = p0[i_3];
      const float v_1 = expf(p0_v_2 - result);
      p1[i_3] = v_1 / result_1;
    }
  } else if (blockIdx.x < 10) {
    const int point = ((int(blockIdx.x) - 8) * 256) + int(threadIdx.x);
    if (300 <= point) { return; }
    p3[point] = p2[point] * 2.0f;
  } else {
    const int part = int(threadIdx.x) / 32;
    const int row = smaller(((int(blockIdx.x) - 10) * 32) + (int(threadIdx.x) % 32), 9);
    const bool inside = (((int(blockIdx.x) - 10) * 32) + (int(threadIdx.x) % 32)) < 10;
    float acc = 0.0f;
    for (int item = part; item < 64; item += 8) {
      acc += p4[(item * 10) + row];
    }
    partial[int(threadIdx.x)] = acc;
    __syncthreads();
    if (part < 4) {
      partial[int(threadIdx.x)] = partial[int(threadIdx.x)] + partial[int(threadIdx.x) + 128];
    }
    __syncthreads();
    if (part < 2) {
      partial[int(threadIdx.x)] = partial[int(threadIdx.x)] + partial[int(threadIdx.x) + 64];
    }
    __syncthreads();
    if (part < 1) {
      partial[int(threadIdx.x)] = partial[int(threadIdx.x)] + partial[int(threadIdx.x) + 32];
    }
    __syncthreads();
    const float result = partial[int(threadIdx.x) % 32];
    const float v = p5[row] + result;
    if (inside & (part == 0)) {
      p5[row] = v;
    }
  }
}
