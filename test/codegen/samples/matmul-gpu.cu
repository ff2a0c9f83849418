/*
kernel matmul(b < 2, m < 60, n < 70) {
  read x: f32[6000]
  read w: f32[7000]
  read bias: f32[70]
  write y: f32[8400]
  %0 = contract k < 50 of x[(b*60 + m)*50 + k] . w[(b*50 + k)*70 + n]
  y[(b*60 + m)*70 + n] = %0 + bias[n]
}
grid 12,1,1
*/
// matmul
extern "C" __global__ void __launch_bounds__(64, 1) matmul_d7727968(const float *__restrict__ x, const float *__restrict__ w, const float *__restrict__ bias, float *__restrict__ y) {
  __shared__ float4 left[144];
  __shared__ float4 right[128];
  const int tile_n = (int(blockIdx.x) % 3) * 32;
  const int tile_m = ((int(blockIdx.x) / 3) % 2) * 32;
  const int thread_n = int(threadIdx.x) % 8;
  const int thread_m = int(threadIdx.x) / 8;
  const int batch = int(blockIdx.x) / 6;
  float4 c_0_0 = make_float4(0, 0, 0, 0);
  float4 c_1_0 = make_float4(0, 0, 0, 0);
  float4 c_2_0 = make_float4(0, 0, 0, 0);
  float4 c_3_0 = make_float4(0, 0, 0, 0);
  const int i = int(unsigned(int(threadIdx.x)) % 16u);
  const int i_1 = int(unsigned(int(threadIdx.x)) / 16u);
  const int i_2 = batch * 60;
  const int i_7 = int(unsigned(int(threadIdx.x)) % 8u);
  const int i_8 = int(unsigned(int(threadIdx.x)) / 8u);
  const int i_9 = batch * 50;
  for (int k0 = 0; k0 < 50; k0 += 16) {
    for (int quad = i_1; quad < 8; quad += 4) {
      const int m = smaller(tile_m + (quad * 4), 59);
      const int m_1 = smaller((tile_m + (quad * 4)) + 1, 59);
      const int m_2 = smaller((tile_m + (quad * 4)) + 2, 59);
      const int m_3 = smaller((tile_m + (quad * 4)) + 3, 59);
      const int i_3 = (i_2 + m) * 50;
      const int i_4 = (i_2 + m_1) * 50;
      const int i_5 = (i_2 + m_2) * 50;
      const int i_6 = (i_2 + m_3) * 50;
      const int row = i;
      const int k = smaller(k0 + row, 49);
      left[(row * 9) + quad] = (k0 + row) < 50 ? make_float4(x[i_3 + k], x[i_4 + k], x[i_5 + k], x[i_6 + k]) : make_float4(0, 0, 0, 0);
    }
    const int quad_1 = i_7;
    const int n = smaller(tile_n + (quad_1 * 4), 69);
    const int n_1 = smaller((tile_n + (quad_1 * 4)) + 1, 69);
    const int n_2 = smaller((tile_n + (quad_1 * 4)) + 2, 69);
    const int n_3 = smaller((tile_n + (quad_1 * 4)) + 3, 69);
    for (int row_1 = i_8; row_1 < 16; row_1 += 8) {
      const int k_1 = smaller(k0 + row_1, 49);
      const int i_10 = (i_9 + k_1) * 70;
      right[(row_1 * 8) + quad_1] = (k0 + row_1) < 50 ? make_float4(w[i_10 + n], w[i_10 + n_1], w[i_10 + n_2], w[i_10 + n_3]) : make_float4(0, 0, 0, 0);
    }
    __syncthreads();
    for (int kk = 0; kk < 16; kk += 4) {
      {
        const float4 a0 = left[(kk * 9) + thread_m];
        const float4 b0 = right[(kk * 8) + thread_n];
        c_0_0 += a0.x * b0;
        c_1_0 += a0.y * b0;
        c_2_0 += a0.z * b0;
        c_3_0 += a0.w * b0;
      }
      {
        const float4 a0 = left[((kk + 1) * 9) + thread_m];
        const float4 b0 = right[((kk + 1) * 8) + thread_n];
        c_0_0 += a0.x * b0;
        c_1_0 += a0.y * b0;
        c_2_0 += a0.z * b0;
        c_3_0 += a0.w * b0;
      }
      {
        const float4 a0 = left[((kk + 2) * 9) + thread_m];
        const float4 b0 = right[((kk + 2) * 8) + thread_n];
        c_0_0 += a0.x * b0;
        c_1_0 += a0.y * b0;
        c_2_0 += a0.z * b0;
        c_3_0 += a0.w * b0;
      }
      {
        const float4 a0 = left[((kk + 3) * 9) + thread_m];
        const float4 b0 = right[((kk + 3) * 8) + thread_n];
        c_0_0 += a0.x * b0;
        c_1_0 += a0.y * b0;
        c_2_0 += a0.z * b0;
        c_3_0 += a0.w * b0;
      }
    }
    __syncthreads();
  }
  const int n_4 = tile_n + (thread_n * 4);
  const int n_5 = (tile_n + (thread_n * 4)) + 1;
  const int n_6 = (tile_n + (thread_n * 4)) + 2;
  const int n_7 = (tile_n + (thread_n * 4)) + 3;
  for (int i_11 = 0; i_11 < 4; i_11++) {
    float4 row_0 = c_0_0;
    row_0 = i_11 == 1 ? c_1_0 : row_0;
    row_0 = i_11 == 2 ? c_2_0 : row_0;
    row_0 = i_11 == 3 ? c_3_0 : row_0;
    const int m_4 = (tile_m + (thread_m * 4)) + i_11;
    if (m_4 < 60) {
      const int i_12 = ((i_2 + m_4) * 70) + n_4;
      if (n_4 < 70) {
        y[i_12] = row_0.x + bias[n_4];
      }
      const int i_13 = i_2 + m_4;
      const int i_14 = i_13 * 70;
      const int i_15 = i_14 + n_5;
      if (n_5 < 70) {
        y[i_15] = row_0.y + bias[n_5];
      }
      const int i_16 = i_14 + n_6;
      if (n_6 < 70) {
        y[i_16] = row_0.z + bias[n_6];
      }
      const int i_17 = i_14 + n_7;
      if (n_7 < 70) {
        y[i_17] = row_0.w + bias[n_7];
      }
    }
  }
}
