/*
kernel conv_weight_gradient(b < 2, m < 8, n < 27) {
  read dy: f32[3200]
  read x: f32[1200]
  write dw: f32[432]
  %0 = contract k < 200 of dy[((b*2 + k/100)*8 + m)*100 + k%100] . 0 <= k/10%10 + n/3%3 - 1 && k/10%10 + n/3%3 - 1 < 10 && (0 <= k%10 + n%3 - 1 && k%10 + n%3 - 1 < 10) ? x[((b*2 + k/100)*3 + n/9)*100 + ((k/10%10 + n/3%3 - 1)*10 + (k%10 + n%3 - 1))] : 0
  dw[(b*8 + m)*27 + n] = %0
}
grid 2,1,1
*/
// conv_weight_gradient
extern "C" __global__ void __launch_bounds__(64, 1) conv_weight_gradient_1e288810(const float *__restrict__ dy, const float *__restrict__ x, float *__restrict__ dw) {
  __shared__ float4 left[144];
  __shared__ float4 right[144];
  const int tile_n = 0;
  const int tile_m = 0;
  const int thread_n = int(threadIdx.x) % 8;
  const int thread_m = int(threadIdx.x) / 8;
  const int batch = int(blockIdx.x);
  float4 c_0_0 = make_float4(0, 0, 0, 0);
  float4 c_1_0 = make_float4(0, 0, 0, 0);
  float4 c_2_0 = make_float4(0, 0, 0, 0);
  float4 c_3_0 = make_float4(0, 0, 0, 0);
  const int i = int(unsigned(int(threadIdx.x)) % 16u);
  const int i_1 = int(unsigned(int(threadIdx.x)) / 16u);
  const int i_2 = batch * 2;
  for (int k0 = 0; k0 < 200; k0 += 16) {
    for (int quad = i_1; quad < 8; quad += 4) {
      const int m = smaller(tile_m + (quad * 4), 7);
      const int m_1 = smaller((tile_m + (quad * 4)) + 1, 7);
      const int m_2 = smaller((tile_m + (quad * 4)) + 2, 7);
      const int m_3 = smaller((tile_m + (quad * 4)) + 3, 7);
      const int row = i;
      const int k = smaller(k0 + row, 199);
      const unsigned v = unsigned(k);
      const int i_3 = (i_2 + int(v / 100u)) * 8;
      const int i_4 = int(v % 100u);
      left[(row * 9) + quad] = (k0 + row) < 200 ? make_float4(dy[((i_3 + m) * 100) + i_4], dy[((i_3 + m_1) * 100) + i_4], dy[((i_3 + m_2) * 100) + i_4], dy[((i_3 + m_3) * 100) + i_4]) : make_float4(0, 0, 0, 0);
    }
    for (int quad_1 = i_1; quad_1 < 8; quad_1 += 4) {
      const int n = smaller(tile_n + (quad_1 * 4), 26);
      const int n_1 = smaller((tile_n + (quad_1 * 4)) + 1, 26);
      const int n_2 = smaller((tile_n + (quad_1 * 4)) + 2, 26);
      const int n_3 = smaller((tile_n + (quad_1 * 4)) + 3, 26);
      const unsigned v_2 = unsigned(n);
      const int i_6 = int(unsigned(int(v_2 / 3u)) % 3u);
      const int i_9 = int(v_2 % 3u);
      const int i_14 = int(v_2 / 9u);
      const unsigned v_5 = unsigned(n_1);
      const int i_16 = int(unsigned(int(v_5 / 3u)) % 3u);
      const int i_18 = int(v_5 % 3u);
      const int i_20 = int(v_5 / 9u);
      const unsigned v_7 = unsigned(n_2);
      const int i_22 = int(unsigned(int(v_7 / 3u)) % 3u);
      const int i_24 = int(v_7 % 3u);
      const int i_26 = int(v_7 / 9u);
      const unsigned v_9 = unsigned(n_3);
      const int i_28 = int(unsigned(int(v_9 / 3u)) % 3u);
      const int i_30 = int(v_9 % 3u);
      const int i_32 = int(v_9 / 9u);
      const int row_1 = i;
      const int k_1 = smaller(k0 + row_1, 199);
      const unsigned v_1 = unsigned(k_1);
      const int i_5 = int(unsigned(int(v_1 / 10u)) % 10u);
      const int i_7 = (i_5 + i_6) - 1;
      const int i_8 = int(v_1 % 10u);
      const int i_10 = (i_8 + i_9) - 1;
      float v_3;
      const unsigned v_4 = v_1 / 100u;
      const int i_11 = int(v_4);
      const int i_12 = i_2 + i_11;
      const int i_13 = i_12 * 3;
      const int i_15 = (((i_13 + i_14) * 100) + (i_7 * 10)) + i_10;
      if (((0 <= i_7) & (i_7 < 10)) & ((0 <= i_10) & (i_10 < 10))) {
        v_3 = x[i_15];
      } else {
        v_3 = 0.0f;
      }
      const int i_17 = (i_5 + i_16) - 1;
      const int i_19 = (i_8 + i_18) - 1;
      float v_6;
      const int i_21 = (((i_13 + i_20) * 100) + (i_17 * 10)) + i_19;
      if (((0 <= i_17) & (i_17 < 10)) & ((0 <= i_19) & (i_19 < 10))) {
        v_6 = x[i_21];
      } else {
        v_6 = 0.0f;
      }
      const int i_23 = (i_5 + i_22) - 1;
      const int i_25 = (i_8 + i_24) - 1;
      float v_8;
      const int i_27 = (((i_13 + i_26) * 100) + (i_23 * 10)) + i_25;
      if (((0 <= i_23) & (i_23 < 10)) & ((0 <= i_25) & (i_25 < 10))) {
        v_8 = x[i_27];
      } else {
        v_8 = 0.0f;
      }
      const int i_29 = (i_5 + i_28) - 1;
      const int i_31 = (i_8 + i_30) - 1;
      float v_10;
      const int i_33 = (((i_13 + i_32) * 100) + (i_29 * 10)) + i_31;
      if (((0 <= i_29) & (i_29 < 10)) & ((0 <= i_31) & (i_31 < 10))) {
        v_10 = x[i_33];
      } else {
        v_10 = 0.0f;
      }
      const int i_34 = row_1 * 9;
      const int i_35 = i_34 + quad_1;
      right[i_35] = (k0 + row_1) < 200 ? make_float4(v_3, v_6, v_8, v_10) : make_float4(0, 0, 0, 0);
    }
    __syncthreads();
    for (int kk = 0; kk < 16; kk += 4) {
      {
        const float4 a0 = left[(kk * 9) + thread_m];
        const float4 b0 = right[(kk * 9) + thread_n];
        c_0_0 += a0.x * b0;
        c_1_0 += a0.y * b0;
        c_2_0 += a0.z * b0;
        c_3_0 += a0.w * b0;
      }
      {
        const float4 a0 = left[((kk + 1) * 9) + thread_m];
        const float4 b0 = right[((kk + 1) * 9) + thread_n];
        c_0_0 += a0.x * b0;
        c_1_0 += a0.y * b0;
        c_2_0 += a0.z * b0;
        c_3_0 += a0.w * b0;
      }
      {
        const float4 a0 = left[((kk + 2) * 9) + thread_m];
        const float4 b0 = right[((kk + 2) * 9) + thread_n];
        c_0_0 += a0.x * b0;
        c_1_0 += a0.y * b0;
        c_2_0 += a0.z * b0;
        c_3_0 += a0.w * b0;
      }
      {
        const float4 a0 = left[((kk + 3) * 9) + thread_m];
        const float4 b0 = right[((kk + 3) * 9) + thread_n];
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
  const int i_37 = batch * 8;
  for (int i_36 = 0; i_36 < 4; i_36++) {
    float4 row_0 = c_0_0;
    row_0 = i_36 == 1 ? c_1_0 : row_0;
    row_0 = i_36 == 2 ? c_2_0 : row_0;
    row_0 = i_36 == 3 ? c_3_0 : row_0;
    const int m_4 = (tile_m + (thread_m * 4)) + i_36;
    if (m_4 < 8) {
      const int i_38 = ((i_37 + m_4) * 27) + n_4;
      if (n_4 < 27) {
        dw[i_38] = row_0.x;
      }
      const int i_39 = i_37 + m_4;
      const int i_40 = i_39 * 27;
      const int i_41 = i_40 + n_5;
      if (n_5 < 27) {
        dw[i_41] = row_0.y;
      }
      const int i_42 = i_40 + n_6;
      if (n_6 < 27) {
        dw[i_42] = row_0.z;
      }
      const int i_43 = i_40 + n_7;
      if (n_7 < 27) {
        dw[i_43] = row_0.w;
      }
    }
  }
}
