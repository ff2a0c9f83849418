/*
kernel above_mean(p < 100) {
  read x: f32[800]
  write above: bool[800]
  write part: u8[800]
  write y: f32[800]
  %0 = sum r < 8 of x[p*8 + r]*0.125
  for s < 8: above[p*8 + s] = %0 + 0.01 < x[p*8 + s]
             part[p*8 + s] = u32(abs(x[p*8 + s]*20))
             y[p*8 + s] = x[p*8 + s] - %0
}
grid 2,1,1
*/
// above_mean
extern "C" __global__ void __launch_bounds__(64, 1) above_mean_3945bec5(const float *__restrict__ x, unsigned *__restrict__ above, unsigned *__restrict__ part, float *__restrict__ y) {
  const int point = (int(blockIdx.x) * 64) + int(threadIdx.x);
  if (100 <= point) { return; }
  float acc = 0.0f;
  const int i = point * 8;
  for (int r = 0; r < 8; r++) {
    acc += x[i + r] * 0.125f;
  }
  const int i_1 = point * 2;
  const float v = acc + 0.01f;
  for (int s = 0; s < 2; s++) {
    const int i_2 = i_1 + s;
    const int i_3 = s * 4;
    const int i_4 = i + i_3;
    const int i_5 = i_4 + 1;
    const int i_6 = i_4 + 2;
    const int i_7 = i_4 + 3;
    const float x_v = x[i_4];
    const float x_v_1 = x[i_5];
    const float x_v_2 = x[i_6];
    const float x_v_3 = x[i_7];
    const unsigned v_1 = ((unsigned(v < x_v) | (unsigned(v < x_v_1) << 8u)) | (unsigned(v < x_v_2) << 16u)) | (unsigned(v < x_v_3) << 24u);
    const unsigned v_2 = (((__float2uint_rz(magnitude(x_v * 20.0f)) & 255u) | ((__float2uint_rz(magnitude(x_v_1 * 20.0f)) & 255u) << 8u)) | ((__float2uint_rz(magnitude(x_v_2 * 20.0f)) & 255u) << 16u)) | ((__float2uint_rz(magnitude(x_v_3 * 20.0f)) & 255u) << 24u);
    const float v_3 = x_v - acc;
    const float v_4 = x_v_1 - acc;
    const float v_5 = x_v_2 - acc;
    const float v_6 = x_v_3 - acc;
    above[i_2] = v_1;
    part[i_2] = v_2;
    y[i_4] = v_3;
    y[i_5] = v_4;
    y[i_6] = v_5;
    y[i_7] = v_6;
  }
}
