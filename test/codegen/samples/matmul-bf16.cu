/*
kernel matmul_bf16(b < 2, m < 60, n < 70) {
  read x: f32[6000]
  read w: f32[7000]
  read bias: f32[70]
  write y: f32[8400]
  %0 = contract k < 50 of round_bf16(x[(b*60 + m)*50 + k]) . round_bf16(w[(b*50 + k)*70 + n]) in bf16
  y[(b*60 + m)*70 + n] = %0 + bias[n]
}
grid 4,1,1
*/
// matmul_bf16
extern "C" __global__ void __launch_bounds__(128, 1) matmul_bf16_39f927e4(const float *__restrict__ x, const float *__restrict__ w, const float *__restrict__ bias, float *__restrict__ y) {
  __shared__ __align__(16) unsigned left[2560];
  __shared__ __align__(16) unsigned right[2560];
  const int tile_n = (int(blockIdx.x) % 2) * 64;
  const int tile_m = 0;
  const int batch = int(blockIdx.x) / 2;
  const int subgroup = int(threadIdx.x) / 32;
  const int lane_of = int(threadIdx.x) % 32;
  const int row_m = (subgroup / 2) * 32;
  const int row_n = (subgroup % 2) * 32;
  const int left_row = int(threadIdx.x) / 16;
  const int left_row_1 = (int(threadIdx.x) / 16) + 8;
  const int left_row_2 = (int(threadIdx.x) / 16) + 16;
  const int left_row_3 = (int(threadIdx.x) / 16) + 24;
  const int left_row_4 = (int(threadIdx.x) / 16) + 32;
  const int left_row_5 = (int(threadIdx.x) / 16) + 40;
  const int left_row_6 = (int(threadIdx.x) / 16) + 48;
  const int left_row_7 = (int(threadIdx.x) / 16) + 56;
  const int left_word = int(threadIdx.x) % 16;
  const int left_m = smaller(tile_m + left_row, 59);
  const int left_m_1 = smaller(tile_m + left_row_1, 59);
  const int left_m_2 = smaller(tile_m + left_row_2, 59);
  const int left_m_3 = smaller(tile_m + left_row_3, 59);
  const int left_m_4 = smaller(tile_m + left_row_4, 59);
  const int left_m_5 = smaller(tile_m + left_row_5, 59);
  const int left_m_6 = smaller(tile_m + left_row_6, 59);
  const int left_m_7 = smaller(tile_m + left_row_7, 59);
  const int right_row = int(threadIdx.x) % 64;
  const int right_word = int(threadIdx.x) / 64;
  const int right_word_1 = (int(threadIdx.x) / 64) + 2;
  const int right_word_2 = (int(threadIdx.x) / 64) + 4;
  const int right_word_3 = (int(threadIdx.x) / 64) + 6;
  const int right_word_4 = (int(threadIdx.x) / 64) + 8;
  const int right_word_5 = (int(threadIdx.x) / 64) + 10;
  const int right_word_6 = (int(threadIdx.x) / 64) + 12;
  const int right_word_7 = (int(threadIdx.x) / 64) + 14;
  const int right_n = smaller(tile_n + right_row, 69);
  float c_0_0_0 = 0.0f;
  float c_0_0_1 = 0.0f;
  float c_0_0_2 = 0.0f;
  float c_0_0_3 = 0.0f;
  float c_0_1_0 = 0.0f;
  float c_0_1_1 = 0.0f;
  float c_0_1_2 = 0.0f;
  float c_0_1_3 = 0.0f;
  float c_0_2_0 = 0.0f;
  float c_0_2_1 = 0.0f;
  float c_0_2_2 = 0.0f;
  float c_0_2_3 = 0.0f;
  float c_0_3_0 = 0.0f;
  float c_0_3_1 = 0.0f;
  float c_0_3_2 = 0.0f;
  float c_0_3_3 = 0.0f;
  float c_1_0_0 = 0.0f;
  float c_1_0_1 = 0.0f;
  float c_1_0_2 = 0.0f;
  float c_1_0_3 = 0.0f;
  float c_1_1_0 = 0.0f;
  float c_1_1_1 = 0.0f;
  float c_1_1_2 = 0.0f;
  float c_1_1_3 = 0.0f;
  float c_1_2_0 = 0.0f;
  float c_1_2_1 = 0.0f;
  float c_1_2_2 = 0.0f;
  float c_1_2_3 = 0.0f;
  float c_1_3_0 = 0.0f;
  float c_1_3_1 = 0.0f;
  float c_1_3_2 = 0.0f;
  float c_1_3_3 = 0.0f;
  const int i = batch * 60;
  const int i_1 = (i + left_m) * 50;
  const int i_2 = (i + left_m_1) * 50;
  const int i_3 = (i + left_m_2) * 50;
  const int i_4 = (i + left_m_3) * 50;
  const int i_5 = (i + left_m_4) * 50;
  const int i_6 = (i + left_m_5) * 50;
  const int i_7 = (i + left_m_6) * 50;
  const int i_8 = (i + left_m_7) * 50;
  const int i_9 = batch * 50;
  const int k_at = 0 + (left_word * 2);
  const int k = k_at;
  const int k_at_1 = (0 + (left_word * 2)) + 1;
  const int k_1 = k_at_1;
  const unsigned left_next = word_bf16(x[i_1 + k], x[i_1 + k_1]);
  const unsigned left_next_1 = word_bf16(x[i_2 + k], x[i_2 + k_1]);
  const unsigned left_next_2 = word_bf16(x[i_3 + k], x[i_3 + k_1]);
  const unsigned left_next_3 = word_bf16(x[i_4 + k], x[i_4 + k_1]);
  const unsigned left_next_4 = word_bf16(x[i_5 + k], x[i_5 + k_1]);
  const unsigned left_next_5 = word_bf16(x[i_6 + k], x[i_6 + k_1]);
  const unsigned left_next_6 = word_bf16(x[i_7 + k], x[i_7 + k_1]);
  const unsigned left_next_7 = word_bf16(x[i_8 + k], x[i_8 + k_1]);
  left[0 + ((left_row * 20) + left_word)] = left_next;
  left[0 + ((left_row_1 * 20) + left_word)] = left_next_1;
  left[0 + ((left_row_2 * 20) + left_word)] = left_next_2;
  left[0 + ((left_row_3 * 20) + left_word)] = left_next_3;
  left[0 + ((left_row_4 * 20) + left_word)] = left_next_4;
  left[0 + ((left_row_5 * 20) + left_word)] = left_next_5;
  left[0 + ((left_row_6 * 20) + left_word)] = left_next_6;
  left[0 + ((left_row_7 * 20) + left_word)] = left_next_7;
  const int k_at_2 = 0 + (right_word * 2);
  const int k_2 = k_at_2;
  const int k_at_3 = (0 + (right_word * 2)) + 1;
  const int k_3 = k_at_3;
  const int k_at_4 = 0 + (right_word_1 * 2);
  const int k_4 = k_at_4;
  const int k_at_5 = (0 + (right_word_1 * 2)) + 1;
  const int k_5 = k_at_5;
  const int k_at_6 = 0 + (right_word_2 * 2);
  const int k_6 = k_at_6;
  const int k_at_7 = (0 + (right_word_2 * 2)) + 1;
  const int k_7 = k_at_7;
  const int k_at_8 = 0 + (right_word_3 * 2);
  const int k_8 = k_at_8;
  const int k_at_9 = (0 + (right_word_3 * 2)) + 1;
  const int k_9 = k_at_9;
  const int k_at_10 = 0 + (right_word_4 * 2);
  const int k_10 = k_at_10;
  const int k_at_11 = (0 + (right_word_4 * 2)) + 1;
  const int k_11 = k_at_11;
  const int k_at_12 = 0 + (right_word_5 * 2);
  const int k_12 = k_at_12;
  const int k_at_13 = (0 + (right_word_5 * 2)) + 1;
  const int k_13 = k_at_13;
  const int k_at_14 = 0 + (right_word_6 * 2);
  const int k_14 = k_at_14;
  const int k_at_15 = (0 + (right_word_6 * 2)) + 1;
  const int k_15 = k_at_15;
  const int k_at_16 = 0 + (right_word_7 * 2);
  const int k_16 = k_at_16;
  const int k_at_17 = (0 + (right_word_7 * 2)) + 1;
  const int k_17 = k_at_17;
  const unsigned right_next = word_bf16(w[((i_9 + k_2) * 70) + right_n], w[((i_9 + k_3) * 70) + right_n]);
  const unsigned right_next_1 = word_bf16(w[((i_9 + k_4) * 70) + right_n], w[((i_9 + k_5) * 70) + right_n]);
  const unsigned right_next_2 = word_bf16(w[((i_9 + k_6) * 70) + right_n], w[((i_9 + k_7) * 70) + right_n]);
  const unsigned right_next_3 = word_bf16(w[((i_9 + k_8) * 70) + right_n], w[((i_9 + k_9) * 70) + right_n]);
  const unsigned right_next_4 = word_bf16(w[((i_9 + k_10) * 70) + right_n], w[((i_9 + k_11) * 70) + right_n]);
  const unsigned right_next_5 = word_bf16(w[((i_9 + k_12) * 70) + right_n], w[((i_9 + k_13) * 70) + right_n]);
  const unsigned right_next_6 = word_bf16(w[((i_9 + k_14) * 70) + right_n], w[((i_9 + k_15) * 70) + right_n]);
  const unsigned right_next_7 = word_bf16(w[((i_9 + k_16) * 70) + right_n], w[((i_9 + k_17) * 70) + right_n]);
  right[0 + ((right_row * 20) + right_word)] = right_next;
  right[0 + ((right_row * 20) + right_word_1)] = right_next_1;
  right[0 + ((right_row * 20) + right_word_2)] = right_next_2;
  right[0 + ((right_row * 20) + right_word_3)] = right_next_3;
  right[0 + ((right_row * 20) + right_word_4)] = right_next_4;
  right[0 + ((right_row * 20) + right_word_5)] = right_next_5;
  right[0 + ((right_row * 20) + right_word_6)] = right_next_6;
  right[0 + ((right_row * 20) + right_word_7)] = right_next_7;
  __syncthreads();
  for (int round_1 = 0; round_1 < 2; round_1++) {
    const int current = round_1 % 2;
    const int next = (round_1 + 1) % 2;
    const int k0 = (round_1 + 1) * 32;
    const int k_at_18 = k0 + (left_word * 2);
    const int k_18 = smaller(k_at_18, 49);
    const int k_at_19 = (k0 + (left_word * 2)) + 1;
    const int k_19 = smaller(k_at_19, 49);
    const bool p = k_at_18 < 50;
    float v;
    const int i_10 = i_1 + k_18;
    if (p) {
      v = x[i_10];
    } else {
      v = 0.0f;
    }
    const bool p_1 = k_at_19 < 50;
    float v_1;
    const int i_11 = i_1 + k_19;
    if (p_1) {
      v_1 = x[i_11];
    } else {
      v_1 = 0.0f;
    }
    const unsigned left_next_8 = word_bf16(v, v_1);
    float v_2;
    const int i_12 = i_2 + k_18;
    if (p) {
      v_2 = x[i_12];
    } else {
      v_2 = 0.0f;
    }
    float v_3;
    const int i_13 = i_2 + k_19;
    if (p_1) {
      v_3 = x[i_13];
    } else {
      v_3 = 0.0f;
    }
    const unsigned left_next_9 = word_bf16(v_2, v_3);
    float v_4;
    const int i_14 = i_3 + k_18;
    if (p) {
      v_4 = x[i_14];
    } else {
      v_4 = 0.0f;
    }
    float v_5;
    const int i_15 = i_3 + k_19;
    if (p_1) {
      v_5 = x[i_15];
    } else {
      v_5 = 0.0f;
    }
    const unsigned left_next_10 = word_bf16(v_4, v_5);
    float v_6;
    const int i_16 = i_4 + k_18;
    if (p) {
      v_6 = x[i_16];
    } else {
      v_6 = 0.0f;
    }
    float v_7;
    const int i_17 = i_4 + k_19;
    if (p_1) {
      v_7 = x[i_17];
    } else {
      v_7 = 0.0f;
    }
    const unsigned left_next_11 = word_bf16(v_6, v_7);
    float v_8;
    const int i_18 = i_5 + k_18;
    if (p) {
      v_8 = x[i_18];
    } else {
      v_8 = 0.0f;
    }
    float v_9;
    const int i_19 = i_5 + k_19;
    if (p_1) {
      v_9 = x[i_19];
    } else {
      v_9 = 0.0f;
    }
    const unsigned left_next_12 = word_bf16(v_8, v_9);
    float v_10;
    const int i_20 = i_6 + k_18;
    if (p) {
      v_10 = x[i_20];
    } else {
      v_10 = 0.0f;
    }
    float v_11;
    const int i_21 = i_6 + k_19;
    if (p_1) {
      v_11 = x[i_21];
    } else {
      v_11 = 0.0f;
    }
    const unsigned left_next_13 = word_bf16(v_10, v_11);
    float v_12;
    const int i_22 = i_7 + k_18;
    if (p) {
      v_12 = x[i_22];
    } else {
      v_12 = 0.0f;
    }
    float v_13;
    const int i_23 = i_7 + k_19;
    if (p_1) {
      v_13 = x[i_23];
    } else {
      v_13 = 0.0f;
    }
    const unsigned left_next_14 = word_bf16(v_12, v_13);
    float v_14;
    const int i_24 = i_8 + k_18;
    if (p) {
      v_14 = x[i_24];
    } else {
      v_14 = 0.0f;
    }
    float v_15;
    const int i_25 = i_8 + k_19;
    if (p_1) {
      v_15 = x[i_25];
    } else {
      v_15 = 0.0f;
    }
    const unsigned left_next_15 = word_bf16(v_14, v_15);
    const int k_at_20 = k0 + (right_word * 2);
    const int k_20 = smaller(k_at_20, 49);
    const int k_at_21 = (k0 + (right_word * 2)) + 1;
    const int k_21 = smaller(k_at_21, 49);
    const int k_at_22 = k0 + (right_word_1 * 2);
    const int k_22 = smaller(k_at_22, 49);
    const int k_at_23 = (k0 + (right_word_1 * 2)) + 1;
    const int k_23 = smaller(k_at_23, 49);
    const int k_at_24 = k0 + (right_word_2 * 2);
    const int k_24 = smaller(k_at_24, 49);
    const int k_at_25 = (k0 + (right_word_2 * 2)) + 1;
    const int k_25 = smaller(k_at_25, 49);
    const int k_at_26 = k0 + (right_word_3 * 2);
    const int k_26 = smaller(k_at_26, 49);
    const int k_at_27 = (k0 + (right_word_3 * 2)) + 1;
    const int k_27 = smaller(k_at_27, 49);
    const int k_at_28 = k0 + (right_word_4 * 2);
    const int k_28 = smaller(k_at_28, 49);
    const int k_at_29 = (k0 + (right_word_4 * 2)) + 1;
    const int k_29 = smaller(k_at_29, 49);
    const int k_at_30 = k0 + (right_word_5 * 2);
    const int k_30 = smaller(k_at_30, 49);
    const int k_at_31 = (k0 + (right_word_5 * 2)) + 1;
    const int k_31 = smaller(k_at_31, 49);
    const int k_at_32 = k0 + (right_word_6 * 2);
    const int k_32 = smaller(k_at_32, 49);
    const int k_at_33 = (k0 + (right_word_6 * 2)) + 1;
    const int k_33 = smaller(k_at_33, 49);
    const int k_at_34 = k0 + (right_word_7 * 2);
    const int k_34 = smaller(k_at_34, 49);
    const int k_at_35 = (k0 + (right_word_7 * 2)) + 1;
    const int k_35 = smaller(k_at_35, 49);
    float v_16;
    const int i_26 = ((i_9 + k_20) * 70) + right_n;
    if (k_at_20 < 50) {
      v_16 = w[i_26];
    } else {
      v_16 = 0.0f;
    }
    float v_17;
    const int i_27 = ((i_9 + k_21) * 70) + right_n;
    if (k_at_21 < 50) {
      v_17 = w[i_27];
    } else {
      v_17 = 0.0f;
    }
    const unsigned right_next_8 = word_bf16(v_16, v_17);
    float v_18;
    const int i_28 = ((i_9 + k_22) * 70) + right_n;
    if (k_at_22 < 50) {
      v_18 = w[i_28];
    } else {
      v_18 = 0.0f;
    }
    float v_19;
    const int i_29 = ((i_9 + k_23) * 70) + right_n;
    if (k_at_23 < 50) {
      v_19 = w[i_29];
    } else {
      v_19 = 0.0f;
    }
    const unsigned right_next_9 = word_bf16(v_18, v_19);
    float v_20;
    const int i_30 = ((i_9 + k_24) * 70) + right_n;
    if (k_at_24 < 50) {
      v_20 = w[i_30];
    } else {
      v_20 = 0.0f;
    }
    float v_21;
    const int i_31 = ((i_9 + k_25) * 70) + right_n;
    if (k_at_25 < 50) {
      v_21 = w[i_31];
    } else {
      v_21 = 0.0f;
    }
    const unsigned right_next_10 = word_bf16(v_20, v_21);
    float v_22;
    const int i_32 = ((i_9 + k_26) * 70) + right_n;
    if (k_at_26 < 50) {
      v_22 = w[i_32];
    } else {
      v_22 = 0.0f;
    }
    float v_23;
    const int i_33 = ((i_9 + k_27) * 70) + right_n;
    if (k_at_27 < 50) {
      v_23 = w[i_33];
    } else {
      v_23 = 0.0f;
    }
    const unsigned right_next_11 = word_bf16(v_22, v_23);
    float v_24;
    const int i_34 = ((i_9 + k_28) * 70) + right_n;
    if (k_at_28 < 50) {
      v_24 = w[i_34];
    } else {
      v_24 = 0.0f;
    }
    float v_25;
    const int i_35 = ((i_9 + k_29) * 70) + right_n;
    if (k_at_29 < 50) {
      v_25 = w[i_35];
    } else {
      v_25 = 0.0f;
    }
    const unsigned right_next_12 = word_bf16(v_24, v_25);
    float v_26;
    const int i_36 = ((i_9 + k_30) * 70) + right_n;
    if (k_at_30 < 50) {
      v_26 = w[i_36];
    } else {
      v_26 = 0.0f;
    }
    float v_27;
    const int i_37 = ((i_9 + k_31) * 70) + right_n;
    if (k_at_31 < 50) {
      v_27 = w[i_37];
    } else {
      v_27 = 0.0f;
    }
    const unsigned right_next_13 = word_bf16(v_26, v_27);
    float v_28;
    const int i_38 = ((i_9 + k_32) * 70) + right_n;
    if (k_at_32 < 50) {
      v_28 = w[i_38];
    } else {
      v_28 = 0.0f;
    }
    float v_29;
    const int i_39 = ((i_9 + k_33) * 70) + right_n;
    if (k_at_33 < 50) {
      v_29 = w[i_39];
    } else {
      v_29 = 0.0f;
    }
    const unsigned right_next_14 = word_bf16(v_28, v_29);
    float v_30;
    const int i_40 = ((i_9 + k_34) * 70) + right_n;
    if (k_at_34 < 50) {
      v_30 = w[i_40];
    } else {
      v_30 = 0.0f;
    }
    float v_31;
    const int i_41 = ((i_9 + k_35) * 70) + right_n;
    if (k_at_35 < 50) {
      v_31 = w[i_41];
    } else {
      v_31 = 0.0f;
    }
    const unsigned right_next_15 = word_bf16(v_30, v_31);
    {
      unsigned b, b_1, b_2, b_3;
      load_matrices(b, b_1, b_2, b_3, right + (current * 1280) + ((((row_n + (lane_of % 8)) + ((lane_of / 16) * 8)) * 20) + (((lane_of / 8) % 2) * 4)));
      unsigned b_4, b_5, b_6, b_7;
      load_matrices(b_4, b_5, b_6, b_7, right + (current * 1280) + (((((row_n + (lane_of % 8)) + ((lane_of / 16) * 8)) + 16) * 20) + (((lane_of / 8) % 2) * 4)));
      unsigned a, a_1, a_2, a_3;
      load_matrices(a, a_1, a_2, a_3, left + (current * 1280) + (((row_m + (lane_of % 16)) * 20) + ((lane_of / 16) * 4)));
      multiply_bf16(c_0_0_0, c_0_0_1, c_0_0_2, c_0_0_3, a, a_1, a_2, a_3, b, b_1);
      multiply_bf16(c_0_1_0, c_0_1_1, c_0_1_2, c_0_1_3, a, a_1, a_2, a_3, b_2, b_3);
      multiply_bf16(c_0_2_0, c_0_2_1, c_0_2_2, c_0_2_3, a, a_1, a_2, a_3, b_4, b_5);
      multiply_bf16(c_0_3_0, c_0_3_1, c_0_3_2, c_0_3_3, a, a_1, a_2, a_3, b_6, b_7);
      unsigned a_4, a_5, a_6, a_7;
      load_matrices(a_4, a_5, a_6, a_7, left + (current * 1280) + ((((row_m + (lane_of % 16)) + 16) * 20) + ((lane_of / 16) * 4)));
      multiply_bf16(c_1_0_0, c_1_0_1, c_1_0_2, c_1_0_3, a_4, a_5, a_6, a_7, b, b_1);
      multiply_bf16(c_1_1_0, c_1_1_1, c_1_1_2, c_1_1_3, a_4, a_5, a_6, a_7, b_2, b_3);
      multiply_bf16(c_1_2_0, c_1_2_1, c_1_2_2, c_1_2_3, a_4, a_5, a_6, a_7, b_4, b_5);
      multiply_bf16(c_1_3_0, c_1_3_1, c_1_3_2, c_1_3_3, a_4, a_5, a_6, a_7, b_6, b_7);
    }
    {
      unsigned b_8, b_9, b_10, b_11;
      load_matrices(b_8, b_9, b_10, b_11, right + (current * 1280) + ((((row_n + (lane_of % 8)) + ((lane_of / 16) * 8)) * 20) + ((((lane_of / 8) % 2) * 4) + 8)));
      unsigned b_12, b_13, b_14, b_15;
      load_matrices(b_12, b_13, b_14, b_15, right + (current * 1280) + (((((row_n + (lane_of % 8)) + ((lane_of / 16) * 8)) + 16) * 20) + ((((lane_of / 8) % 2) * 4) + 8)));
      unsigned a_8, a_9, a_10, a_11;
      load_matrices(a_8, a_9, a_10, a_11, left + (current * 1280) + (((row_m + (lane_of % 16)) * 20) + (((lane_of / 16) * 4) + 8)));
      multiply_bf16(c_0_0_0, c_0_0_1, c_0_0_2, c_0_0_3, a_8, a_9, a_10, a_11, b_8, b_9);
      multiply_bf16(c_0_1_0, c_0_1_1, c_0_1_2, c_0_1_3, a_8, a_9, a_10, a_11, b_10, b_11);
      multiply_bf16(c_0_2_0, c_0_2_1, c_0_2_2, c_0_2_3, a_8, a_9, a_10, a_11, b_12, b_13);
      multiply_bf16(c_0_3_0, c_0_3_1, c_0_3_2, c_0_3_3, a_8, a_9, a_10, a_11, b_14, b_15);
      unsigned a_12, a_13, a_14, a_15;
      load_matrices(a_12, a_13, a_14, a_15, left + (current * 1280) + ((((row_m + (lane_of % 16)) + 16) * 20) + (((lane_of / 16) * 4) + 8)));
      multiply_bf16(c_1_0_0, c_1_0_1, c_1_0_2, c_1_0_3, a_12, a_13, a_14, a_15, b_8, b_9);
      multiply_bf16(c_1_1_0, c_1_1_1, c_1_1_2, c_1_1_3, a_12, a_13, a_14, a_15, b_10, b_11);
      multiply_bf16(c_1_2_0, c_1_2_1, c_1_2_2, c_1_2_3, a_12, a_13, a_14, a_15, b_12, b_13);
      multiply_bf16(c_1_3_0, c_1_3_1, c_1_3_2, c_1_3_3, a_12, a_13, a_14, a_15, b_14, b_15);
    }
    left[(next * 1280) + ((left_row * 20) + left_word)] = left_next_8;
    left[(next * 1280) + ((left_row_1 * 20) + left_word)] = left_next_9;
    left[(next * 1280) + ((left_row_2 * 20) + left_word)] = left_next_10;
    left[(next * 1280) + ((left_row_3 * 20) + left_word)] = left_next_11;
    left[(next * 1280) + ((left_row_4 * 20) + left_word)] = left_next_12;
    left[(next * 1280) + ((left_row_5 * 20) + left_word)] = left_next_13;
    left[(next * 1280) + ((left_row_6 * 20) + left_word)] = left_next_14;
    left[(next * 1280) + ((left_row_7 * 20) + left_word)] = left_next_15;
    right[(next * 1280) + ((right_row * 20) + right_word)] = right_next_8;
    right[(next * 1280) + ((right_row * 20) + right_word_1)] = right_next_9;
    right[(next * 1280) + ((right_row * 20) + right_word_2)] = right_next_10;
    right[(next * 1280) + ((right_row * 20) + right_word_3)] = right_next_11;
    right[(next * 1280) + ((right_row * 20) + right_word_4)] = right_next_12;
    right[(next * 1280) + ((right_row * 20) + right_word_5)] = right_next_13;
    right[(next * 1280) + ((right_row * 20) + right_word_6)] = right_next_14;
    right[(next * 1280) + ((right_row * 20) + right_word_7)] = right_next_15;
    __syncthreads();
  }
  const int result_row = (row_m / 2) + (lane_of / 4);
  const int result_column = row_n + ((lane_of % 4) * 2);
  __syncthreads();
  right[(result_row * 72) + result_column] = __float_as_uint(c_0_0_0);
  right[(result_row * 72) + (result_column + 1)] = __float_as_uint(c_0_0_1);
  right[((result_row + 8) * 72) + result_column] = __float_as_uint(c_0_0_2);
  right[((result_row + 8) * 72) + (result_column + 1)] = __float_as_uint(c_0_0_3);
  right[(result_row * 72) + (result_column + 8)] = __float_as_uint(c_0_1_0);
  right[(result_row * 72) + ((result_column + 8) + 1)] = __float_as_uint(c_0_1_1);
  right[((result_row + 8) * 72) + (result_column + 8)] = __float_as_uint(c_0_1_2);
  right[((result_row + 8) * 72) + ((result_column + 8) + 1)] = __float_as_uint(c_0_1_3);
  right[(result_row * 72) + (result_column + 16)] = __float_as_uint(c_0_2_0);
  right[(result_row * 72) + ((result_column + 16) + 1)] = __float_as_uint(c_0_2_1);
  right[((result_row + 8) * 72) + (result_column + 16)] = __float_as_uint(c_0_2_2);
  right[((result_row + 8) * 72) + ((result_column + 16) + 1)] = __float_as_uint(c_0_2_3);
  right[(result_row * 72) + (result_column + 24)] = __float_as_uint(c_0_3_0);
  right[(result_row * 72) + ((result_column + 24) + 1)] = __float_as_uint(c_0_3_1);
  right[((result_row + 8) * 72) + (result_column + 24)] = __float_as_uint(c_0_3_2);
  right[((result_row + 8) * 72) + ((result_column + 24) + 1)] = __float_as_uint(c_0_3_3);
  __syncthreads();
  for (int element = int(threadIdx.x); element < 2048; element += 128) {
    const int r = element / 64;
    const int c = element % 64;
    const int m = tile_m + (((r / 16) * 32) + (r % 16));
    const int n = tile_n + c;
    const float sum = __uint_as_float(right[(r * 72) + c]);
    if (m < 60) {
      if (n < 70) {
        y[((i + m) * 70) + n] = sum + bias[n];
      }
    }
  }
  __syncthreads();
  right[(result_row * 72) + result_column] = __float_as_uint(c_1_0_0);
  right[(result_row * 72) + (result_column + 1)] = __float_as_uint(c_1_0_1);
  right[((result_row + 8) * 72) + result_column] = __float_as_uint(c_1_0_2);
  right[((result_row + 8) * 72) + (result_column + 1)] = __float_as_uint(c_1_0_3);
  right[(result_row * 72) + (result_column + 8)] = __float_as_uint(c_1_1_0);
  right[(result_row * 72) + ((result_column + 8) + 1)] = __float_as_uint(c_1_1_1);
  right[((result_row + 8) * 72) + (result_column + 8)] = __float_as_uint(c_1_1_2);
  right[((result_row + 8) * 72) + ((result_column + 8) + 1)] = __float_as_uint(c_1_1_3);
  right[(result_row * 72) + (result_column + 16)] = __float_as_uint(c_1_2_0);
  right[(result_row * 72) + ((result_column + 16) + 1)] = __float_as_uint(c_1_2_1);
  right[((result_row + 8) * 72) + (result_column + 16)] = __float_as_uint(c_1_2_2);
  right[((result_row + 8) * 72) + ((result_column + 16) + 1)] = __float_as_uint(c_1_2_3);
  right[(result_row * 72) + (result_column + 24)] = __float_as_uint(c_1_3_0);
  right[(result_row * 72) + ((result_column + 24) + 1)] = __float_as_uint(c_1_3_1);
  right[((result_row + 8) * 72) + (result_column + 24)] = __float_as_uint(c_1_3_2);
  right[((result_row + 8) * 72) + ((result_column + 24) + 1)] = __float_as_uint(c_1_3_3);
  __syncthreads();
  for (int element_1 = int(threadIdx.x); element_1 < 2048; element_1 += 128) {
    const int r_1 = element_1 / 64;
    const int c_1 = element_1 % 64;
    const int m_1 = (tile_m + (((r_1 / 16) * 32) + (r_1 % 16))) + 16;
    const int n_1 = tile_n + c_1;
    const float sum_1 = __uint_as_float(right[(r_1 * 72) + c_1]);
    if (m_1 < 60) {
      if (n_1 < 70) {
        const int i_42 = i + m_1;
        const int i_43 = i_42 * 70;
        const int i_44 = i_43 + n_1;
        const float bias_v = bias[n_1];
        const float v_32 = sum_1 + bias_v;
        y[i_44] = v_32;
      }
    }
  }
}
