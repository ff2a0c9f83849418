/*
kernel matmul(b < 1, m < 64, n < 128) {
  read x: f32[4096]
  read w: f32[8192]
  read bias: f32[128]
  write y: f32[8192]
  %0 = contract k < 64 of x[m*64 + k] . w[k*128 + n]
  y[m*128 + n] = %0 + bias[n]
}
grid 8,1,1
*/
// matmul
extern "C" __global__ void __launch_bounds__(64, 1) matmul_4e747b2d(const float *__restrict__ x, const float *__restrict__ w, const float *__restrict__ bias, float *__restrict__ y) {
  __shared__ float4 left[432];
  __shared__ float4 right[384];
  const int tile_n = (int(blockIdx.x) % 4) * 32;
  const int tile_m = ((int(blockIdx.x) / 4) % 2) * 32;
  const int thread_n = int(threadIdx.x) % 8;
  const int thread_m = int(threadIdx.x) / 8;
  float4 c_0_0 = make_float4(0, 0, 0, 0);
  float4 c_1_0 = make_float4(0, 0, 0, 0);
  float4 c_2_0 = make_float4(0, 0, 0, 0);
  float4 c_3_0 = make_float4(0, 0, 0, 0);
  const int i = int(unsigned(int(threadIdx.x)) % 16u);
  const int i_1 = int(unsigned(int(threadIdx.x)) / 16u);
  const int i_6 = int(unsigned(int(threadIdx.x)) % 8u);
  const int i_7 = int(unsigned(int(threadIdx.x)) / 8u);
  {
    for (int quad = i_1; quad < 8; quad += 4) {
      const int m = tile_m + (quad * 4);
      const int m_1 = (tile_m + (quad * 4)) + 1;
      const int m_2 = (tile_m + (quad * 4)) + 2;
      const int m_3 = (tile_m + (quad * 4)) + 3;
      const int i_2 = m * 64;
      const int i_3 = m_1 * 64;
      const int i_4 = m_2 * 64;
      const int i_5 = m_3 * 64;
      const int row = i;
      const int k = 0 + row;
      const int slot = ((row * 9) + quad) * 4;
      copy_aside<4>(left, slot, x + (i_2 + k), true);
      copy_aside<4>(left, slot + 1, x + (i_3 + k), true);
      copy_aside<4>(left, slot + 2, x + (i_4 + k), true);
      copy_aside<4>(left, slot + 3, x + (i_5 + k), true);
    }
    const int quad_1 = i_6;
    const int n = tile_n + (quad_1 * 4);
    for (int row_1 = i_7; row_1 < 16; row_1 += 8) {
      const int k_1 = 0 + row_1;
      const int slot_1 = ((row_1 * 8) + quad_1) * 4;
      copy_aside<16>(right, slot_1, w + ((k_1 * 128) + n), true);
    }
  }
  end_batch();
  {
    for (int quad_2 = i_1; quad_2 < 8; quad_2 += 4) {
      const int m_4 = tile_m + (quad_2 * 4);
      const int m_5 = (tile_m + (quad_2 * 4)) + 1;
      const int m_6 = (tile_m + (quad_2 * 4)) + 2;
      const int m_7 = (tile_m + (quad_2 * 4)) + 3;
      const int i_10 = m_4 * 64;
      const int i_12 = m_5 * 64;
      const int i_14 = m_6 * 64;
      const int i_16 = m_7 * 64;
      const int row_2 = i;
      const int k_2 = 16 + row_2;
      const int i_8 = row_2 * 9;
      const int i_9 = i_8 + quad_2;
      const int slot_2 = (i_9 + 144) * 4;
      const int i_11 = i_10 + k_2;
      copy_aside<4>(left, slot_2, x + (i_11), true);
      const int i_13 = i_12 + k_2;
      copy_aside<4>(left, slot_2 + 1, x + (i_13), true);
      const int i_15 = i_14 + k_2;
      copy_aside<4>(left, slot_2 + 2, x + (i_15), true);
      const int i_17 = i_16 + k_2;
      copy_aside<4>(left, slot_2 + 3, x + (i_17), true);
    }
    const int quad_3 = i_6;
    const int n_4 = tile_n + (quad_3 * 4);
    for (int row_3 = i_7; row_3 < 16; row_3 += 8) {
      const int k_3 = 16 + row_3;
      const int i_18 = row_3 * 8;
      const int i_19 = i_18 + quad_3;
      const int slot_3 = (i_19 + 128) * 4;
      const int i_20 = k_3 * 128;
      const int i_21 = i_20 + n_4;
      copy_aside<16>(right, slot_3, w + (i_21), true);
    }
  }
  end_batch();
  for (int round_1 = 0; round_1 < 4; round_1++) {
    wait_copies<1>();
    __syncthreads();
    const int ahead = round_1 + 2;
    if (ahead < 4) {
      const int next = ahead % 3;
      const int k0 = ahead * 16;
      const int left_next = next * 144;
      for (int quad_4 = i_1; quad_4 < 8; quad_4 += 4) {
        const int m_8 = tile_m + (quad_4 * 4);
        const int m_9 = (tile_m + (quad_4 * 4)) + 1;
        const int m_10 = (tile_m + (quad_4 * 4)) + 2;
        const int m_11 = (tile_m + (quad_4 * 4)) + 3;
        const int i_24 = m_8 * 64;
        const int i_26 = m_9 * 64;
        const int i_28 = m_10 * 64;
        const int i_30 = m_11 * 64;
        const int row_4 = i;
        const int k_4 = k0 + row_4;
        const int i_22 = row_4 * 9;
        const int i_23 = i_22 + quad_4;
        const int slot_4 = (i_23 + left_next) * 4;
        const int i_25 = i_24 + k_4;
        copy_aside<4>(left, slot_4, x + (i_25), true);
        const int i_27 = i_26 + k_4;
        copy_aside<4>(left, slot_4 + 1, x + (i_27), true);
        const int i_29 = i_28 + k_4;
        copy_aside<4>(left, slot_4 + 2, x + (i_29), true);
        const int i_31 = i_30 + k_4;
        copy_aside<4>(left, slot_4 + 3, x + (i_31), true);
      }
      const int right_next = next * 128;
      const int quad_5 = i_6;
      const int n_8 = tile_n + (quad_5 * 4);
      for (int row_5 = i_7; row_5 < 16; row_5 += 8) {
        const int k_5 = k0 + row_5;
        const int i_32 = row_5 * 8;
        const int i_33 = i_32 + quad_5;
        const int slot_5 = (i_33 + right_next) * 4;
        const int i_34 = k_5 * 128;
        const int i_35 = i_34 + n_8;
        copy_aside<16>(right, slot_5, w + (i_35), true);
      }
    }
    end_batch();
    const int current = round_1 % 3;
    const int left_at = current * 144;
    const int right_at = current * 128;
    for (int kk = 0; kk < 16; kk += 4) {
      {
        const float4 a0 = left[((kk * 9) + thread_m) + left_at];
        const float4 b0 = right[((kk * 8) + thread_n) + right_at];
        c_0_0 += a0.x * b0;
        c_1_0 += a0.y * b0;
        c_2_0 += a0.z * b0;
        c_3_0 += a0.w * b0;
      }
      {
        const float4 a0 = left[(((kk + 1) * 9) + thread_m) + left_at];
        const float4 b0 = right[(((kk + 1) * 8) + thread_n) + right_at];
        c_0_0 += a0.x * b0;
        c_1_0 += a0.y * b0;
        c_2_0 += a0.z * b0;
        c_3_0 += a0.w * b0;
      }
      {
        const float4 a0 = left[(((kk + 2) * 9) + thread_m) + left_at];
        const float4 b0 = right[(((kk + 2) * 8) + thread_n) + right_at];
        c_0_0 += a0.x * b0;
        c_1_0 += a0.y * b0;
        c_2_0 += a0.z * b0;
        c_3_0 += a0.w * b0;
      }
      {
        const float4 a0 = left[(((kk + 3) * 9) + thread_m) + left_at];
        const float4 b0 = right[(((kk + 3) * 8) + thread_n) + right_at];
        c_0_0 += a0.x * b0;
        c_1_0 += a0.y * b0;
        c_2_0 += a0.z * b0;
        c_3_0 += a0.w * b0;
      }
    }
  }
  const int n_12 = tile_n + (thread_n * 4);
  const int n_13 = (tile_n + (thread_n * 4)) + 1;
  const int n_14 = (tile_n + (thread_n * 4)) + 2;
  const int n_15 = (tile_n + (thread_n * 4)) + 3;
  const float bias_v = bias[n_12];
  const float bias_v_1 = bias[n_13];
  const float bias_v_2 = bias[n_14];
  const float bias_v_3 = bias[n_15];
  for (int i_36 = 0; i_36 < 4; i_36++) {
    float4 row_0 = c_0_0;
    row_0 = i_36 == 1 ? c_1_0 : row_0;
    row_0 = i_36 == 2 ? c_2_0 : row_0;
    row_0 = i_36 == 3 ? c_3_0 : row_0;
    const int m_12 = (tile_m + (thread_m * 4)) + i_36;
    const int i_37 = (m_12 * 128) + n_12;
    y[i_37] = row_0.x + bias_v;
    const int i_38 = m_12 * 128;
    const int i_39 = i_38 + n_13;
    y[i_39] = row_0.y + bias_v_1;
    const int i_40 = i_38 + n_14;
    y[i_40] = row_0.z + bias_v_2;
    const int i_41 = i_38 + n_15;
    y[i_41] = row_0.w + bias_v_3;
  }
}
