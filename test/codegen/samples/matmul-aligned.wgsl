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
@group(0) @binding(0) var<storage, read_write> x: array<f32, 4096>;
@group(0) @binding(1) var<storage, read_write> w: array<f32, 8192>;
@group(0) @binding(2) var<storage, read_write> bias: array<f32, 128>;
@group(0) @binding(3) var<storage, read_write> y: array<f32, 8192>;
var<workgroup> left: array<vec4f, 144>;
var<workgroup> right: array<vec4f, 128>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(local_invocation_index) local_index: u32) {
  let lane = i32(local_index);
  let group = i32(workgroup_id.x);
  let tile_n = (group % 4) * 32;
  let tile_m = ((group / 4) % 2) * 32;
  let thread_n = lane % 8;
  let thread_m = lane / 8;
  var c_0_0 = vec4f();
  var c_1_0 = vec4f();
  var c_2_0 = vec4f();
  var c_3_0 = vec4f();
  let i = i32(u32(lane) % 16u);
  let i_1 = i32(u32(lane) / 16u);
  let i_6 = i32(u32(lane) % 8u);
  let i_7 = i32(u32(lane) / 8u);
  for (var k0 = 0; k0 < 64; k0 += 16) {
    for (var quad = i_1; quad < 8; quad += 4) {
      let m = tile_m + (quad * 4);
      let m_1 = (tile_m + (quad * 4)) + 1;
      let m_2 = (tile_m + (quad * 4)) + 2;
      let m_3 = (tile_m + (quad * 4)) + 3;
      let i_2 = m * 64;
      let i_3 = m_1 * 64;
      let i_4 = m_2 * 64;
      let i_5 = m_3 * 64;
      let row = i;
      let k = k0 + row;
      left[(row * 9) + quad] = vec4f(x[i_2 + k], x[i_3 + k], x[i_4 + k], x[i_5 + k]);
    }
    let quad_1 = i_6;
    let n = tile_n + (quad_1 * 4);
    let n_1 = (tile_n + (quad_1 * 4)) + 1;
    let n_2 = (tile_n + (quad_1 * 4)) + 2;
    let n_3 = (tile_n + (quad_1 * 4)) + 3;
    for (var row_1 = i_7; row_1 < 16; row_1 += 8) {
      let k_1 = k0 + row_1;
      let i_8 = k_1 * 128;
      right[(row_1 * 8) + quad_1] = vec4f(w[i_8 + n], w[i_8 + n_1], w[i_8 + n_2], w[i_8 + n_3]);
    }
    workgroupBarrier();
    for (var kk = 0; kk < 16; kk += 4) {
      {
        let a0 = left[(kk * 9) + thread_m];
        let b0 = right[(kk * 8) + thread_n];
        c_0_0 += a0.x * b0;
        c_1_0 += a0.y * b0;
        c_2_0 += a0.z * b0;
        c_3_0 += a0.w * b0;
      }
      {
        let a0 = left[((kk + 1) * 9) + thread_m];
        let b0 = right[((kk + 1) * 8) + thread_n];
        c_0_0 += a0.x * b0;
        c_1_0 += a0.y * b0;
        c_2_0 += a0.z * b0;
        c_3_0 += a0.w * b0;
      }
      {
        let a0 = left[((kk + 2) * 9) + thread_m];
        let b0 = right[((kk + 2) * 8) + thread_n];
        c_0_0 += a0.x * b0;
        c_1_0 += a0.y * b0;
        c_2_0 += a0.z * b0;
        c_3_0 += a0.w * b0;
      }
      {
        let a0 = left[((kk + 3) * 9) + thread_m];
        let b0 = right[((kk + 3) * 8) + thread_n];
        c_0_0 += a0.x * b0;
        c_1_0 += a0.y * b0;
        c_2_0 += a0.z * b0;
        c_3_0 += a0.w * b0;
      }
    }
    workgroupBarrier();
  }
  let n_4 = tile_n + (thread_n * 4);
  let n_5 = (tile_n + (thread_n * 4)) + 1;
  let n_6 = (tile_n + (thread_n * 4)) + 2;
  let n_7 = (tile_n + (thread_n * 4)) + 3;
  let bias_v = bias[n_4];
  let bias_v_1 = bias[n_5];
  let bias_v_2 = bias[n_6];
  let bias_v_3 = bias[n_7];
  for (var i_9 = 0; i_9 < 4; i_9++) {
    var row_0 = c_0_0;
    row_0 = select(row_0, c_1_0, i_9 == 1);
    row_0 = select(row_0, c_2_0, i_9 == 2);
    row_0 = select(row_0, c_3_0, i_9 == 3);
    let m_4 = (tile_m + (thread_m * 4)) + i_9;
    let i_10 = (m_4 * 128) + n_4;
    y[i_10] = row_0.x + bias_v;
    let i_11 = m_4 * 128;
    let i_12 = i_11 + n_5;
    y[i_12] = row_0.y + bias_v_1;
    let i_13 = i_11 + n_6;
    y[i_13] = row_0.z + bias_v_2;
    let i_14 = i_11 + n_7;
    y[i_14] = row_0.w + bias_v_3;
  }
}
