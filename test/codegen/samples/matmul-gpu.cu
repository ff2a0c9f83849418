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
extern "C" __global__ void __launch_bounds__(64, 1) matmul_5d36f00e(const float *__restrict__ x, const float *__restrict__ w, const float *__restrict__ bias, float *__restrict__ y) {
  __shared__ float4 left[432];
  __shared__ float4 right[384];
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
  {
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
      const int k = smaller(0 + row, 49);
      const int slot = ((row * 9) + quad) * 4;
      const bool p = (0 + row) < 50;
      copy_aside<4>(left, slot, x + (i_3 + k), p);
      copy_aside<4>(left, slot + 1, x + (i_4 + k), p);
      copy_aside<4>(left, slot + 2, x + (i_5 + k), p);
      copy_aside<4>(left, slot + 3, x + (i_6 + k), p);
    }
    const int quad_1 = i_7;
    const int n = smaller(tile_n + (quad_1 * 4), 69);
    const int n_1 = smaller((tile_n + (quad_1 * 4)) + 1, 69);
    const int n_2 = smaller((tile_n + (quad_1 * 4)) + 2, 69);
    const int n_3 = smaller((tile_n + (quad_1 * 4)) + 3, 69);
    for (int row_1 = i_8; row_1 < 16; row_1 += 8) {
      const int k_1 = smaller(0 + row_1, 49);
      const int slot_1 = ((row_1 * 8) + quad_1) * 4;
      const int i_10 = (i_9 + k_1) * 70;
      const int i_11 = 0 + row_1;
      const bool p_1 = i_11 < 50;
      copy_aside<4>(right, slot_1, w + (i_10 + n), p_1);
      copy_aside<4>(right, slot_1 + 1, w + (i_10 + n_1), p_1);
      copy_aside<4>(right, slot_1 + 2, w + (i_10 + n_2), p_1);
      copy_aside<4>(right, slot_1 + 3, w + (i_10 + n_3), p_1);
    }
  }
  end_batch();
  {
    for (int quad_2 = i_1; quad_2 < 8; quad_2 += 4) {
      const int m_4 = smaller(tile_m + (quad_2 * 4), 59);
      const int m_5 = smaller((tile_m + (quad_2 * 4)) + 1, 59);
      const int m_6 = smaller((tile_m + (quad_2 * 4)) + 2, 59);
      const int m_7 = smaller((tile_m + (quad_2 * 4)) + 3, 59);
      const int i_15 = i_2 + m_4;
      const int i_16 = i_15 * 50;
      const int i_18 = i_2 + m_5;
      const int i_19 = i_18 * 50;
      const int i_21 = i_2 + m_6;
      const int i_22 = i_21 * 50;
      const int i_24 = i_2 + m_7;
      const int i_25 = i_24 * 50;
      const int row_2 = i;
      const int i_12 = 16 + row_2;
      const int k_2 = smaller(i_12, 49);
      const int i_13 = row_2 * 9;
      const int i_14 = i_13 + quad_2;
      const int slot_2 = (i_14 + 144) * 4;
      const int i_17 = i_16 + k_2;
      const bool p_2 = i_12 < 50;
      copy_aside<4>(left, slot_2, x + (i_17), p_2);
      const int i_20 = i_19 + k_2;
      copy_aside<4>(left, slot_2 + 1, x + (i_20), p_2);
      const int i_23 = i_22 + k_2;
      copy_aside<4>(left, slot_2 + 2, x + (i_23), p_2);
      const int i_26 = i_25 + k_2;
      copy_aside<4>(left, slot_2 + 3, x + (i_26), p_2);
    }
    const int quad_3 = i_7;
    const int n_4 = smaller(tile_n + (quad_3 * 4), 69);
    const int n_5 = smaller((tile_n + (quad_3 * 4)) + 1, 69);
    const int n_6 = smaller((tile_n + (quad_3 * 4)) + 2, 69);
    const int n_7 = smaller((tile_n + (quad_3 * 4)) + 3, 69);
    for (int row_3 = i_8; row_3 < 16; row_3 += 8) {
      const int i_27 = 16 + row_3;
      const int k_3 = smaller(i_27, 49);
      const int i_28 = row_3 * 8;
      const int i_29 = i_28 + quad_3;
      const int slot_3 = (i_29 + 128) * 4;
      const int i_30 = i_9 + k_3;
      const int i_31 = i_30 * 70;
      const int i_32 = i_31 + n_4;
      const bool p_3 = i_27 < 50;
      copy_aside<4>(right, slot_3, w + (i_32), p_3);
      const int i_33 = i_31 + n_5;
      copy_aside<4>(right, slot_3 + 1, w + (i_33), p_3);
      const int i_34 = i_31 + n_6;
      copy_aside<4>(right, slot_3 + 2, w + (i_34), p_3);
      const int i_35 = i_31 + n_7;
      copy_aside<4>(right, slot_3 + 3, w + (i_35), p_3);
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
        const int m_8 = smaller(tile_m + (quad_4 * 4), 59);
        const int m_9 = smaller((tile_m + (quad_4 * 4)) + 1, 59);
        const int m_10 = smaller((tile_m + (quad_4 * 4)) + 2, 59);
        const int m_11 = smaller((tile_m + (quad_4 * 4)) + 3, 59);
        const int i_39 = i_2 + m_8;
        const int i_40 = i_39 * 50;
        const int i_42 = i_2 + m_9;
        const int i_43 = i_42 * 50;
        const int i_45 = i_2 + m_10;
        const int i_46 = i_45 * 50;
        const int i_48 = i_2 + m_11;
        const int i_49 = i_48 * 50;
        const int row_4 = i;
        const int i_36 = k0 + row_4;
        const int k_4 = smaller(i_36, 49);
        const int i_37 = row_4 * 9;
        const int i_38 = i_37 + quad_4;
        const int slot_4 = (i_38 + left_next) * 4;
        const int i_41 = i_40 + k_4;
        const bool p_4 = i_36 < 50;
        copy_aside<4>(left, slot_4, x + (i_41), p_4);
        const int i_44 = i_43 + k_4;
        copy_aside<4>(left, slot_4 + 1, x + (i_44), p_4);
        const int i_47 = i_46 + k_4;
        copy_aside<4>(left, slot_4 + 2, x + (i_47), p_4);
        const int i_50 = i_49 + k_4;
        copy_aside<4>(left, slot_4 + 3, x + (i_50), p_4);
      }
      const int right_next = next * 128;
      const int quad_5 = i_7;
      const int n_8 = smaller(tile_n + (quad_5 * 4), 69);
      const int n_9 = smaller((tile_n + (quad_5 * 4)) + 1, 69);
      const int n_10 = smaller((tile_n + (quad_5 * 4)) + 2, 69);
      const int n_11 = smaller((tile_n + (quad_5 * 4)) + 3, 69);
      for (int row_5 = i_8; row_5 < 16; row_5 += 8) {
        const int i_51 = k0 + row_5;
        const int k_5 = smaller(i_51, 49);
        const int i_52 = row_5 * 8;
        const int i_53 = i_52 + quad_5;
        const int slot_5 = (i_53 + right_next) * 4;
        const int i_54 = i_9 + k_5;
        const int i_55 = i_54 * 70;
        const int i_56 = i_55 + n_8;
        const bool p_5 = i_51 < 50;
        copy_aside<4>(right, slot_5, w + (i_56), p_5);
        const int i_57 = i_55 + n_9;
        copy_aside<4>(right, slot_5 + 1, w + (i_57), p_5);
        const int i_58 = i_55 + n_10;
        copy_aside<4>(right, slot_5 + 2, w + (i_58), p_5);
        const int i_59 = i_55 + n_11;
        copy_aside<4>(right, slot_5 + 3, w + (i_59), p_5);
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
  for (int i_60 = 0; i_60 < 4; i_60++) {
    float4 row_0 = c_0_0;
    row_0 = i_60 == 1 ? c_1_0 : row_0;
    row_0 = i_60 == 2 ? c_2_0 : row_0;
    row_0 = i_60 == 3 ? c_3_0 : row_0;
    const int m_12 = (tile_m + (thread_m * 4)) + i_60;
    if (m_12 < 60) {
      const int i_61 = ((i_2 + m_12) * 70) + n_12;
      if (n_12 < 70) {
        y[i_61] = row_0.x + bias[n_12];
      }
      const int i_62 = i_2 + m_12;
      const int i_63 = i_62 * 70;
      const int i_64 = i_63 + n_13;
      if (n_13 < 70) {
        y[i_64] = row_0.y + bias[n_13];
      }
      const int i_65 = i_63 + n_14;
      if (n_14 < 70) {
        y[i_65] = row_0.z + bias[n_14];
      }
      const int i_66 = i_63 + n_15;
      if (n_15 < 70) {
        y[i_66] = row_0.w + bias[n_15];
      }
    }
  }
}
