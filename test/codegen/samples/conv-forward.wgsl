/*
kernel conv_forward(b < 2, m < 8, n < 36) {
  read w: f32[216]
  read x: f32[216]
  read bias: f32[8]
  write y: f32[576]
  %0 = contract k < 27 of w[m*27 + k] . 0 <= n/6 + k/3%3 - 1 && n/6 + k/3%3 - 1 < 6 && (0 <= n%6 + k%3 - 1 && n%6 + k%3 - 1 < 6) ? x[(b*3 + k/9)*36 + ((n/6 + k/3%3 - 1)*6 + (n%6 + k%3 - 1))] : 0
  y[(b*8 + m)*36 + n] = max(%0 + bias[m], 0)
}
grid 3,1,1
*/
// conv_forward
enable subgroups;
@group(0) @binding(0) var<storage, read_write> w: array<f32, 216>;
@group(0) @binding(1) var<storage, read_write> x: array<f32, 216>;
@group(0) @binding(2) var<storage, read_write> bias: array<f32, 8>;
@group(0) @binding(3) var<storage, read_write> y: array<f32, 576>;

// By its bits: implementations may assume that comparisons never see NaN.
fn is_nan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }

// The built-in may leave out what is no number; a sum does not.
fn larger(x: f32, y: f32) -> f32 { return select(max(x, y), x + y, is_nan(x) || is_nan(y)); }

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(local_invocation_index) local_index: u32) {
  let lane = i32(local_index);
  let group = i32(workgroup_id.x);
  let tile_n = (group % 3) * 32;
  let tile_m = 0;
  let thread_n = lane % 8;
  let thread_m = lane / 8;
  var c_0_0 = vec4f();
  var c_1_0 = vec4f();
  var c_2_0 = vec4f();
  var c_3_0 = vec4f();
  var c_4_0 = vec4f();
  var c_5_0 = vec4f();
  var c_6_0 = vec4f();
  var c_7_0 = vec4f();
  let m = tile_m + (i32(u32(lane) % 2u) * 4);
  let m_1 = (tile_m + (i32(u32(lane) % 2u) * 4)) + 1;
  let m_2 = (tile_m + (i32(u32(lane) % 2u) * 4)) + 2;
  let m_3 = (tile_m + (i32(u32(lane) % 2u) * 4)) + 3;
  let n = min(tile_n + (lane * 4), 71);
  let n_1 = min((tile_n + (lane * 4)) + 1, 71);
  let n_2 = min((tile_n + (lane * 4)) + 2, 71);
  let n_3 = min((tile_n + (lane * 4)) + 3, 71);
  let i = m * 27;
  let i_1 = m_1 * 27;
  let i_2 = m_2 * 27;
  let i_3 = m_3 * 27;
  let v = u32(n);
  let i_4 = i32(u32(i32(v / 6u)) % 6u);
  let i_7 = i32(v % 6u);
  let i_10 = i32(v / 36u) * 3;
  let v_2 = u32(n_1);
  let i_12 = i32(u32(i32(v_2 / 6u)) % 6u);
  let i_14 = i32(v_2 % 6u);
  let i_16 = i32(v_2 / 36u) * 3;
  let v_3 = u32(n_2);
  let i_17 = i32(u32(i32(v_3 / 6u)) % 6u);
  let i_19 = i32(v_3 % 6u);
  let i_21 = i32(v_3 / 36u) * 3;
  let v_4 = u32(n_3);
  let i_22 = i32(u32(i32(v_4 / 6u)) % 6u);
  let i_24 = i32(v_4 % 6u);
  let i_26 = i32(v_4 / 36u) * 3;
  for (var k = 0; k < 27 + i32(workgroup_id.z); k++) {
    let own0 = vec4f(w[i + k], w[i_1 + k], w[i_2 + k], w[i_3 + k]);
    let a0 = subgroupBroadcast(own0, 0u);
    let a1 = subgroupBroadcast(own0, 1u);
    let v_1 = u32(k);
    let i_5 = i32(u32(i32(v_1 / 3u)) % 3u);
    let i_6 = (i_4 + i_5) - 1;
    let i_8 = i32(v_1 % 3u);
    let i_9 = (i_7 + i_8) - 1;
    let i_11 = i32(v_1 / 9u);
    let i_13 = (i_12 + i_5) - 1;
    let i_15 = (i_14 + i_8) - 1;
    let i_18 = (i_17 + i_5) - 1;
    let i_20 = (i_19 + i_8) - 1;
    let i_23 = (i_22 + i_5) - 1;
    let i_25 = (i_24 + i_8) - 1;
    let b0 = vec4f(select(0.0, x[(((i_10 + i_11) * 36) + (i_6 * 6)) + i_9], ((0 <= i_6) & (i_6 < 6)) & ((0 <= i_9) & (i_9 < 6))), select(0.0, x[(((i_16 + i_11) * 36) + (i_13 * 6)) + i_15], ((0 <= i_13) & (i_13 < 6)) & ((0 <= i_15) & (i_15 < 6))), select(0.0, x[(((i_21 + i_11) * 36) + (i_18 * 6)) + i_20], ((0 <= i_18) & (i_18 < 6)) & ((0 <= i_20) & (i_20 < 6))), select(0.0, x[(((i_26 + i_11) * 36) + (i_23 * 6)) + i_25], ((0 <= i_23) & (i_23 < 6)) & ((0 <= i_25) & (i_25 < 6))));
    c_0_0 += a0.x * b0;
    c_1_0 += a0.y * b0;
    c_2_0 += a0.z * b0;
    c_3_0 += a0.w * b0;
    c_4_0 += a1.x * b0;
    c_5_0 += a1.y * b0;
    c_6_0 += a1.z * b0;
    c_7_0 += a1.w * b0;
  }
  let n_4 = tile_n + (thread_n * 4);
  let n_5 = (tile_n + (thread_n * 4)) + 1;
  let n_6 = (tile_n + (thread_n * 4)) + 2;
  let n_7 = (tile_n + (thread_n * 4)) + 3;
  let v_5 = v / 36u;
  let i_28 = i32(v_5);
  let i_29 = i_28 * 8;
  let i_30 = i32(v % 36u);
  let v_6 = v_2 / 36u;
  let i_32 = i32(v_6);
  let i_33 = i_32 * 8;
  let i_34 = i32(v_2 % 36u);
  let v_9 = v_3 / 36u;
  let i_36 = i32(v_9);
  let i_37 = i_36 * 8;
  let i_38 = i32(v_3 % 36u);
  let v_12 = v_4 / 36u;
  let i_40 = i32(v_12);
  let i_41 = i_40 * 8;
  let i_42 = i32(v_4 % 36u);
  for (var i_27 = 0; i_27 < 8 + i32(workgroup_id.z); i_27++) {
    var row_0 = c_0_0;
    row_0 = select(row_0, c_1_0, i_27 == 1);
    row_0 = select(row_0, c_2_0, i_27 == 2);
    row_0 = select(row_0, c_3_0, i_27 == 3);
    row_0 = select(row_0, c_4_0, i_27 == 4);
    row_0 = select(row_0, c_5_0, i_27 == 5);
    row_0 = select(row_0, c_6_0, i_27 == 6);
    row_0 = select(row_0, c_7_0, i_27 == 7);
    let m_4 = (tile_m + (thread_m * 8)) + i_27;
    let i_31 = ((i_29 + m_4) * 36) + i_30;
    if (n_4 < 72) {
      y[i_31] = larger(row_0.x + bias[m_4], 0.0);
    }
    let i_35 = ((i_33 + m_4) * 36) + i_34;
    if (n_5 < 72) {
      let bias_v = bias[m_4];
      let v_7 = row_0.y + bias_v;
      let v_8 = larger(v_7, 0.0);
      y[i_35] = v_8;
    }
    let i_39 = ((i_37 + m_4) * 36) + i_38;
    if (n_6 < 72) {
      let bias_v_1 = bias[m_4];
      let v_10 = row_0.z + bias_v_1;
      let v_11 = larger(v_10, 0.0);
      y[i_39] = v_11;
    }
    let i_43 = ((i_41 + m_4) * 36) + i_42;
    if (n_7 < 72) {
      let bias_v_2 = bias[m_4];
      let v_13 = row_0.w + bias_v_2;
      let v_14 = larger(v_13, 0.0);
      y[i_43] = v_14;
    }
  }
}
