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
@group(0) @binding(0) var<storage, read_write> dy: array<f32, 3200>;
@group(0) @binding(1) var<storage, read_write> x: array<f32, 1200>;
@group(0) @binding(2) var<storage, read_write> dw: array<f32, 432>;
var<workgroup> left: array<vec4f, 144>;
var<workgroup> right: array<vec4f, 144>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(local_invocation_index) local_index: u32) {
  let lane = i32(local_index);
  let group = i32(workgroup_id.x);
  let tile_n = 0;
  let tile_m = 0;
  let thread_n = lane % 8;
  let thread_m = lane / 8;
  let batch = group;
  var c_0_0 = vec4f();
  var c_1_0 = vec4f();
  var c_2_0 = vec4f();
  var c_3_0 = vec4f();
  let i = i32(u32(lane) % 16u);
  let i_1 = i32(u32(lane) / 16u);
  let i_2 = batch * 2;
  for (var k0 = 0; k0 < 200; k0 += 16) {
    for (var quad = i_1; quad < 8; quad += 4) {
      let m = min(tile_m + (quad * 4), 7);
      let m_1 = min((tile_m + (quad * 4)) + 1, 7);
      let m_2 = min((tile_m + (quad * 4)) + 2, 7);
      let m_3 = min((tile_m + (quad * 4)) + 3, 7);
      let row = i;
      let k = min(k0 + row, 199);
      let v = u32(k);
      let i_3 = (i_2 + i32(v / 100u)) * 8;
      let i_4 = i32(v % 100u);
      left[(row * 9) + quad] = select(vec4f(), vec4f(dy[((i_3 + m) * 100) + i_4], dy[((i_3 + m_1) * 100) + i_4], dy[((i_3 + m_2) * 100) + i_4], dy[((i_3 + m_3) * 100) + i_4]), (k0 + row) < 200);
    }
    for (var quad_1 = i_1; quad_1 < 8; quad_1 += 4) {
      let n = min(tile_n + (quad_1 * 4), 26);
      let n_1 = min((tile_n + (quad_1 * 4)) + 1, 26);
      let n_2 = min((tile_n + (quad_1 * 4)) + 2, 26);
      let n_3 = min((tile_n + (quad_1 * 4)) + 3, 26);
      let v_2 = u32(n);
      let i_6 = i32(u32(i32(v_2 / 3u)) % 3u);
      let i_9 = i32(v_2 % 3u);
      let i_14 = i32(v_2 / 9u);
      let v_4 = u32(n_1);
      let i_15 = i32(u32(i32(v_4 / 3u)) % 3u);
      let i_17 = i32(v_4 % 3u);
      let i_19 = i32(v_4 / 9u);
      let v_5 = u32(n_2);
      let i_20 = i32(u32(i32(v_5 / 3u)) % 3u);
      let i_22 = i32(v_5 % 3u);
      let i_24 = i32(v_5 / 9u);
      let v_6 = u32(n_3);
      let i_25 = i32(u32(i32(v_6 / 3u)) % 3u);
      let i_27 = i32(v_6 % 3u);
      let i_29 = i32(v_6 / 9u);
      let row_1 = i;
      let k_1 = min(k0 + row_1, 199);
      let v_1 = u32(k_1);
      let i_5 = i32(u32(i32(v_1 / 10u)) % 10u);
      let i_7 = (i_5 + i_6) - 1;
      let i_8 = i32(v_1 % 10u);
      let i_10 = (i_8 + i_9) - 1;
      let v_3 = v_1 / 100u;
      let i_11 = i32(v_3);
      let i_12 = i_2 + i_11;
      let i_13 = i_12 * 3;
      let i_16 = (i_5 + i_15) - 1;
      let i_18 = (i_8 + i_17) - 1;
      let i_21 = (i_5 + i_20) - 1;
      let i_23 = (i_8 + i_22) - 1;
      let i_26 = (i_5 + i_25) - 1;
      let i_28 = (i_8 + i_27) - 1;
      let i_30 = row_1 * 9;
      let i_31 = i_30 + quad_1;
      right[i_31] = select(vec4f(), vec4f(select(0.0, x[(((i_13 + i_14) * 100) + (i_7 * 10)) + i_10], ((0 <= i_7) & (i_7 < 10)) & ((0 <= i_10) & (i_10 < 10))), select(0.0, x[(((i_13 + i_19) * 100) + (i_16 * 10)) + i_18], ((0 <= i_16) & (i_16 < 10)) & ((0 <= i_18) & (i_18 < 10))), select(0.0, x[(((i_13 + i_24) * 100) + (i_21 * 10)) + i_23], ((0 <= i_21) & (i_21 < 10)) & ((0 <= i_23) & (i_23 < 10))), select(0.0, x[(((i_13 + i_29) * 100) + (i_26 * 10)) + i_28], ((0 <= i_26) & (i_26 < 10)) & ((0 <= i_28) & (i_28 < 10)))), (k0 + row_1) < 200);
    }
    workgroupBarrier();
    for (var kk = 0; kk < 16; kk += 4) {
      {
        let a0 = left[(kk * 9) + thread_m];
        let b0 = right[(kk * 9) + thread_n];
        c_0_0 += a0.x * b0;
        c_1_0 += a0.y * b0;
        c_2_0 += a0.z * b0;
        c_3_0 += a0.w * b0;
      }
      {
        let a0 = left[((kk + 1) * 9) + thread_m];
        let b0 = right[((kk + 1) * 9) + thread_n];
        c_0_0 += a0.x * b0;
        c_1_0 += a0.y * b0;
        c_2_0 += a0.z * b0;
        c_3_0 += a0.w * b0;
      }
      {
        let a0 = left[((kk + 2) * 9) + thread_m];
        let b0 = right[((kk + 2) * 9) + thread_n];
        c_0_0 += a0.x * b0;
        c_1_0 += a0.y * b0;
        c_2_0 += a0.z * b0;
        c_3_0 += a0.w * b0;
      }
      {
        let a0 = left[((kk + 3) * 9) + thread_m];
        let b0 = right[((kk + 3) * 9) + thread_n];
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
  let i_33 = batch * 8;
  for (var i_32 = 0; i_32 < 4; i_32++) {
    var row_0 = c_0_0;
    row_0 = select(row_0, c_1_0, i_32 == 1);
    row_0 = select(row_0, c_2_0, i_32 == 2);
    row_0 = select(row_0, c_3_0, i_32 == 3);
    let m_4 = (tile_m + (thread_m * 4)) + i_32;
    if (m_4 < 8) {
      let i_34 = ((i_33 + m_4) * 27) + n_4;
      if (n_4 < 27) {
        dw[i_34] = row_0.x;
      }
      let i_35 = i_33 + m_4;
      let i_36 = i_35 * 27;
      let i_37 = i_36 + n_5;
      if (n_5 < 27) {
        dw[i_37] = row_0.y;
      }
      let i_38 = i_36 + n_6;
      if (n_6 < 27) {
        dw[i_38] = row_0.z;
      }
      let i_39 = i_36 + n_7;
      if (n_7 < 27) {
        dw[i_39] = row_0.w;
      }
    }
  }
}
