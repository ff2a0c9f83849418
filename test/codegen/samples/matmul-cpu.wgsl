/*
kernel matmul(b < 2, m < 60, n < 30) {
  read x: f32[6000]
  read w: f32[3000]
  read bias: f32[30]
  write y: f32[3600]
  %0 = contract k < 50 of x[(b*60 + m)*50 + k] . w[(b*50 + k)*30 + n]
  y[(b*60 + m)*30 + n] = %0 + bias[n]
}
grid 4,1,1
*/
// matmul
enable subgroups;
@group(0) @binding(0) var<storage, read_write> x: array<f32, 6000>;
@group(0) @binding(1) var<storage, read_write> w: array<f32, 3000>;
@group(0) @binding(2) var<storage, read_write> bias: array<f32, 30>;
@group(0) @binding(3) var<storage, read_write> y: array<f32, 3600>;

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(local_invocation_index) local_index: u32) {
  let lane = i32(local_index);
  let group = i32(workgroup_id.x);
  let tile_n = 0;
  let tile_m = (group % 2) * 32;
  let thread_n = lane % 8;
  let thread_m = lane / 8;
  let batch = group / 2;
  var c_0_0 = vec4f();
  var c_1_0 = vec4f();
  var c_2_0 = vec4f();
  var c_3_0 = vec4f();
  var c_4_0 = vec4f();
  var c_5_0 = vec4f();
  var c_6_0 = vec4f();
  var c_7_0 = vec4f();
  var c_8_0 = vec4f();
  var c_9_0 = vec4f();
  var c_10_0 = vec4f();
  var c_11_0 = vec4f();
  var c_12_0 = vec4f();
  var c_13_0 = vec4f();
  var c_14_0 = vec4f();
  var c_15_0 = vec4f();
  var c_16_0 = vec4f();
  var c_17_0 = vec4f();
  var c_18_0 = vec4f();
  var c_19_0 = vec4f();
  var c_20_0 = vec4f();
  var c_21_0 = vec4f();
  var c_22_0 = vec4f();
  var c_23_0 = vec4f();
  var c_24_0 = vec4f();
  var c_25_0 = vec4f();
  var c_26_0 = vec4f();
  var c_27_0 = vec4f();
  var c_28_0 = vec4f();
  var c_29_0 = vec4f();
  var c_30_0 = vec4f();
  var c_31_0 = vec4f();
  let m = min(tile_m + (lane * 4), 59);
  let m_1 = min((tile_m + (lane * 4)) + 1, 59);
  let m_2 = min((tile_m + (lane * 4)) + 2, 59);
  let m_3 = min((tile_m + (lane * 4)) + 3, 59);
  let n = min(tile_n + (lane * 4), 29);
  let n_1 = min((tile_n + (lane * 4)) + 1, 29);
  let n_2 = min((tile_n + (lane * 4)) + 2, 29);
  let n_3 = min((tile_n + (lane * 4)) + 3, 29);
  let i = batch * 60;
  let i_1 = (i + m) * 50;
  let i_2 = (i + m_1) * 50;
  let i_3 = (i + m_2) * 50;
  let i_4 = (i + m_3) * 50;
  let i_5 = batch * 50;
  for (var k = 0; k < 50 + i32(workgroup_id.z); k++) {
    let own0 = vec4f(x[i_1 + k], x[i_2 + k], x[i_3 + k], x[i_4 + k]);
    let a0 = subgroupBroadcast(own0, 0u);
    let a1 = subgroupBroadcast(own0, 1u);
    let a2 = subgroupBroadcast(own0, 2u);
    let a3 = subgroupBroadcast(own0, 3u);
    let a4 = subgroupBroadcast(own0, 4u);
    let a5 = subgroupBroadcast(own0, 5u);
    let a6 = subgroupBroadcast(own0, 6u);
    let a7 = subgroupBroadcast(own0, 7u);
    let i_6 = (i_5 + k) * 30;
    let b0 = vec4f(w[i_6 + n], w[i_6 + n_1], w[i_6 + n_2], w[i_6 + n_3]);
    c_0_0 += a0.x * b0;
    c_1_0 += a0.y * b0;
    c_2_0 += a0.z * b0;
    c_3_0 += a0.w * b0;
    c_4_0 += a1.x * b0;
    c_5_0 += a1.y * b0;
    c_6_0 += a1.z * b0;
    c_7_0 += a1.w * b0;
    c_8_0 += a2.x * b0;
    c_9_0 += a2.y * b0;
    c_10_0 += a2.z * b0;
    c_11_0 += a2.w * b0;
    c_12_0 += a3.x * b0;
    c_13_0 += a3.y * b0;
    c_14_0 += a3.z * b0;
    c_15_0 += a3.w * b0;
    c_16_0 += a4.x * b0;
    c_17_0 += a4.y * b0;
    c_18_0 += a4.z * b0;
    c_19_0 += a4.w * b0;
    c_20_0 += a5.x * b0;
    c_21_0 += a5.y * b0;
    c_22_0 += a5.z * b0;
    c_23_0 += a5.w * b0;
    c_24_0 += a6.x * b0;
    c_25_0 += a6.y * b0;
    c_26_0 += a6.z * b0;
    c_27_0 += a6.w * b0;
    c_28_0 += a7.x * b0;
    c_29_0 += a7.y * b0;
    c_30_0 += a7.z * b0;
    c_31_0 += a7.w * b0;
  }
  let n_4 = tile_n + (thread_n * 4);
  let n_5 = (tile_n + (thread_n * 4)) + 1;
  let n_6 = (tile_n + (thread_n * 4)) + 2;
  let n_7 = (tile_n + (thread_n * 4)) + 3;
  for (var o = 0; o < 4 + i32(workgroup_id.z); o++) {
    var part_0_0 = c_0_0;
    part_0_0 = select(part_0_0, c_8_0, o == 1);
    part_0_0 = select(part_0_0, c_16_0, o == 2);
    part_0_0 = select(part_0_0, c_24_0, o == 3);
    var part_1_0 = c_1_0;
    part_1_0 = select(part_1_0, c_9_0, o == 1);
    part_1_0 = select(part_1_0, c_17_0, o == 2);
    part_1_0 = select(part_1_0, c_25_0, o == 3);
    var part_2_0 = c_2_0;
    part_2_0 = select(part_2_0, c_10_0, o == 1);
    part_2_0 = select(part_2_0, c_18_0, o == 2);
    part_2_0 = select(part_2_0, c_26_0, o == 3);
    var part_3_0 = c_3_0;
    part_3_0 = select(part_3_0, c_11_0, o == 1);
    part_3_0 = select(part_3_0, c_19_0, o == 2);
    part_3_0 = select(part_3_0, c_27_0, o == 3);
    var part_4_0 = c_4_0;
    part_4_0 = select(part_4_0, c_12_0, o == 1);
    part_4_0 = select(part_4_0, c_20_0, o == 2);
    part_4_0 = select(part_4_0, c_28_0, o == 3);
    var part_5_0 = c_5_0;
    part_5_0 = select(part_5_0, c_13_0, o == 1);
    part_5_0 = select(part_5_0, c_21_0, o == 2);
    part_5_0 = select(part_5_0, c_29_0, o == 3);
    var part_6_0 = c_6_0;
    part_6_0 = select(part_6_0, c_14_0, o == 1);
    part_6_0 = select(part_6_0, c_22_0, o == 2);
    part_6_0 = select(part_6_0, c_30_0, o == 3);
    var part_7_0 = c_7_0;
    part_7_0 = select(part_7_0, c_15_0, o == 1);
    part_7_0 = select(part_7_0, c_23_0, o == 2);
    part_7_0 = select(part_7_0, c_31_0, o == 3);
    for (var i_7 = 0; i_7 < 8 + i32(workgroup_id.z); i_7++) {
      var row_0 = part_0_0;
      row_0 = select(row_0, part_1_0, i_7 == 1);
      row_0 = select(row_0, part_2_0, i_7 == 2);
      row_0 = select(row_0, part_3_0, i_7 == 3);
      row_0 = select(row_0, part_4_0, i_7 == 4);
      row_0 = select(row_0, part_5_0, i_7 == 5);
      row_0 = select(row_0, part_6_0, i_7 == 6);
      row_0 = select(row_0, part_7_0, i_7 == 7);
      let m_4 = (tile_m + (thread_m * 32)) + ((o * 8) + i_7);
      if (m_4 < 60) {
        let i_8 = ((i + m_4) * 30) + n_4;
        if (n_4 < 30) {
          y[i_8] = row_0.x + bias[n_4];
        }
        let i_9 = i + m_4;
        let i_10 = i_9 * 30;
        let i_11 = i_10 + n_5;
        if (n_5 < 30) {
          y[i_11] = row_0.y + bias[n_5];
        }
        let i_12 = i_10 + n_6;
        if (n_6 < 30) {
          y[i_12] = row_0.z + bias[n_6];
        }
        let i_13 = i_10 + n_7;
        if (n_7 < 30) {
          y[i_13] = row_0.w + bias[n_7];
        }
      }
    }
  }
}
