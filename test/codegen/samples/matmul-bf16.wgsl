/*
kernel matmul_bf16(b < 2, m < 60, n < 70) {
  read x: f32[6000]
  read w: f32[7000]
  read bias: f32[70]
  write y: f32[8400]
  %0 = contract k < 50 of round_bf16(x[(b*60 + m)*50 + k]) . round_bf16(w[(b*50 + k)*70 + n]) in bf16
  y[(b*60 + m)*70 + n] = %0 + bias[n]
}
grid 12,1,1
*/
// matmul_bf16
@group(0) @binding(0) var<storage, read_write> x: array<f32, 6000>;
@group(0) @binding(1) var<storage, read_write> w: array<f32, 7000>;
@group(0) @binding(2) var<storage, read_write> bias: array<f32, 70>;
@group(0) @binding(3) var<storage, read_write> y: array<f32, 8400>;
var<workgroup> left: array<vec4f, 144>;
var<workgroup> right: array<vec4f, 128>;

// By its bits: implementations may assume that comparisons never see NaN.
fn is_nan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }

// To the upper half of the bits, ties to even.
fn round_bf16(x: f32) -> f32 {
  let bits = bitcast<u32>(x);
  return select(bitcast<f32>((bits + 0x7fffu + ((bits >> 16u) & 1u)) & 0xffff0000u), x, is_nan(x));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(local_invocation_index) local_index: u32) {
  let lane = i32(local_index);
  let group = i32(workgroup_id.x);
  let tile_n = (group % 3) * 32;
  let tile_m = ((group / 3) % 2) * 32;
  let thread_n = lane % 8;
  let thread_m = lane / 8;
  let batch = group / 6;
  var c_0_0 = vec4f();
  var c_1_0 = vec4f();
  var c_2_0 = vec4f();
  var c_3_0 = vec4f();
  let i = i32(u32(lane) % 16u);
  let i_1 = i32(u32(lane) / 16u);
  let i_2 = batch * 60;
  let i_7 = i32(u32(lane) % 8u);
  let i_8 = i32(u32(lane) / 8u);
  let i_9 = batch * 50;
  for (var k0 = 0; k0 < 50; k0 += 16) {
    for (var quad = i_1; quad < 8; quad += 4) {
      let m = min(tile_m + (quad * 4), 59);
      let m_1 = min((tile_m + (quad * 4)) + 1, 59);
      let m_2 = min((tile_m + (quad * 4)) + 2, 59);
      let m_3 = min((tile_m + (quad * 4)) + 3, 59);
      let i_3 = (i_2 + m) * 50;
      let i_4 = (i_2 + m_1) * 50;
      let i_5 = (i_2 + m_2) * 50;
      let i_6 = (i_2 + m_3) * 50;
      let row = i;
      let k = min(k0 + row, 49);
      left[(row * 9) + quad] = select(vec4f(), vec4f(round_bf16(x[i_3 + k]), round_bf16(x[i_4 + k]), round_bf16(x[i_5 + k]), round_bf16(x[i_6 + k])), (k0 + row) < 50);
    }
    let quad_1 = i_7;
    let n = min(tile_n + (quad_1 * 4), 69);
    let n_1 = min((tile_n + (quad_1 * 4)) + 1, 69);
    let n_2 = min((tile_n + (quad_1 * 4)) + 2, 69);
    let n_3 = min((tile_n + (quad_1 * 4)) + 3, 69);
    for (var row_1 = i_8; row_1 < 16; row_1 += 8) {
      let k_1 = min(k0 + row_1, 49);
      let i_10 = (i_9 + k_1) * 70;
      right[(row_1 * 8) + quad_1] = select(vec4f(), vec4f(round_bf16(w[i_10 + n]), round_bf16(w[i_10 + n_1]), round_bf16(w[i_10 + n_2]), round_bf16(w[i_10 + n_3])), (k0 + row_1) < 50);
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
  for (var i_11 = 0; i_11 < 4; i_11++) {
    var row_0 = c_0_0;
    row_0 = select(row_0, c_1_0, i_11 == 1);
    row_0 = select(row_0, c_2_0, i_11 == 2);
    row_0 = select(row_0, c_3_0, i_11 == 3);
    let m_4 = (tile_m + (thread_m * 4)) + i_11;
    if (m_4 < 60) {
      let i_12 = ((i_2 + m_4) * 70) + n_4;
      if (n_4 < 70) {
        y[i_12] = row_0.x + bias[n_4];
      }
      let i_13 = i_2 + m_4;
      let i_14 = i_13 * 70;
      let i_15 = i_14 + n_5;
      if (n_5 < 70) {
        y[i_15] = row_0.y + bias[n_5];
      }
      let i_16 = i_14 + n_6;
      if (n_6 < 70) {
        y[i_16] = row_0.z + bias[n_6];
      }
      let i_17 = i_14 + n_7;
      if (n_7 < 70) {
        y[i_17] = row_0.w + bias[n_7];
      }
    }
  }
}
