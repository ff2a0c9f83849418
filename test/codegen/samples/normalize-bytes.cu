/*
kernel normalize_bytes(i < 1000, c < 3) {
  read image: u8[3000]
  read seed: u32[1]
  write y: f32[3000]
  y[i*3 + c] = threefry(seed[0], 1u, u32(i), 0u) < 1073741824u ? image[i*3 + c]*0.00392156862745098 : 0
}
grid 47,1,1
*/
// normalize_bytes
extern "C" __global__ void __launch_bounds__(64, 1) normalize_bytes_21188aae(const unsigned *__restrict__ image, const unsigned *__restrict__ seed, float *__restrict__ y) {
  const int point = (int(blockIdx.x) * 64) + int(threadIdx.x);
  if (3000 <= point) { return; }
  const unsigned v = unsigned(point);
  const int i = int(v / 3u);
  const int i_1 = (i * 3) + int(v % 3u);
  float v_1;
  const unsigned v_2 = unsigned(i_1);
  const int i_2 = int(v_2 / 4u);
  const unsigned v_3 = unsigned(int(v_2 % 4u)) * 8u;
  if (threefry(seed[0], 1u, unsigned(i), 0u) < 1073741824u) {
    v_1 = float((image[i_2] >> v_3) & 255u) * 0.003921569f;
  } else {
    v_1 = 0.0f;
  }
  y[i_1] = v_1;
}
